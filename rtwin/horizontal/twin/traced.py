"""A twin as it is kept current: its world, the paths to its map's cells, the map itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats
from rtwin.dataset.generation import (
    BATCH_SHARDS,
    default_shard_size,
    path_statistics,
    standing_at,
    world_of_cells,
)
from rtwin.dataset.store import scene_attributes
from rtwin.progress import Progress, silent
from rtwin.scene import Receivers, Recipe
from rtwin.trace import (
    NO_TRIANGLE,
    MapGrid,
    SceneParts,
    TracedPaths,
    Tracer,
    TransmitterTrace,
    World,
    is_inside,
    load_parts,
    map_grid,
    may_change_inside,
    part_triangles,
    start_engine,
    traced_paths,
    world_of_parts,
)

Maps = dict[str, NDArray[Any]]  # by name, [tx, cell_y, cell_x] each


@dataclass(frozen=True, eq=False)
class TwinState:
    """A world and what every transmitter's wave does on the way to every cell of a map.

    Receivers are isotropic, take both polarisations and stand in the middle of the
    cells. Cells inside of objects are cells like all others, and marked.
    """

    recipe: Recipe
    parts: SceneParts
    grid: MapGrid
    traces: tuple[TransmitterTrace, ...]  # of each transmitter; receiver = cell_y * num_x + cell_x
    maps: Maps  # `path_gain` and schema.PATH_MAP_VARIABLES
    is_inside: Bools  # [cell_y, cell_x]
    attributes: dict[str, Any]  # what files of this world say of where they came from

    @property
    def scene_hash(self) -> str:
        """SHA-256 of what a wave can feel of the world."""
        return str(self.attributes["scene_hash"])

    @property
    def tx_names(self) -> tuple[str, ...]:
        """Names of the transmitters, in the order of `tx`."""
        return tuple(device.name for device in self.recipe.transmitter)

    @property
    def object_names(self) -> tuple[str, ...]:
        """Names of the surfaces' objects, as `path_objects` numbers them."""
        return tuple(part.name for part in self.parts.parts)

    def paths(self, tx: int) -> TracedPaths:
        """Paths of one transmitter, each once, [path]; link = cell_y * num_x + cell_x."""
        return traced_paths(self.recipe, cell_receivers(self.grid), [self.traces[tx]], [tx])

    def path_objects(self, triangle: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Object that each triangle belongs to, row of object_names; -1 for NO_TRIANGLE."""
        numbers = part_triangles(self.parts.parts)
        of_triangle = np.empty(sum(len(rows) for rows in numbers.values()), np.int32)
        for row, name in enumerate(self.object_names):
            of_triangle[numbers[name]] = row
        some = triangle != NO_TRIANGLE
        return np.where(some, of_triangle[np.where(some, triangle, 0)], -1).astype(np.int32)


def trace_state(
    recipe: Recipe,
    parts: SceneParts | None = None,
    grid: MapGrid | None = None,
    progress: Progress = silent,
    world: World | None = None,
) -> TwinState:
    """Trace a world in full.

    Args:
        recipe: What to trace; [radio_map] says which cells.
        parts: Its objects; default: loaded from where the recipe says.
        grid: Cells, where they are not those of the recipe.
        progress: Called with "map", steps done and in all.
        world: The world of recipe and parts, where it is loaded already.
    Raises:
        RecipeError, GeometryError: if the recipe cannot be traced.
    """
    parts = load_parts(start_engine(), recipe) if parts is None else parts
    world = world_of_parts(recipe, parts) if world is None else world
    grid = map_grid(world) if grid is None else grid
    tracer = Tracer(world_of_cells(world))
    numbers = range(len(recipe.transmitter))
    traces = trace_cells(tracer, grid, numbers, progress)
    return state_of_traces(recipe, parts, grid, world, [traces[number] for number in numbers])


def state_of_traces(
    recipe: Recipe,
    parts: SceneParts,
    grid: MapGrid,
    world: World,
    traces: Sequence[TransmitterTrace],
) -> TwinState:
    """The state of a world whose transmitters were all traced to all cells."""
    maps = [statistics_map(recipe, grid, trace, number) for number, trace in enumerate(traces)]
    return TwinState(
        recipe=recipe,
        parts=parts,
        grid=grid,
        traces=tuple(traces),
        maps=stacked(maps),
        is_inside=inside_cells(world, grid),
        attributes=scene_attributes(world),
    )


def trace_cells(
    tracer: Tracer, grid: MapGrid, transmitters: Iterable[int], progress: Progress = silent
) -> dict[int, TransmitterTrace]:
    """Full traces of some transmitters (rows of the recipe) to all cells."""
    receivers, wanted = cell_receivers(grid), list(transmitters)
    batches = cell_batches(tracer.world.recipe, grid)
    found = {}
    for place, number in enumerate(wanted):
        pieces = []
        for step, cells in enumerate(batches):
            progress("map", place * len(batches) + step, len(wanted) * len(batches))
            piece = tracer.trace_transmitter(number, receivers_of(receivers, cells))
            pieces.append(replace(piece, receiver=piece.receiver + cells.start))
        found[number] = TransmitterTrace.concatenate(pieces)
    progress("map", len(wanted) * len(batches), len(wanted) * len(batches))
    return found


def cell_receivers(grid: MapGrid) -> Receivers:
    """Receivers in the middle of all cells, cell_x running fastest."""
    return standing_at(grid.centers_m.reshape(-1, 3))


def cell_batches(recipe: Recipe, grid: MapGrid) -> list[slice]:
    """Cells in pieces whose paths fit into memory."""
    size, num = BATCH_SHARDS * default_shard_size(recipe), grid.shape[0] * grid.shape[1]
    return [slice(start, min(start + size, num)) for start in range(0, num, size)]


def receivers_of(receivers: Receivers, rows: slice) -> Receivers:
    """Some of the receivers."""
    return standing_at(receivers.position_m[rows])


def statistics_map(recipe: Recipe, grid: MapGrid, trace: TransmitterTrace, number: int) -> Maps:
    """What the map holds of one transmitter, [cell_y, cell_x] each."""
    receivers, pieces = cell_receivers(grid), []
    for cells in cell_batches(recipe, grid):
        some = trace.take((trace.receiver >= cells.start) & (trace.receiver < cells.stop))
        some = replace(some, receiver=some.receiver - cells.start)
        found = traced_paths(recipe, receivers_of(receivers, cells), [some], [number])
        pieces.append(path_statistics(found.path_set(recipe.frequency_hz)))
    return {
        name: np.concatenate([piece[name] for piece in pieces]).reshape(grid.shape)
        for name in pieces[0]
    }


def stacked(maps: Sequence[Maps]) -> Maps:
    """Maps of several transmitters as one, [tx, cell_y, cell_x] each."""
    return {name: np.stack([each[name] for each in maps]) for name in maps[0]}


def inside_cells(
    world: World, grid: MapGrid, before: Bools | None = None, boxes_m: Floats | None = None
) -> Bools:
    """Which cells' middles lie inside of objects, [cell_y, cell_x].

    Args:
        before: What was so in a world that differs only in boxes.
        boxes_m: These boxes [m], [box, 2, 3].
    """
    centers = grid.centers_m.reshape(-1, 3)
    if before is None or boxes_m is None:
        return is_inside(world, centers).reshape(grid.shape)
    asked = may_change_inside(centers, boxes_m)
    found = before.copy()
    found[asked.reshape(grid.shape)] = is_inside(world, centers[asked])
    return found
