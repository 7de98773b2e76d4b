"""Radio maps from exact paths to the middle of every cell: what power alone does not tell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
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
from rtwin.dataset.schema import PATH_MAP_VARIABLES
from rtwin.dataset.shards import ShardFolder, shard_ranges
from rtwin.dataset.store import file_image
from rtwin.progress import Progress
from rtwin.scene import Receivers, recipe_dict, recipe_from_dict
from rtwin.trace import MapGrid, Tracer, World

_ANGLES: tuple[Angle, ...] = ("aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith")


STATISTICS = ("path_gain", *(v.name for v in PATH_MAP_VARIABLES))


def trace_path_map(
    world: World, grid: MapGrid, progress: Progress, file: Path, request: str
) -> dict[str, NDArray[Any]]:
    """Path gain and statistics of the paths of every cell, [tx, cell_y, cell_x] each.

    The receiver is isotropic, takes both polarisations and stands in the middle
    of the cell. The rays are those of the recipe's [solver], not of [radio_map].
    Of a map of many cells, what is finished lies in `FILE.parts` until the caller has
    written the map and removes it with map_shards(file).remove().

    Args:
        file: The map that this will be.
        request: What was asked for: finished parts of another map are of no use.
    Returns:
        `path_gain` and the variables of schema.PATH_MAP_VARIABLES.
    """
    recipe = world.recipe
    tracer = Tracer(world_of_cells(world))
    cells = grid.centers_m.reshape(-1, 3)
    size, num_tx = default_shard_size(recipe), len(recipe.transmitter)
    ranges = shard_ranges(len(cells), size)

    def trace(number: int) -> dict[str, NDArray[Any]]:
        progress("map", ranges[number][0], len(cells))
        traced = tracer.trace(standing_at(cells[slice(*ranges[number])]))
        return path_statistics(traced.path_set(recipe.frequency_hz))

    if len(ranges) == 1:
        blocks = [trace(0)]
    else:
        folder = map_shards(file)
        with folder.opened({"request": request, "shard_size": size, "num_cells": len(cells)}):
            blocks = [_kept(folder, number, trace) for number in range(len(ranges))]
    progress("map", len(cells), len(cells))
    links = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return {
        name: np.ascontiguousarray(values.reshape(*grid.shape, num_tx).transpose(2, 0, 1))
        for name, values in links.items()
    }


def map_shards(file: Path) -> ShardFolder:
    """Where the finished cells of a map in the making lie."""
    return ShardFolder(file, STATISTICS)


def _kept(
    folder: ShardFolder, number: int, trace: Callable[[int], dict[str, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    """A block of links from the folder, or traced and put there."""
    if folder.is_finished(number):
        with h5py.File(folder.shard(number), "r") as h5:
            return {name: h5[name][...] for name in folder.names}
    block = trace(number)

    def build(h5: h5py.File) -> None:
        for name in folder.names:
            h5[name] = block[name]

    folder.write_image(number, file_image(build))
    return block


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
