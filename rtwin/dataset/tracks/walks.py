"""Tracks for a twin: from files, or walked in its scene."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset.tracks.twin import SampleSettings, Twin
from rtwin.errors import OutOfRangeError
from rtwin.scene import Tracks, Walk, random_waypoint, read_footways, read_tracks, walk_ways
from rtwin.trace import World, ground_height_m, is_clear, is_inside, map_grid

RANDOM_WAYPOINT = "random-waypoint"
_WALKING_CELL_M = 1.0
_MAX_WALKING_CELLS = 4_000_000
_KNEE_M = 0.5  # at which height above the ground a way must be clear


def make_tracks(
    twin: Twin,
    world: World | None,
    tracks: Tracks | str | Path,
    walk: Walk,
    settings: SampleSettings,
) -> Tracks:
    """Tracks as `sample` takes them: ready, from a file, or walked at random.

    Args:
        twin: Whose map or scene is walked in.
        world: Its scene, if it is loaded; needed for random waypoints alone.
        tracks: Tracks, a CSV or GeoJSON file, or RANDOM_WAYPOINT.
        walk: How users walk.
        settings: For the height above the ground.
    """
    if isinstance(tracks, Tracks):
        return tracks
    if world is not None:
        return _random_waypoint(twin, world, walk, settings)
    path = Path(tracks)
    georeference = twin.recipe.georeference
    if path.suffix.lower() in (".geojson", ".json"):
        found = walk_ways(read_footways(path, georeference), walk)
        return replace(found, source={**found.source, "file": path.name})
    if path.suffix.lower() == ".csv":
        return read_tracks(path, walk.interval_s, georeference=georeference)
    raise OutOfRangeError(
        f"tracks are {str(tracks)!r}; give a .csv file of tracks, a .geojson file of ways, "
        f"or {RANDOM_WAYPOINT}"
    )


def _random_waypoint(twin: Twin, world: World, walk: Walk, settings: SampleSettings) -> Tracks:
    """Users in the free area of the map, half a cell away from walls at least."""
    if twin.radio_map is not None:
        centers = twin.radio_map.cell_centers_m
        pitch = float(twin.radio_map.attributes["cell_size_m"])
    else:
        grid = map_grid(world)
        centers, pitch = grid.centers_m, grid.cell_size_m
    low = centers[0, 0, :2] - pitch / 2
    high = centers[-1, -1, :2] + pitch / 2
    shape = np.maximum(2, np.ceil((high - low) / _WALKING_CELL_M)).astype(int)
    if shape.prod() > _MAX_WALKING_CELLS:
        shape = np.maximum(2, (shape * np.sqrt(_MAX_WALKING_CELLS / shape.prod())).astype(int))
    x, y = (low[i] + (np.arange(shape[i]) + 0.5) * (high - low)[i] / shape[i] for i in range(2))
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    height = height_above_ground(twin, settings)
    ground = ground_height_m(world, xy)
    known = np.isfinite(ground)
    free: Bools = np.zeros(len(xy), bool)
    points = np.column_stack([xy, ground + height])[known]
    free[known] = ~is_inside(world, points)
    room = _eroded(free.reshape(len(y), len(x)))

    def clear(starts: Floats, ends: Floats) -> Bools:
        both = np.concatenate([starts, ends])
        way = np.column_stack([both, ground_height_m(world, both) + _KNEE_M])
        return is_clear(world, way[: len(starts)], way[len(starts) :])

    return random_waypoint(room, x, y, walk, clear)


def _eroded(free: Bools) -> Bools:
    """Cells all of whose neighbours are free as well."""
    padded = np.pad(free, 1, mode="edge")
    num_y, num_x = free.shape
    shifts = [(i, j) for i in range(3) for j in range(3)]
    near: Bools = np.stack([padded[i : i + num_y, j : j + num_x] for i, j in shifts])
    return np.asarray(near.all(axis=0))


def height_above_ground(twin: Twin, settings: SampleSettings) -> float:
    """Height of users whose tracks state none [m]."""
    return twin.recipe.radio_map.height_m if settings.height_m is None else settings.height_m
