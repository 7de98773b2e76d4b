"""Several twins of one area, or of neighbouring ones, into one map.

Each map says how uncertain it is and grows more so with age. Where two speak
of a cell, errors are taken as correlated: both may rest on one model of the
world, and counting the same evidence twice would be a lie. Where they disagree
by more than they admit, the cell is marked for tracing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats
from rtwin.channel import cell_centers_m, interpolate_path_gain
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.levels import FLOOR_DB, floored_db
from rtwin.units import from_db, to_db

Rule = Literal["covariance-intersection", "selection", "inverse-variance"]
RULES: tuple[Rule, ...] = ("covariance-intersection", "selection", "inverse-variance")
DRIFT_DB = 2.0  # what a year adds to the uncertainty of a map that nobody keeps current
LEAST_SIGMA_DB = 0.1
NO_RAY_SIGMA_DB = 20.0  # of "no ray came", which starved cells say as well as dark ones
DISAGREE_SIGMA = 3.0
MAX_CELLS = 50_000_000
_SAME_M = 1e-3
SAME_PLACE_M = 0.05
_SAME_HEIGHT_M = 0.5
_DB = 10.0 / np.log(10.0)
_DAYS = 365.25


@dataclass(frozen=True, eq=False)
class MapTwin:
    """A radio map with what it knows of its own errors.

    Attributes:
        name: For messages.
        radio_map: The map.
        sigma_db: Uncertainty of the path gain, [tx, cell_y, cell_x] dB.
        age_days: How long ago it was right [days], of all or [tx, cell_y, cell_x].
    """

    name: str
    radio_map: RadioMap
    sigma_db: Floats
    age_days: float | Floats = 0.0

    def aged_sigma_db(self, drift_db: float) -> Floats:
        """Uncertainty with what age adds, [tx, cell_y, cell_x] dB."""
        return np.sqrt(self.sigma_db**2 + drift_db**2 * np.asarray(self.age_days) / _DAYS)


@dataclass(frozen=True, eq=False)
class Merged:
    """One map out of several, all [tx, cell_y, cell_x].

    Attributes:
        tx_name: Transmitters of all maps, in the order in which they first appear.
        cell_centers_m: [cell_y, cell_x, 3] m.
        path_gain: Linear; 0 where no map covers a cell, or all say that nothing comes.
        sigma_db: Uncertainty [dB]; NaN where no map covers the cell.
        source: The map that counts most, in the order given; -1 where none covers the cell.
        num_maps: How many maps cover the cell.
        disagreement: Largest difference of two maps over its standard deviation; 0
            where fewer than two cover the cell.
    """

    tx_name: tuple[str, ...]
    cell_centers_m: Floats
    path_gain: Floats
    sigma_db: Floats
    source: NDArray[np.int16]
    num_maps: NDArray[np.int16]
    disagreement: Floats

    @property
    def needs_trace(self) -> Bools:
        """Cells on which maps disagree by more than 3 standard deviations."""
        return self.disagreement > DISAGREE_SIGMA


def map_twin(
    radio_map: RadioMap, name: str = "map", age_days: float = 0.0, sigma_db: ArrayLike | None = None
) -> MapTwin:
    """A radio map with the uncertainty that its file states.

    Monte Carlo maps state the standard error of their averages. Maps from paths
    are exact in the middle of a cell; for its average they may be off by half of
    what the path gain varies among the cells around.

    Args:
        sigma_db: Uncertainty [dB], where it is known better, [tx, cell_y, cell_x] or one.
    """
    gain = radio_map.path_gain
    if sigma_db is not None:
        sigma = np.broadcast_to(np.asarray(sigma_db, np.float64), gain.shape).copy()
    elif radio_map.attributes.get("method") == "paths":
        sigma = 0.5 * _local_spread_db(floored_db(gain))
    else:
        error = np.divide(
            radio_map.path_gain_standard_error, gain, out=np.zeros_like(gain), where=gain > 0
        )
        sigma = np.where(gain > 0, _DB * error, NO_RAY_SIGMA_DB)
    return MapTwin(name, radio_map, np.maximum(sigma, LEAST_SIGMA_DB), age_days)


def _local_spread_db(level_db: Floats) -> Floats:
    """Standard deviation of each cell and those around it [dB], [..., cell_y, cell_x]."""
    padded = np.pad(level_db, [(0, 0), (1, 1), (1, 1)], mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return around.std(axis=(-1, -2))


def fuse(
    value_db: ArrayLike, variance_db2: ArrayLike, rule: Rule = "covariance-intersection"
) -> tuple[Floats, Floats]:
    """Fuse estimates of the same numbers, [estimate, ...] each.

    For a scalar the covariance intersection of least variance is to take the
    best estimate alone, which throws the others away; with weights by precision
    it stays consistent whatever the correlation, and averages equals.

    Args:
        value_db: Estimates [dB].
        variance_db2: Their variances, above 0; inf where an estimate says nothing.
        rule: covariance-intersection; selection, the one of least variance; or
            inverse-variance, right only where the errors are independent.
    Returns:
        Value and variance; NaN and inf where no estimate says anything.
    Source: Julier and Uhlmann (1997); weights of Niehsen (2002), "Information fusion based on
    fast covariance intersection filtering"; checked by tests/horizontal/merging/test_fusion.py.
    """
    value, variance = np.asarray(value_db, np.float64), np.asarray(variance_db2, np.float64)
    if rule not in RULES:
        raise OutOfRangeError(f"rule is {rule!r}; it must be {', '.join(RULES)}")
    precision = np.where(np.isfinite(variance), 1.0 / variance, 0.0)
    known = np.where(precision > 0, value, 0.0)
    total = precision.sum(axis=0)
    if rule == "selection":
        best = precision.argmax(axis=0)[None]
        fused = np.take_along_axis(known, best, axis=0)[0]
        left = np.take_along_axis(variance, best, axis=0)[0]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = precision / total
            weight = share * precision if rule == "covariance-intersection" else precision
            left = 1.0 / weight.sum(axis=0)
            # Deviations from one of them: equal estimates stay equal to the last bit.
            first = np.take_along_axis(known, precision.argmax(axis=0)[None], axis=0)[0]
            fused = first + left * (weight * (known - first)).sum(axis=0)
    return np.where(total > 0, fused, np.nan), np.where(total > 0, left, np.inf)


def merge_maps(
    twins: Sequence[MapTwin], *, rule: Rule = "covariance-intersection", drift_db: float = DRIFT_DB
) -> Merged:
    """Merge maps onto one grid: that of the first, grown to cover all.

    Args:
        twins: Two or more, of one frequency and frame.
        rule: See `fuse`.
        drift_db: What a year adds to a map's uncertainty [dB]; grows with the root of age.
    Raises:
        OutOfRangeError: if there are fewer than two, or the common grid is too large.
        StoreError: if frequency, georeference, heights or transmitters conflict; one line.
    Checked by tests/horizontal/merging/test_fusion.py.
    """
    if len(twins) < 2:
        raise OutOfRangeError(f"there is {len(twins)} map to merge; give two or more")
    if rule not in RULES:
        raise OutOfRangeError(f"rule is {rule!r}; it must be {', '.join(RULES)}")
    _refuse_conflicts(twins)
    names = tuple(dict.fromkeys(name for twin in twins for name in twin.radio_map.tx_name))
    centers = _common_centers(twins)
    shape = (len(twins), len(names), *centers.shape[:2])
    value, variance = np.full(shape, FLOOR_DB), np.full(shape, np.inf)
    for number, twin in enumerate(twins):
        rows = [names.index(name) for name in twin.radio_map.tx_name]
        level, sigma = _on_grid(twin, centers, twin.aged_sigma_db(drift_db))
        value[number, rows] = np.where(np.isnan(level), FLOOR_DB, level)
        variance[number, rows] = np.where(np.isnan(level), np.inf, sigma**2)
    fused, left = fuse(value, variance, rule)
    covered = np.isfinite(variance)
    count = covered.sum(axis=0)
    gain = np.where((count > 0) & (fused > FLOOR_DB), from_db(fused), 0.0)
    return Merged(
        names,
        centers,
        gain,
        np.where(count > 0, np.sqrt(left), np.nan),
        np.where(count > 0, variance.argmin(axis=0), -1).astype(np.int16),
        count.astype(np.int16),
        disagreement(value, variance),
    )


def disagreement(value: Floats, variance: Floats) -> Floats:
    """Largest difference of two estimates over its standard deviation, [...] of [estimate, ...]."""
    most = np.zeros(value.shape[1:])
    for a in range(len(value)):
        for b in range(a):
            # Two maps that say "nothing comes" agree; inf - inf never comes up.
            with np.errstate(invalid="ignore"):
                apart = np.abs(value[a] - value[b]) / np.sqrt(variance[a] + variance[b])
            most = np.maximum(most, np.nan_to_num(apart))
    return most


def _refuse_conflicts(twins: Sequence[MapTwin]) -> None:
    first = twins[0]
    known: dict[str, tuple[str, Floats, float]] = {}
    for twin in twins:
        for what in ("frequency_hz", "georeference"):
            a, b = _attribute(first, what), _attribute(twin, what)
            if a != b:
                raise StoreError(
                    f"{twin.name} has {what} {b}, {first.name} has {a}; only maps of one "
                    "frequency and frame can be merged"
                )
        if _attribute(first, "georeference") is None and not _same_scene(first, twin):
            one, other = (_attribute(each, "scene") for each in (first, twin))
            raise StoreError(
                f"{first.name} is of scene '{one}', {twin.name} of '{other}', and no georeference "
                "says how these lie to each other; give both scenes a [georeference]"
            )
        found = twin.radio_map
        size = float(found.attributes.get("cell_size_m", 0.0))
        if not (0 < size < np.inf and np.isfinite(found.cell_centers_m).all()):
            raise StoreError(f"{twin.name}: cells of {size:g} m, or without a place, are no map")
        for name, place, power in zip(
            found.tx_name, found.tx_position_m, found.tx_power_dbm, strict=True
        ):
            owner, other, other_power = known.setdefault(name, (twin.name, place, float(power)))
            if np.linalg.norm(place - other) > SAME_PLACE_M or abs(power - other_power) > 1e-6:
                raise StoreError(
                    f"transmitter '{name}' is at {point_text(place)} with {power:g} dBm in "
                    f"{twin.name} and at {point_text(other)} with {other_power:g} dBm in {owner}; "
                    "rename one, or update the older twin first"
                )


def _same_scene(one: MapTwin, other: MapTwin) -> bool:
    """Whether maps are in one frame: of one scene by name or geometry, or with a mast in common."""
    for what in ("scene", "geometry_hash"):
        a, b = _attribute(one, what), _attribute(other, what)
        if a == b:  # maps in memory may not say
            return True
    return bool(set(one.radio_map.tx_name) & set(other.radio_map.tx_name))


def point_text(place: Floats) -> str:
    """A place as messages show it."""
    return "(" + ", ".join(f"{v:.2f}" for v in place) + ")"


def _attribute(twin: MapTwin, name: str) -> Any:
    attributes = twin.radio_map.attributes
    if name == "georeference":
        return (attributes.get("recipe") or {}).get(name)
    return attributes.get(name)


def _common_centers(twins: Sequence[MapTwin]) -> Floats:
    """The first map's grid, continued until it covers all."""
    centers = twins[0].radio_map.cell_centers_m
    step = float(twins[0].radio_map.attributes["cell_size_m"])
    low, high = centers[0, 0, :2], centers[-1, -1, :2]
    for twin in twins[1:]:
        other, half = twin.radio_map.cell_centers_m, float(twin.radio_map.attributes["cell_size_m"])
        rim = (half - step) / 2  # a larger cell reaches farther than its middle
        low = np.minimum(low, other[0, 0, :2] - rim)
        high = np.maximum(high, other[-1, -1, :2] + rim)
    before = np.ceil((centers[0, 0, :2] - low) / step - _SAME_M).astype(int)
    after = np.ceil((high - centers[-1, -1, :2]) / step - _SAME_M).astype(int)
    num_x, num_y = np.array(centers.shape[1::-1]) + before + after
    if num_x * num_y > MAX_CELLS:
        raise OutOfRangeError(
            f"the merged map would have {num_x} x {num_y} cells, allowed are {MAX_CELLS}; "
            "the maps lie too far apart"
        )
    size = np.array([num_x, num_y]) * step
    corner = centers[0, 0, :2] - (before + 0.5) * step
    out = cell_centers_m(np.append(corner + size / 2, 0.0), size, (step, step))
    seen = np.zeros(out.shape[:2], bool)
    for twin in twins:
        height = _height(twin.radio_map, out[..., :2])
        known = np.isfinite(height)
        off = np.abs(height - out[..., 2])[known & seen]
        if off.size and np.median(off) > _SAME_HEIGHT_M:
            raise StoreError(
                f"{twin.name} lies {np.median(off):.1f} m above or below the others; only maps "
                "of one height can be merged"
            )
        new = known & ~seen
        out[new, 2] = height[new]
        seen |= known
    if not seen.all():
        out[~seen, 2] = np.median(out[seen, 2])
    return out


