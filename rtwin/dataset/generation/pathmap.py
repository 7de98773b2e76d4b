"""Radio maps from exact paths to the middle of every cell: what power alone does not tell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import (
    Angle,
    PathSet,
    has_line_of_sight,
    mean_angle,
    mean_delay_s,
    path_gain,
    rician_k_factor,
    rms_angular_spread,
    rms_delay_spread_s,
)
from rtwin.dataset.generation.generate import default_shard_size
from rtwin.dataset.generation.shard_runs import map_plan, trace_missing
from rtwin.dataset.schema import PATH_MAP_LAYOUT, PATH_MAP_VARIABLES
from rtwin.dataset.shards import Keep, Shard, ShardFolder, Work, shard_ranges
from rtwin.progress import Progress, Steps
from rtwin.scene import Receivers, recipe_dict, recipe_from_dict
from rtwin.trace import MapGrid, SceneParts, Tracer, World

_ANGLES: tuple[Angle, ...] = ("aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith")


# A shard of cells is so many of receivers at most; of many cells there are so many shards at
# least, so that workers share them and a kill costs little.
BATCH_SHARDS = 8
LEAST_SHARDS = 16
_STATISTICS = tuple(v for v in PATH_MAP_LAYOUT if v.name == "path_gain" or v in PATH_MAP_VARIABLES)


def trace_path_map(
    world: World,
    parts: SceneParts,
    grid: MapGrid,
    progress: Progress,
    file: Path,
    request: str,
    *,
    workers: int = 1,
    ray: str | None = None,
) -> dict[str, NDArray[Any]]:
    """What the paths to the middle of every cell add up to, [tx, cell_y, cell_x] each.

    The receiver is isotropic, takes both polarisations and stands in the middle
    of the cell. The rays are those of the recipe's [solver], not of [radio_map].
    Of a map of many cells, what is finished lies in `FILE.parts` until the caller has
    written the map and removes it with map_shards(file).remove().

    Args:
        parts: Of the world.
        file: The map that this will be.
        request: What was asked for: finished parts of another map are of no use.
        workers, ray: Who traces, as trace_missing.
    Returns:
        `path_gain` and the variables of schema.PATH_MAP_VARIABLES.
    """
    work = cell_work(world, parts, grid, cell_statistics)
    num_tx = work.steps_per_shard
    if len(work.ranges) == 1:
        steps = Steps(progress, num_tx, 0, "map")
        blocks = [cell_statistics(Tracer(work.world), work.receivers, steps.advance)]
    else:
        folder = map_shards(file)
        with folder.opened(map_plan(request, work)):
            trace_missing(work, folder, workers, ray, progress, "map")
            blocks = [folder.read(number) for number in range(len(work.ranges))]
    links = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return {
        name: np.ascontiguousarray(values.reshape(*grid.shape, num_tx).transpose(2, 0, 1))
        for name, values in links.items()
    }


def map_shards(file: Path) -> ShardFolder:
    """Where the finished cells of a map in the making lie."""
    return ShardFolder(file, _STATISTICS)


def cell_work(world: World, parts: SceneParts, grid: MapGrid, keep: Keep) -> Work:
    """What is traced of all cells of a map, cell_x running fastest.

    Larger shards than those of datasets: neighbours share what they can reach.
    """
    cells = standing_at(grid.centers_m.reshape(-1, 3))
    least = default_shard_size(world.recipe)
    size = min(max(least, -(-len(cells) // LEAST_SHARDS)), BATCH_SHARDS * least)
    return Work(world_of_cells(world), parts, cells, shard_ranges(len(cells), size), keep)


def cell_statistics(tracer: Tracer, receivers: Receivers, done: Callable[[], None]) -> Shard:
    """What path-based maps hold of a batch of cells, [link] each."""
    traced = tracer.trace(receivers, done)
    return path_statistics(traced.path_set(tracer.world.recipe.frequency_hz))


def world_of_cells(world: World) -> World:
    """The same world, heard by the receivers of maps: isotropic, in both polarisations."""
    data = recipe_dict(world.recipe)
    data["receivers"] = {
        "kind": "list",
        "positions_m": [[0, 0, 0]],
        "antenna": {"polarization": "VH"},
    }
    recipe = recipe_from_dict(data, world.recipe.name, world.recipe.folder)
    return replace(world, recipe=recipe)


def path_statistics(paths: PathSet) -> dict[str, NDArray[Any]]:
    """What a cell of a path-based map holds, of each link, [link]."""
    return {
        "path_gain": path_gain(paths),
        "num_paths": paths.num_paths.astype(np.int32),
        "line_of_sight": has_line_of_sight(paths).astype(np.uint8),
        "k_factor": rician_k_factor(paths).astype(np.float32),
        "mean_delay_s": mean_delay_s(paths),
        "rms_delay_spread_s": rms_delay_spread_s(paths),
        **{f"{name}_mean": mean_angle(paths, name).astype(np.float32) for name in _ANGLES},
        **{
            f"{name}_spread": rms_angular_spread(paths, name).astype(np.float32) for name in _ANGLES
        },
    }


def standing_at(position_m: Floats) -> Receivers:
    """Receivers that stand at places [m], [rx, 3], whatever is there."""
    still = np.zeros_like(position_m)
    return Receivers(
        position_m=position_m,
        velocity_m_s=still,
        orientation_rad=still,
        time_s=None,
        candidate=np.arange(len(position_m)),
        num_candidates=len(position_m),
        num_inside=0,
        num_underground=0,
        num_without_ground=0,
    )
