"""The first build of a twin: shards of cells that a killed run leaves behind, by any workers."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py

from rtwin.dataset.generation import cell_work, map_plan, trace_missing
from rtwin.dataset.schema import TWIN_VARIABLES
from rtwin.dataset.shards import Shard, ShardFolder
from rtwin.horizontal.twin.stored_paths import path_columns, read_trace
from rtwin.horizontal.twin.traced import TwinState, state_of_traces, trace_state
from rtwin.progress import Progress
from rtwin.scene import Receivers, Recipe
from rtwin.trace import SceneParts, Tracer, TransmitterTrace, World, map_grid

_KEPT = ("kept_", "chain_", "path_")
_LAYOUT = tuple(v for v in TWIN_VARIABLES if v.name.startswith(_KEPT) and v.name != "path_snapshot")


def build_state(
    recipe: Recipe,
    parts: SceneParts,
    world: World,
    folder: Path,
    request: str,
    *,
    workers: int,
    ray: str | None,
    progress: Progress,
) -> TwinState:
    """trace_state of a recipe's own map; of many cells, what is finished lies in `TWIN.parts`.

    Args:
        folder: Of the twin; the caller removes twin_shards(folder) when that is written.
        request: What was asked for: finished cells of another twin are of no use.
        workers, ray: Who traces, as trace_missing.
    """
    grid = map_grid(world)
    work = cell_work(world, parts, grid, cell_traces)
    if len(work.ranges) == 1:
        return trace_state(recipe, parts, grid, progress, world)
    shards = twin_shards(folder)
    with shards.opened(map_plan(request, work)):
        trace_missing(work, shards, workers, ray, progress, "map")
        traces = [_joined(shards, len(work.ranges), device.name) for device in recipe.transmitter]
    return state_of_traces(recipe, parts, grid, world, traces)


def twin_shards(folder: Path) -> ShardFolder:
    """Where the finished cells of a twin in the making lie."""
    return ShardFolder(Path(os.path.abspath(folder)), _LAYOUT)  # of '.' as well


def cell_traces(tracer: Tracer, receivers: Receivers, done: Callable[[], None]) -> Shard:
    """Paths of all transmitters to a batch of cells, as a snapshot has them."""
    recipe, found = tracer.world.recipe, []
    for number, device in enumerate(recipe.transmitter):
        trace = tracer.trace_transmitter(number, receivers)
        found.append((device.name, replace(trace, receiver=receivers.candidate[trace.receiver])))
        done()
    return path_columns(recipe, found)


def _joined(shards: ShardFolder, num_shards: int, name: str) -> TransmitterTrace:
    pieces = []
    for number in range(num_shards):
        with h5py.File(shards.shard(number), "r") as h5:
            pieces.append(read_trace(h5, name))
    return TransmitterTrace.concatenate(pieces)