def _height(radio_map: RadioMap, xy_m: Floats) -> Floats:
    """Height of the nearest cell of a map [m], NaN outside of it."""
    centers = radio_map.cell_centers_m
    step = float(radio_map.attributes["cell_size_m"])
    place = np.round((xy_m - centers[0, 0, :2]) / step + 1e-9).astype(int)
    num_y, num_x = centers.shape[:2]
    inside = ((place >= 0) & (place < [num_x, num_y])).all(axis=-1)
    x, y = np.clip(place[..., 0], 0, num_x - 1), np.clip(place[..., 1], 0, num_y - 1)
    return np.where(inside, centers[y, x, 2], np.nan)


def _on_grid(twin: MapTwin, centers_m: Floats, sigma_db: Floats) -> tuple[Floats, Floats]:
    """Path gain and uncertainty on other cells, [tx, cell_y, cell_x] dB; NaN where none is."""
    found = twin.radio_map
    own = found.cell_centers_m
    step = float(found.attributes["cell_size_m"])
    offset = (own[0, 0, :2] - centers_m[0, 0, :2]) / step
    pitch = centers_m[0, 1, 0] - centers_m[0, 0, 0] if centers_m.shape[1] > 1 else step
    level = np.full((len(found.tx_name), *centers_m.shape[:2]), np.nan)
    sigma = np.full_like(level, np.nan)
    if abs(pitch - step) < _SAME_M and np.abs(offset - np.round(offset)).max() < _SAME_M:
        x, y = np.round(offset).astype(int)
        window = (slice(None), slice(y, y + own.shape[0]), slice(x, x + own.shape[1]))
        level[window], sigma[window] = floored_db(found.path_gain), sigma_db
        return level, sigma
    points = centers_m[..., :2].reshape(-1, 2)
    # Stated errors travel as the standard error of the interpolation, which cannot carry
    # those of cells without a path.
    gain = np.maximum(found.path_gain, from_db(FLOOR_DB))
    value, error = interpolate_path_gain(
        gain, gain * sigma_db / _DB, own[0, :, 0], own[:, 0, 1], points
    )
    level = to_db(value).T.reshape(level.shape)
    sigma = error.T.reshape(level.shape)
    return np.maximum(level, FLOOR_DB), np.where(np.isnan(level), np.nan, sigma)
