"""A folder from which an LTE simulation of ns-3 runs: losses, nodes, places, the program.

ns-3's matrix of losses knows neither where nodes are nor how strong they send, and it is
not asked at all for two nodes at one place, so both stand in tables of their own.
"""

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.export.networks.ns3_loss import Gain, write_loss
from rtwin.export.record import PathView
from rtwin.export.registry import Report
from rtwin.progress import Progress

PROGRAM = Path(__file__).parent / "examples" / "ns3_lte.py"


def write_lte(view: PathView, target: Path, progress: Progress, *, gain: Gain = "mean") -> Report:
    """Write losses.csv, nodes.csv, places.csv and lte.py; transmitters are nodes 0, 1, ..."""
    report = write_loss(view, target / "losses.csv", progress, gain=gain)
    names = [str(name) for name in view.of_tx("tx_name")]
    power_dbm = view.of_tx("tx_power_dbm")
    devices = [f"rx {n}" for n in range(len(view.tracks))]
    nodes = [
        *((n, "tx", name, f"{power_dbm[n]:.9g}") for n, name in enumerate(names)),
        *((view.num_tx + n, "rx", name, "") for n, name in enumerate(devices)),
    ]
    _table(target / "nodes.csv", ("node", "kind", "name", "power_dbm"), nodes)
    places: list[tuple[Any, ...]] = [
        ("0", n, *_metres(place)) for n, place in enumerate(view.of_tx("tx_position_m"))
    ]
    rx_m = view.of_rx("rx_position_m")
    start_s = 0.0 if view.time_s is None else float(np.min(view.time_s))
    for n, track in enumerate(view.tracks):
        for row in range(track.start, track.stop):
            time_s = 0.0 if view.time_s is None else view.time_s[row] - start_s
            places.append((f"{time_s:.9g}", view.num_tx + n, *_metres(rx_m[row])))
    _table(target / "places.csv", ("time_s", "node", "x_m", "y_m", "z_m"), places)
    shutil.copyfile(PROGRAM, target / "lte.py")
    return {**report, "run": "pip install ns3==3.44.post0, then python lte.py in the folder"}


def _metres(place: Iterable[float]) -> list[str]:
    return [f"{value:.9g}" for value in place]


def _table(file: Path, header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with open(file, "w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
