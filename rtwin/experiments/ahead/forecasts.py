"""Channels of the coming window as they can be known when it begins.

Every user reports its channels and who serves it just before a window. Until the next report

last report        they are taken to stay
forecast           a twin says how they change along the way, and the report how far off the twin
                   was: gain(t) = twin(t) + rho (report - twin(report)), where rho falls with the
                   distance walked since, exp(-moved / distance)

The distance, and how wrong a forecast of some age is, are learned from past walks.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace, RadioMap, SampleSettings, make_link_trace, sample_map
from rtwin.experiments.network import adaptation_of, seen_at
from rtwin.link import Handover, serving_cells
from rtwin.scene import Tracks
from rtwin.units import from_db, to_db

DISTANCES_M = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_NOTHING_DB = -160.0  # path gain that stands for none, far below what any receiver hears
_SMOOTH = 11  # ages that errors are averaged over
_SERVES_DB = 300.0  # above all others: who serves now is known
_TX = ("tx_name", "tx_position_m", "tx_orientation_rad", "tx_velocity_m_s", "tx_power_dbm")


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is believed of the windows of a walk.

    Attributes:
        trace: Believed channels, row by row.
        error_db: How far its SINR is off [dB], by age, [time].
    """

    trace: LinkTrace
    error_db: Floats


def window_rows(num_rows: int, rows: int) -> tuple[Ints, Ints]:
    """First row of the window that each row lies in, and the row of the last report, [time]."""
    first = np.arange(num_rows) // rows * rows
    return first, np.maximum(first - 1, 0)


def last_report(truth: LinkTrace, rows: int) -> LinkTrace:
    """What one knows who takes the channels of the last report to stay for a window of `rows`."""
    return seen_at(truth, window_rows(truth.num_steps, rows)[1])


def straight_on(tracks: Tracks, rows: int, past: int) -> Tracks:
    """Where users will be if they go on as in the last `past` rows before each window.

    Users stand still where nothing is known of before.
    """
    first, report = window_rows(len(tracks.time_s), rows)
    before = np.maximum(report - past, 0)
    position = tracks.position_m
    span = np.maximum(report - before, 1)[:, None, None]
    speed = (position[report] - position[before]) / span
    ahead = (np.arange(len(first)) - report)[:, None, None]
    told = {**tracks.source, "places": "straight on"}
    return Tracks(tracks.time_s, tracks.ue_name, position[report] + ahead * speed, told)


def forecast(
    radio_map: RadioMap,
    truth: LinkTrace,
    tracks: Tracks,
    places: Tracks,
    rows: int,
    distance_m: float,
    link: SampleSettings,
) -> LinkTrace:
    """A twin's channels at the places to come, corrected by the last report.

    Args:
        radio_map: The twin.
        truth: What users report just before every window.
        tracks: Where they were then.
        places: Where they are expected, of the same users and times.
        rows: Of a window.
        distance_m: Over which the twin's error stays what it was, to 1/e [m]; 0 leaves the
            report out.
        link: The radio link.
    Checked by tests/experiments/ahead/test_forecasts.py.
    """
    here = _level(sample_map(radio_map, tracks, link).path_gain)
    there = here if places is tracks else _level(sample_map(radio_map, places, link).path_gain)
    return _corrected(here, there, truth, tracks, places, rows, distance_m)


def _corrected(
    here: Floats,
    there: Floats,
    truth: LinkTrace,
    tracks: Tracks,
    places: Tracks,
    rows: int,
    distance_m: float,
) -> LinkTrace:
    """The forecast of a twin with these levels where users are and will be, [time, ue, tx] dB."""
    _, report = window_rows(truth.num_steps, rows)
    here = here[report]
    miss = _level(truth.path_gain)[report] - here
    moved = np.linalg.norm((places.position_m - tracks.position_m[report])[..., :2], axis=-1)
    keeps = np.exp(-moved / distance_m) if distance_m > 0 else np.zeros_like(moved)
    level = there + keeps[..., None] * miss
    gain = np.where(level > _NOTHING_DB + 1.0, np.minimum(from_db(level), 1.0), 0.0)
    rss_dbm = (to_db(gain) + truth.tx_power_dbm).astype(np.float32)
    return make_link_trace(
        {name: getattr(truth, name) for name in _TX},
        truth.time_s,
        truth.ue_name,
        places.position_m,
        gain,
        noise_power_w=float(truth.attributes["noise_power_w"]),
        adaptation=adaptation_of(truth),
        handover=_handover(truth),
        interference_load=float(truth.attributes["interference_load"]),
        serving_tx=_serving(rss_dbm, truth, rows),
    )


