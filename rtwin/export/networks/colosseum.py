"""A Colosseum scenario: a MATLAB file of four taps per link and time.

Coefficients are b = a exp(-j 2 pi f tau), as Colosseum's filters add them. It
represents 0 to -43 dB, so all links are raised by one gain, which is told.
Written from Colosseum's "New Scenario File Format Requirements".
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Complexes, Floats
from rtwin.channel import cir
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView, shared_times_s
from rtwin.export.registry import Report
from rtwin.export.writing import save_mat
from rtwin.progress import Progress
from rtwin.units import to_db

NUM_TAPS = 4
MAX_NODES = 52
MAX_DELAY_S = 5.11e-6
DYNAMIC_RANGE_DB = 43.0
MAX_CELLS = 1_000_000  # each becomes a MATLAB array of its own


def write_colosseum(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    gain_db: Annotated[str, "added to all links; auto brings the strongest tap to 0 dB"] = "auto",
    weak_taps: Annotated[bool, "leave out taps below -43 dB instead of refusing them"] = False,
) -> Report:
    """Write chMatrix, time, coordinates and, where the recipe has one, origin.

    Nodes are the transmitters, then the receivers; rows of chMatrix send.
    Pairs that the twin does not hold have taps of 0. A link and its way back
    have the same taps.
    """
    view = view.one_port("Colosseum")
    nodes = view.num_tx + len(view.tracks)
    times_s = shared_times_s(view, "Colosseum")
    times_ms = (times_s - times_s[0]) * 1e3
    if np.abs(times_ms - np.round(times_ms)).max() > 1e-6:
        raise OutOfRangeError(
            f"times step by {np.diff(times_ms).min():g} ms, Colosseum counts whole milliseconds; "
            "trace the track with another interval_s"
        )
    if nodes > MAX_NODES:
        raise OutOfRangeError(
            f"the scenario has {nodes} nodes, Colosseum runs {MAX_NODES}; choose with tx and rx"
        )
    most = int(view.num_paths.max(initial=0))
    if most > NUM_TAPS:
        raise OutOfRangeError(
            f"a link has {most} paths, Colosseum filters {NUM_TAPS}; take the strongest with "
            f"strongest_paths {NUM_TAPS} (--strongest-paths {NUM_TAPS})"
        )
    if nodes**2 * len(times_s) > MAX_CELLS:
        raise OutOfRangeError(
            f"{nodes} nodes at {len(times_s)} times are {nodes**2 * len(times_s)} cells, at most "
            f"{MAX_CELLS} are written; choose with tx and rx"
        )
    iq, delay_s = _taps(view, len(times_s), progress)
    strongest_db = float(2 * to_db(np.abs(iq).max(initial=0)))
    shift_db = _shift(gain_db, strongest_db)
    iq *= 10 ** (shift_db / 20)
    weak = (iq != 0) & (2 * to_db(np.abs(iq)) < -DYNAMIC_RANGE_DB)
    if weak.any() and not weak_taps:
        raise OutOfRangeError(
            f"{weak.sum()} of {(iq != 0).sum()} taps are below -{DYNAMIC_RANGE_DB:g} dB after "
            f"{shift_db:+.1f} dB, which Colosseum cannot represent; choose fewer links, or leave "
            "them out with weak_taps=true"
        )
    iq[weak] = 0
    held = np.flatnonzero((iq != 0).any(axis=-1).ravel())
    rx_m = view.of_rx("rx_position_m").reshape(len(view.tracks), len(times_s), 3)
    tx_m = np.broadcast_to(view.of_tx("tx_position_m")[:, None], (view.num_tx, len(times_s), 3))
    content = {
        "chMatrix": _cells(iq, delay_s, nodes, view.num_tx),
        # One time stands for a second, as Colosseum's default does.
        "time": times_ms.round() if len(times_ms) > 1 else np.array([0.0, 1000.0]),
        "coordinates": np.moveaxis(np.concatenate([tx_m, rx_m]), 1, 2),
    }
    if len(times_ms) == 1:
        content["chMatrix"] = np.concatenate([content["chMatrix"]] * 2, axis=2)
        content["coordinates"] = np.concatenate([content["coordinates"]] * 2, axis=2)
    place = view.dataset.recipe.georeference
    if place is not None:
        content["origin"] = {"long": place.origin_lon_deg, "lat": place.origin_lat_deg}
    save_mat(target, content)
    report: Report = {
        "nodes": f"{view.num_tx} tx, {len(view.tracks)} rx",
        "times": len(content["time"]),
        "gain added": f"{shift_db:+.3f} dB to every link",
        "links with taps": f"{len(held)} of {iq[..., 0].size}",
    }
    if weak.any():
        report["taps left out"] = f"{weak.sum()} below -{DYNAMIC_RANGE_DB:g} dB"
    return report


def _shift(gain_db: str, strongest_db: float) -> float:
    if not np.isfinite(strongest_db):
        raise OutOfRangeError("no link has a path; choose others with tx and rx")
    try:
        shift = -strongest_db if gain_db == "auto" else float(gain_db)
    except ValueError:
        raise OutOfRangeError(f"gain_db is {gain_db!r}; it must be a number or auto") from None
    if not shift + strongest_db <= 1e-9:
        raise OutOfRangeError(
            f"gain_db is {gain_db}, which brings the strongest tap to {shift + strongest_db:.1f} "
            f"dB; Colosseum's highest is 0 dB, so it must be {-strongest_db:.1f} or less"
        )
    return shift


def _taps(view: PathView, num_times: int, progress: Progress) -> tuple[Complexes, Floats]:
    """Coefficients and delays [track, tx, time, tap], 0 where a link has fewer paths."""
    shape = (view.num_rx, view.num_tx, NUM_TAPS)
    iq, delay_s = np.zeros(shape, np.complex128), np.zeros(shape)
    for block in view.blocks():
        paths = block.paths
        if paths.delay_s.max(initial=0) > MAX_DELAY_S:
            raise OutOfRangeError(
                f"a path takes {paths.delay_s.max() * 1e6:.2f} us, Colosseum delays by "
                f"{MAX_DELAY_S * 1e6:.2f} us; choose nearer nodes with tx and rx"
            )
        row, tx = np.divmod(paths.link_index, view.num_tx)
        column = np.arange(len(tx)) - paths.offsets[paths.link_index]
        iq[row + block.rx.start, tx, column] = cir(paths)[:, 0, 0, 0]
        delay_s[row + block.rx.start, tx, column] = paths.delay_s
        progress("export", block.rx.stop, view.num_rx)
    by_track = (len(view.tracks), num_times, view.num_tx, NUM_TAPS)
    return (
        np.swapaxes(iq.reshape(by_track), 1, 2).copy(),
        np.swapaxes(delay_s.reshape(by_track), 1, 2).copy(),
    )


def _cells(iq: Complexes, delay_s: Floats, nodes: int, num_tx: int) -> NDArray[np.object_]:
    """chMatrix [node, node, time]: a 2x4 array of delays and coefficients in each cell."""
    num_rx, _, num_times, _ = iq.shape
    cells = np.empty((nodes, nodes, num_times), object)
    nothing = np.zeros((2, NUM_TAPS), np.complex128)
    for index in np.ndindex(cells.shape):
        cells[index] = nothing
    for rx, tx, time in np.ndindex(num_rx, num_tx, num_times):
        cell = np.stack([delay_s[rx, tx, time].astype(np.complex128), iq[rx, tx, time]])
        cells[tx, num_tx + rx, time] = cells[num_tx + rx, tx, time] = cell
    return cells
