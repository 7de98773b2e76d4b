"""Tracks: where users are over time, and reading them from tables."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError, RecipeError, ShapeError
from rtwin.scene._model import MAX_COORDINATE_M
from rtwin.scene.columns import PLACES, read_csv
from rtwin.scene.georeference import Georeference

MAX_SAMPLES = 20_000_000  # users times steps


@dataclass(frozen=True, eq=False)
class Tracks:
    """Positions of users at equally spaced times.

    Attributes:
        time_s: Times [s], [time].
        ue_name: Names, [ue].
        position_m: x, y, z [m], [time, ue, 3]. x and y are NaN where a user is
            nowhere; z is NaN where the height is not known: 1.5 m above ground
            or the map's height is meant.
        source: How the tracks came about, for provenance.
    """

    time_s: Floats
    ue_name: tuple[str, ...]
    position_m: Floats
    source: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = (len(self.time_s), len(self.ue_name), 3)
        if self.position_m.shape != wanted:
            raise ShapeError(f"position_m has shape {self.position_m.shape}; it must be {wanted}")
        if len(set(self.ue_name)) < len(self.ue_name):
            raise OutOfRangeError("two users have the same name; names must differ")
        for array in (self.time_s, self.position_m):
            array.setflags(write=False)


def check_samples(num_ues: int, num_steps: float) -> None:
    """Refuse tracks that would not fit into memory.

    Raises:
        OutOfRangeError: if there are more than MAX_SAMPLES positions.
    """
    if num_ues * num_steps > MAX_SAMPLES:
        raise OutOfRangeError(
            f"{num_ues} users at {num_steps:.3g} times are more than {MAX_SAMPLES:.0e} positions; "
            "take fewer users, a shorter time or a longer interval"
        )


def read_tracks(
    file: str | Path,
    interval_s: float = 0.1,
    max_gap_s: float = 5.0,
    georeference: Georeference | None = None,
) -> Tracks:
    """Tracks of a CSV file, brought to equally spaced times.

    Between two rows of a user positions are interpolated, unless the rows are
    further apart than the longest gap; before its first and after its last row
    a user is nowhere.

    Args:
        file: Columns time_s, ue, x_m, y_m and, if known, z_m, in any order; in
            place of x_m and y_m also lat_deg and lon_deg (WGS 84).
        interval_s: Time between positions [s].
        max_gap_s: Longest time between two rows that is bridged [s].
        georeference: Where the scene lies on Earth, for latitudes and longitudes.
    Returns:
        The tracks, users in the order of their first rows; `source` has the number of gaps
        that are not bridged, `num_gaps`, where there are any.
    Raises:
        RecipeError: if the file is missing or not such a table (with its line),
            or in latitude and longitude while the scene is nowhere on Earth.
        OutOfRangeError: if there would be too many positions.
    Checked by tests/scene/places/test_tracks.py.
    """
    file = Path(file)
    columns = read_csv(file, ((("time_s",),), (("ue",),), PLACES), ("z_m",), text=("ue",))
    columns = _in_scene(file, columns, georeference)
    if not (np.isfinite(interval_s) and interval_s > 0):
        raise OutOfRangeError(f"interval_s is {interval_s}; it must be above 0 s")
    time, xyz = columns["time_s"], np.full((len(columns["time_s"]), 3), np.nan)
    for axis, name in enumerate(("x_m", "y_m", "z_m")):
        if name in columns:
            xyz[:, axis] = columns[name]
    names, owner = _in_order(columns["ue"])
    first, last = float(time.min()), float(time.max())
    num_steps = (last - first) / interval_s + 1
    check_samples(len(names), num_steps)
    times = first + interval_s * np.arange(int(num_steps + 1e-9), dtype=np.float64)
    position = np.full((len(times), len(names), 3), np.nan)
    num_gaps = 0
    for ue in range(len(names)):
        rows = np.flatnonzero(owner == ue)
        rows = rows[np.argsort(time[rows], kind="stable")]
        if (np.diff(time[rows]) <= 0).any():
            raise RecipeError(f"{file}: user '{names[ue]}' has two rows of one time; keep one")
        position[:, ue] = _resampled(times, time[rows], xyz[rows], max_gap_s)
        num_gaps += int(np.count_nonzero(np.diff(time[rows]) > max_gap_s))
    gaps = {"num_gaps": num_gaps, "max_gap_s": max_gap_s} if num_gaps else {}
    return Tracks(times, names, position, {"kind": "csv", "file": file.name, **gaps})


def _in_scene(
    file: Path, columns: dict[str, Any], georeference: Georeference | None
) -> dict[str, Any]:
    """The columns with x_m and y_m, whichever way the places are given."""
    if "x_m" in columns:
        return columns
    if georeference is None:
        raise RecipeError(
            f"{file}:1: places are given by latitude and longitude, but the scene has no "
            "[georeference]; give x_m and y_m"
        )
    xyz = georeference.to_local(columns["lat_deg"], columns["lon_deg"])
    far = np.flatnonzero(~(np.abs(xyz[:, :2]).max(axis=1) <= MAX_COORDINATE_M))
    if far.size:
        raise RecipeError(
            f"{file}: row {far[0] + 1} at latitude {columns['lat_deg'][far[0]]:g}, longitude "
            f"{columns['lon_deg'][far[0]]:g} is more than {MAX_COORDINATE_M / 1e3:g} km from the "
            "scene's origin; check the numbers and their order"
        )
    return columns | {"x_m": xyz[:, 0], "y_m": xyz[:, 1]}


def _in_order(ue: Any) -> tuple[tuple[str, ...], Ints]:
    names = tuple(dict.fromkeys(ue))
    number = {name: row for row, name in enumerate(names)}
    return names, np.array([number[name] for name in ue])


def _resampled(times: Floats, own_time: Floats, xyz: Floats, max_gap_s: float) -> Floats:
    # Times are sums of steps, rows are typed: a nanosecond apart is the same time.
    slack = 1e-9 * max(1.0, float(np.abs(own_time).max()))
    there = (times >= own_time[0] - slack) & (times <= own_time[-1] + slack)
    after = np.clip(np.searchsorted(own_time, times - slack), 0, len(own_time) - 1)
    before = np.maximum(after - 1, 0)
    exact = np.abs(own_time[after] - times) <= slack
    there &= exact | (own_time[after] - own_time[before] <= max_gap_s)
    found = np.stack([np.interp(times, own_time, column) for column in xyz.T], axis=1)
    return np.where(there[:, None], found, np.nan)