def fitted_distance_m(
    radio_map: RadioMap, truth: LinkTrace, tracks: Tracks, rows: int, link: SampleSettings
) -> float:
    """The distance of DISTANCES_M, or 0, with which forecasts of a past walk were best [m]."""
    level = _level(sample_map(radio_map, tracks, link).path_gain)

    def missed(distance_m: float) -> float:
        found = _corrected(level, level, truth, tracks, tracks, rows, distance_m)
        return float(np.sqrt(np.mean(error_by_age(found, truth, rows) ** 2)))

    return min((0.0, *DISTANCES_M), key=missed)


def error_by_age(belief: LinkTrace, truth: LinkTrace, rows: int) -> Floats:
    """How far a past belief's SINR was off in the cell that it named [dB], by age, [row].

    Root of the mean square over users and windows, and over neighbouring ages; what was not
    received at all does not count.
    """
    cell = np.maximum(belief.serving_tx, 0)[..., None].astype(np.int64)
    off = np.take_along_axis(belief.sinr_db.astype(np.float64), cell, axis=2)[..., 0]
    with np.errstate(invalid="ignore"):  # nothing minus nothing
        off = off - np.take_along_axis(truth.sinr_db.astype(np.float64), cell, axis=2)[..., 0]
    known = np.isfinite(off) & (belief.serving_tx >= 0)
    age = np.arange(truth.num_steps) % rows
    square = np.bincount(age, (np.where(known, off, 0.0) ** 2).sum(axis=1), rows)
    number = np.bincount(age, known.sum(axis=1), rows)
    weight = np.ones(_SMOOTH)
    total, count = _around(square, weight), _around(number, weight)
    return np.sqrt(total / np.maximum(count, 1.0))


def repeated(error_db: Floats, num_rows: int) -> Floats:
    """Errors by age as those of the rows of a walk, [time]."""
    return error_db[np.arange(num_rows) % len(error_db)]


def _around(values: NDArray[np.number[Any]], weight: Floats) -> Floats:
    return np.convolve(np.pad(values, len(weight) // 2), weight, "valid")


def _level(path_gain: Floats) -> Floats:
    return np.maximum(to_db(np.nan_to_num(path_gain)), _NOTHING_DB)


def _handover(trace: LinkTrace) -> Handover:
    told = trace.attributes
    return Handover(float(told["hysteresis_db"]), float(told["time_to_trigger_s"]))


def _serving(rss_dbm: NDArray[np.float32], truth: LinkTrace, rows: int) -> NDArray[np.int16]:
    """Who is believed to serve, from who served at the last report on, [time, ue]."""
    windows = -(-truth.num_steps // rows)
    filled = np.minimum(np.arange(windows * rows), truth.num_steps - 1)
    power = rss_dbm[filled].reshape(windows, rows, *rss_dbm.shape[1:])
    power = np.moveaxis(power, 0, 1).reshape(rows, -1, truth.num_tx).astype(np.float64)
    start = np.maximum(np.arange(windows) * rows - 1, 0)
    now = truth.rss_dbm[start].astype(np.float64)
    own = truth.serving_tx[start][..., None] == np.arange(truth.num_tx)
    now = np.where(own, _SERVES_DB, now).reshape(1, -1, truth.num_tx)
    serving, _ = serving_cells(np.concatenate([now, power]), truth.step_s, _handover(truth))
    unrolled = np.moveaxis(serving[1:].reshape(rows, windows, -1), 0, 1)
    return unrolled.reshape(windows * rows, -1)[: truth.num_steps]


def rows_of_window(window_s: float, step_s: float) -> int:
    """Rows of a link trace in a window, at least one."""
    return max(1, round(window_s / step_s))
