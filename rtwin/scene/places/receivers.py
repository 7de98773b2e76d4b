"""Where receivers stand: drawn, on a grid, listed, tabled or moving along a line.

NumPy only. What the scene looks like comes in through two functions, so the same
placement works with any ray tracer and is tested with closed forms.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import RecipeError
from rtwin.scene._model import MAX_COORDINATE_M
from rtwin.scene.columns import read_receiver_csv
from rtwin.scene.devices import (
    CsvReceivers,
    GridReceivers,
    ListReceivers,
    RandomReceivers,
    ReceiversSpec,
    TrajectoryReceivers,
    WayReceivers,
)
from rtwin.scene.georeference import Georeference
from rtwin.scene.library import resolve_file
from rtwin.scene.places.ways import read_ways, walked
from rtwin.scene.recipe import Recipe, check_separation

GroundHeight = Callable[[Floats], ArrayLike]
IsInside = Callable[[Floats], ArrayLike]

# Candidates are drawn and checked in blocks of one size, whatever the count:
# so the first K of N receivers are the same for every N.
BLOCK = 4096
MAX_RECEIVERS = 10_000_000
GROUND_TOLERANCE_M = 1e-3
# Keeps this stream apart from others that start from the recipe's seed.
_STREAM = 0x7278


@dataclass(frozen=True, eq=False)
class Receivers:
    """Placed receivers and what became of the candidates; arrays are read-only.

    num_candidates = accepted + num_inside + num_underground + num_without_ground,
    unless invalid ones were kept: then they are counted and accepted as well.
    """

    position_m: Floats  # [rx, 3]
    velocity_m_s: Floats  # [rx, 3]
    orientation_rad: Floats  # [rx, 3], yaw, pitch, roll
    time_s: Floats | None  # [rx], trajectories only
    candidate: Ints  # [rx], row in the list, table, grid or draw it came from
    num_candidates: int
    num_inside: int
    num_underground: int
    num_without_ground: int

    def __post_init__(self) -> None:
        for field in fields(self):
            if isinstance(value := getattr(self, field.name), np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self.position_m)


def place_receivers(
    spec: ReceiversSpec,
    bounds: ArrayLike,
    ground_height: GroundHeight,
    is_inside: IsInside,
    seed: int,
    *,
    folder: str | Path = ".",
    recipe: Recipe | None = None,
    georeference: Georeference | None = None,
) -> Receivers:
    """Receivers in free air above the ground, as the recipe's [receivers] asks.

    Args:
        spec: The recipe's [receivers] table.
        bounds: Lowest and highest corner of the scene [m], [2, 3] (or [2, 2]).
        ground_height: Ground height [m], [n], under points [n, 2]; NaN: no ground.
        is_inside: Whether points [n, 3] are inside a solid, bool [n].
        seed: Seed of the random draws.
        folder: The recipe's folder, for a CSV file.
        recipe: Receivers must not be on top of its transmitters.
        georeference: Where the scene lies on Earth, for tables in latitude and longitude.
    Returns:
        Positions [m] in the order of the spec; orientation 0 except for an
        azimuth from CSV. random: the first K receivers do not depend on the
        count. Never empty.
    Raises:
        RecipeError: if no or not enough receivers fit, a file is bad, or a
            receiver is on top of a transmitter.
        GeometryError: if the CSV file is missing or outside the folder.
    Checked by tests/scene/places/test_receivers.py.
    """
    corners = np.asarray(bounds, dtype=np.float64)[:, :2]
    scene = _Scene(ground_height, is_inside, spec.keep_invalid)
    match spec:
        case RandomReceivers():
            placed = _random(spec, corners, scene, seed)
        case GridReceivers():
            placed = _grid(spec, corners, scene)
        case ListReceivers():
            placed = _absolute(scene, np.array(spec.positions_m))
        case CsvReceivers():
            placed = _csv(spec, scene, Path(folder), georeference)
        case WayReceivers():
            placed = _ways(spec, corners, scene, Path(folder), georeference)
        case TrajectoryReceivers():
            placed = _trajectory(spec, scene)
    if len(placed) == 0:
        raise RecipeError(
            f"none of {placed.num_candidates} receivers is in free air ({placed.num_inside} inside "
            f"objects, {placed.num_underground} under the ground, {placed.num_without_ground} "
            "without ground); move them, or set keep_invalid = true"
        )
    if recipe is not None:
        check_separation(placed.position_m, recipe)
    return placed


@dataclass(frozen=True)
class _Scene:
    ground_height: GroundHeight
    is_inside: IsInside
    keep_invalid: bool

    def above_ground(self, xy: Floats, height_m: float) -> Floats:
        """Points [n, 3] at a height above the ground; z is NaN where there is none."""
        ground = np.asarray(self.ground_height(xy), dtype=np.float64)
        return np.column_stack([xy, ground + height_m])

    def check(self, points: Floats, above: bool = False) -> tuple[Bools, Bools, Bools, Bools]:
        """Accepted, inside, underground and groundless ones, bool [n] each.

        ``above``: the heights came from the ground, so it need not be asked again.
        """
        groundless = np.isnan(points[:, 2])
        underground = np.zeros(len(points), dtype=bool)
        inside = np.zeros(len(points), dtype=bool)
        for start in range(0, len(points), BLOCK):
            part = slice(start, start + BLOCK)
            if not above:
                ground = np.asarray(self.ground_height(points[part, :2]), dtype=np.float64)
                # Comparisons with NaN are false: no ground, not under it.
                underground[part] = points[part, 2] < ground - GROUND_TOLERANCE_M
            block = np.flatnonzero(~groundless[part] & ~underground[part]) + start
            if block.size:
                inside[block] = np.asarray(self.is_inside(points[block]), dtype=bool)
        accepted = ~groundless if self.keep_invalid else ~(groundless | underground | inside)
        return accepted, inside, underground, groundless


def _placed(
    points: Floats,
    checked: tuple[Bools, Bools, Bools, Bools],
    velocity_m_s: Floats | None = None,
    orientation_rad: Floats | None = None,
    time_s: Floats | None = None,
) -> Receivers:
    accepted, inside, underground, groundless = checked
    zeros = np.zeros_like(points)
    return Receivers(
        position_m=points[accepted],
        velocity_m_s=(zeros if velocity_m_s is None else velocity_m_s)[accepted],
        orientation_rad=(zeros if orientation_rad is None else orientation_rad)[accepted],
        time_s=None if time_s is None else time_s[accepted],
        candidate=np.flatnonzero(accepted),
        num_candidates=len(points),
        num_inside=int(inside.sum()),
        num_underground=int(underground.sum()),
        num_without_ground=int(groundless.sum()),
    )


def _absolute(
    scene: _Scene,
    points: Floats,
    velocity_m_s: Floats | None = None,
    orientation_rad: Floats | None = None,
    time_s: Floats | None = None,
) -> Receivers:
    return _placed(points, scene.check(points), velocity_m_s, orientation_rad, time_s)


def _area(area: tuple[float, float, float, float] | None, corners: Floats) -> tuple[Floats, Floats]:
    """Lower left and upper right corner [m], [2] each."""
    low, high = corners
    if area is None:
        # Scenes fray out at the rim, and paths there miss what stands beyond it.
        margin = 0.05 * (high - low)
        return low + margin, high - margin
    first, last = np.array(area[:2]), np.array(area[2:])
    if (first > high).any() or (last < low).any():
        raise RecipeError(
            f"receivers.area = {list(area)} lies outside of the scene, which covers "
            f"{[round(float(v), 3) for v in (*low, *high)]}; choose an area inside"
        )
    return first, last


def _random(spec: RandomReceivers, corners: Floats, scene: _Scene, seed: int) -> Receivers:
    low, high = _area(spec.area, corners)
    rng = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    # Scenes where fewer than 1 in 200 places are free are a mistake.
    limit = 64 * BLOCK + 200 * spec.count
    blocks, found, drawn = [], 0, 0
    while found < spec.count:
        if drawn >= limit:
            raise RecipeError(
                f"only {found} of {spec.count} receivers found a free place in {drawn} draws; "
                "choose a larger receivers.area or a smaller count"
            )
        points = scene.above_ground(low + rng.random((BLOCK, 2)) * (high - low), spec.height_m)
        checked = scene.check(points, above=True)
        blocks.append((points, *checked))
        found += int(checked[0].sum())
        drawn += BLOCK
    points, accepted, *rest = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    # Candidates after the last one needed were never asked for.
    end = int(np.flatnonzero(accepted)[spec.count - 1]) + 1
    inside, underground, groundless = (mask[:end] for mask in rest)
    return _placed(points[:end], (accepted[:end], inside, underground, groundless))


def _grid(spec: GridReceivers, corners: Floats, scene: _Scene) -> Receivers:
    low, high = _area(spec.area, corners)
    # The rim belongs to the grid even where division rounds it off.
    nx, ny = (math.floor(side / spec.spacing_m + 1e-9) + 1 for side in high - low)
    if nx * ny > MAX_RECEIVERS:
        raise RecipeError(
            f"receivers.spacing_m = {spec.spacing_m:g} makes {nx} x {ny} receivers; "
            f"at most {MAX_RECEIVERS} are allowed: choose a larger spacing or a smaller area"
        )
    y, x = np.meshgrid(np.arange(ny), np.arange(nx), indexing="ij")
    xy = low + spec.spacing_m * np.column_stack([x.ravel(), y.ravel()])
    points = scene.above_ground(xy, spec.height_m)
    return _placed(points, scene.check(points, above=True))


def csv_positions_m(
    table: dict[str, Floats], georeference: Georeference | None, ground_height: GroundHeight
) -> Floats:
    """Positions [m], [rx, 3], of a receiver table in either of its forms.

    Raises:
        RecipeError: if it is in latitude and longitude and the scene has no place on
            Earth, or lies too far from it.
    """
    if "x_m" in table:
        xy = np.column_stack([table["x_m"], table["y_m"]])
    elif georeference is None:
        raise RecipeError(
            "receivers are given in latitude and longitude, but the recipe has no [georeference]; "
            "add one, or give x_m and y_m"
        )
    else:
        xy = georeference.to_local(table["lat_deg"], table["lon_deg"])[:, :2]
        far = ~(np.abs(xy) <= MAX_COORDINATE_M).all(axis=1)
        if far.any():
            row = int(np.argmax(far))
            raise RecipeError(
                f"receiver {row} at latitude {table['lat_deg'][row]:g}, longitude "
                f"{table['lon_deg'][row]:g} is more than {MAX_COORDINATE_M / 1e3:g} km from the "
                "scene's origin; check the numbers and their order"
            )
    if "z_m" in table:
        return np.column_stack([xy, table["z_m"]])
    ground = np.asarray(ground_height(xy), dtype=np.float64)
    return np.column_stack([xy, ground + table["height_m"]])


def _csv(
    spec: CsvReceivers, scene: _Scene, folder: Path, georeference: Georeference | None
) -> Receivers:
    table = read_receiver_csv(resolve_file(folder, spec.file))
    points = csv_positions_m(table, georeference, scene.ground_height)
    zero = np.zeros(len(points))
    return _absolute(
        scene,
        points,
        np.column_stack([table["vx_m_s"], table["vy_m_s"], table["vz_m_s"]]),
        np.column_stack([np.radians(table["azimuth_deg"]), zero, zero]),
    )


def _ways(
    spec: WayReceivers,
    corners: Floats,
    scene: _Scene,
    folder: Path,
    georeference: Georeference | None,
) -> Receivers:
    low, high = _area(spec.area, corners)
    lines = read_ways(resolve_file(folder, spec.file), spec.highway, georeference)
    metres = sum(float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum()) for line in lines)
    if metres / spec.spacing_m > MAX_RECEIVERS:
        raise RecipeError(
            f"receivers.spacing_m = {spec.spacing_m:g} makes {metres / spec.spacing_m:.3g} "
            f"receivers; at most {MAX_RECEIVERS} are allowed: choose a larger spacing"
        )
    steps = [walked(line, spec.spacing_m) for line in lines]
    xy, direction = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    near = ((xy >= low) & (xy <= high)).all(axis=1)
    xy, direction = xy[near], direction[near]
    points = scene.above_ground(xy, spec.height_m)
    velocity = np.column_stack([direction * spec.speed_m_s, np.zeros(len(xy))])
    return _placed(points, scene.check(points, above=True), velocity)


def _trajectory(spec: TrajectoryReceivers, scene: _Scene) -> Receivers:
    waypoints = np.array(spec.waypoints_m)
    steps = np.diff(waypoints, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    samples = reached[-1] / (spec.speed_m_s * spec.interval_s)
    if samples >= MAX_RECEIVERS:
        raise RecipeError(
            f"receivers.interval_s = {spec.interval_s:g} makes {samples:.3g} samples of a "
            f"{reached[-1]:g} m trajectory; at most {MAX_RECEIVERS} are allowed"
        )
    time_s = spec.interval_s * np.arange(math.floor(samples + 1e-9) + 1)
    way = np.minimum(time_s * spec.speed_m_s, reached[-1])
    # On a corner the next segment's direction counts.
    segment = np.minimum(np.searchsorted(reached, way, side="right") - 1, len(steps) - 1)
    direction = (steps / lengths[:, None])[segment]
    points = waypoints[segment] + (way - reached[segment])[:, None] * direction
    return _absolute(scene, points, direction * spec.speed_m_s, time_s=time_s)
