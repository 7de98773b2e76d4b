"""What a file is, in a few numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.dataset.inspection import CheckedFile, open_checked
from rtwin.dataset.reading.dark import darkness
from rtwin.dataset.reading.link_trace import NO_POSITION, SERVED, open_link_trace
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT, SWEEP_FORMAT, TRACE_FORMAT
from rtwin.dataset.store import blocks
from rtwin.units import to_db

_COUNTS = ("num_candidates", "num_inside", "num_underground", "num_without_ground")


def file_info(file: str | Path) -> dict[str, Any]:
    """A summary of a dataset, radio map or link trace, ready for JSON.

    Raises:
        StoreError: if the file is missing, broken, foreign or newer.
    """
    with open_checked(file) as h5:
        kind = str(h5.attrs["format"])
        info: dict[str, Any] = {
            "file": str(file),
            "format": kind,
            "bytes": Path(file).stat().st_size,
            "title": h5.attrs.get("title", ""),
            "scene": h5.attrs.get("scene", ""),
            "scene_hash": h5.attrs.get("scene_hash", ""),
            "content_hash": h5.attrs.get("content_hash", ""),
            "seed": int(h5.attrs.get("seed", 0)),
            "variant": h5.attrs.get("variant", ""),
            "versions": json.loads(h5.attrs.get("versions", "{}")),
            "remarks": json.loads(h5.attrs.get("remarks", "[]")),
            "num_tx": int(h5["tx_position_m"].shape[0]),
        }
        if kind == SWEEP_FORMAT:
            info["frequencies_hz"] = h5["frequency_hz"][...].tolist()
        else:
            info["frequency_hz"] = float(h5.attrs.get("frequency_hz", np.nan))
        if kind in (PATHS_FORMAT, SWEEP_FORMAT):
            paths = h5["num_paths"][...]
            info |= {
                "num_rx": int(h5["rx_position_m"].shape[0]),
                "num_links": len(paths),
                "num_paths": int(paths.sum()),
                "num_paths_without_power": _count_without_power(h5),
                "num_links_without_path": int((paths == 0).sum()),
                "max_paths_per_link": int(paths.max(initial=0)),
                "dropped_path_gain": float(h5["dropped_path_gain"][...].sum()),
                "keep_invalid": bool(json.loads(h5.attrs["recipe"])["receivers"]["keep_invalid"]),
                **{name: int(h5.attrs[name]) for name in _COUNTS},
                "dark": darkness(
                    (paths == 0).reshape(-1, info["num_tx"]),
                    json.loads(h5.attrs["recipe"]),
                    "links",
                    h5["rx_position_m"][...][:, 2],
                ),
            }
        elif kind == MAP_FORMAT:
            gain = h5["path_gain"][...]
            reached = gain > 0
            info |= {
                "method": str(h5.attrs.get("method", "monte-carlo")),
                "num_cells_y": int(gain.shape[1]),
                "num_cells_x": int(gain.shape[2]),
                "cell_size_m": float(h5.attrs["cell_size_m"]),
                "reached_share": float(reached.any(axis=0).mean()),
                "max_path_gain_db": float(to_db(gain.max())) if reached.any() else None,
                # Of measurements, cells without one are no news.
                "dark": ""
                if h5.attrs.get("method") == "measurements"
                else darkness(
                    np.moveaxis(~reached, 0, -1), json.loads(h5.attrs["recipe"]), "cells"
                ),
            }
    if kind == TRACE_FORMAT:
        info |= _trace_info(file)
    return info


def _trace_info(file: str | Path) -> dict[str, Any]:
    trace = open_link_trace(file)
    counts = trace.counts()
    num_handovers = counts.pop("handovers")
    here = trace.state != NO_POSITION
    rate = trace.of_serving("rate_mbps")[here]
    errors = trace.of_serving("path_gain_standard_error_db")
    errors = errors[np.isfinite(errors)]
    faded: dict[str, Any] = {}
    if trace.block_error_rate is not None:
        served = trace.state == SERVED
        faded = {
            f"mean_{name}": float(trace.of_serving(name)[served].mean()) if served.any() else None
            for name in ("block_error_rate", "lost_blocks", "num_layers")
        }
    if trace.tx_load is not None:
        faded["mean_tx_load"] = [float(load) for load in trace.tx_load.mean(axis=0)]
    return {
        "link": trace.attributes.get("link", "simple"),
        **faded,
        "method": trace.attributes.get("method", ""),
        "twin_hash": trace.attributes.get("twin_hash", ""),
        "num_ues": trace.num_ues,
        "num_steps": trace.num_steps,
        "duration_s": float(trace.time_s[-1] - trace.time_s[0]),
        "states": counts,
        "num_handovers": num_handovers,
        "median_rate_mbps": float(np.median(rate)) if rate.size else None,
        "median_standard_error_db": float(np.median(errors)) if errors.size else None,
    }


def _count_without_power(h5: CheckedFile) -> int:
    """Paths whose coefficient is zero, for instance through metal: geometry without a field."""
    ports = tuple(range(1, h5["a"].ndim))
    return sum(int((block == 0).all(axis=ports).sum()) for block in blocks(h5["a"]))
