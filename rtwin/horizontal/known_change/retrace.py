"""From one state of a twin to the next by exact partial re-tracing."""

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset.generation import world_of_cells
from rtwin.dataset.store import scene_attributes
from rtwin.errors import OutOfRangeError
from rtwin.horizontal.decision import Drift, Evidence, Rung, TransmitterDecision, decide
from rtwin.horizontal.edits import Differences, differences
from rtwin.horizontal.twin import (
    Maps,
    TwinState,
    cell_receivers,
    inside_cells,
    stacked,
    statistics_map,
    trace_cells,
)
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe, Transmitter
from rtwin.trace import (
    NO_TRIANGLE,
    Change,
    Effort,
    MapGrid,
    SceneParts,
    Tracer,
    TransmitterTrace,
    World,
    keeps_chains,
    part_triangles,
    reach_of_change,
    retrace_transmitter,
    world_of_parts,
)

# Predicted cost of a partial trace over that of a full one: what is shot again whatever changed,
# and what a chain costs that is looked at again (benchmarks/partial_retrace.py).
LEAST_SHARE, DEARER = 0.05, 1.0
Way = Literal["kept", "evaluated", "partial", "traced"]


@dataclass(frozen=True)
class Retraced:
    """The next state of a twin, and how each transmitter came by its paths."""

    state: TwinState
    how: tuple[Way, ...]  # [tx], the cheapest exact way
    effort: tuple[Effort, ...]  # [tx]
    is_touched: Bools  # [tx, cell_y, cell_x], cells whose paths were computed anew
    seconds: tuple[float, ...]  # [tx]
    decisions: tuple[TransmitterDecision | None, ...]  # [tx], where there was a choice


def retrace(
    old: TwinState,
    recipe: Recipe,
    parts: SceneParts,
    *,
    world: World | None = None,
    full_s: float | None = None,
    how: Literal["partial", "full"] | None = None,
    progress: Progress = silent,
) -> Retraced:
    """The twin of an edited world: paths that the edit cannot touch stay as they are.

    Each transmitter gets the cheapest way that is exact: nothing differs, or its
    power alone (kept), fields alone differ (evaluated), something stands elsewhere
    (partial), or the transmitter itself does, or so much that all is traced anew (traced).

    Args:
        old: The twin before.
        recipe: The recipe after, with the solver and seed of the one before.
        parts: The parts after.
        world: The world of recipe and parts, where it is loaded already.
        full_s: What tracing one transmitter in full takes [s]; where it is given, the
            predicted costs decide between partial and full.
        how: Forces one of the two where something stands elsewhere.
        progress: Called with "map", steps done and in all.
    Raises:
        OutOfRangeError: if solver or seed differ.
    Checked by tests/horizontal/known_change/test_retrace.py against full traces.
    """
    world = world_of_parts(recipe, parts) if world is None else world
    pieces, change, seconds = _pieces(old, recipe, parts, world, progress, full_s, how)
    state = TwinState(
        recipe=recipe,
        parts=parts,
        grid=old.grid,
        traces=tuple(piece.trace for piece in pieces),
        maps=stacked([piece.maps for piece in pieces]),
        is_inside=inside_cells(world, old.grid, old.is_inside, change.boxes_m),
        attributes=scene_attributes(world),
    )
    return Retraced(
        state,
        tuple(piece.how for piece in pieces),
        tuple(piece.effort for piece in pieces),
        np.stack([piece.is_touched for piece in pieces]),
        tuple(seconds),
        tuple(piece.decision for piece in pieces),
    )


def retraced_maps(old: TwinState, recipe: Recipe, parts: SceneParts, world: World) -> Maps:
    """The maps of retrace alone, [tx, cell_y, cell_x] each: a world that is tried, not kept."""
    pieces, _, _ = _pieces(old, recipe, parts, world, silent)
    return stacked([piece.maps for piece in pieces])


def _pieces(
    old: TwinState,
    recipe: Recipe,
    parts: SceneParts,
    world: World,
    progress: Progress,
    full_s: float | None = None,
    forced: Literal["partial", "full"] | None = None,
) -> tuple[list["_One"], Change, list[float]]:
    """Each transmitter of the new world, what differs, and what each took [s]."""
    check_comparable(old.recipe, recipe)
    found = differences((old.recipe, old.parts), (recipe, parts))
    change = change_of(old.parts, parts, found)
    if old.recipe.frequency_hz != recipe.frequency_hz:
        # Every material is another one, and so is every field.
        change = replace(change, is_recoloured=np.ones_like(change.is_recoloured))
    tracer = Tracer(world_of_cells(world))
    pieces, seconds = [], []
    for number in range(len(recipe.transmitter)):
        progress("map", number, len(recipe.transmitter))
        start = time.perf_counter()
        pieces.append(_retrace_one(old, tracer, number, found, change, full_s, forced))
        seconds.append(time.perf_counter() - start)
    progress("map", len(recipe.transmitter), len(recipe.transmitter))
    return pieces, change, seconds


@dataclass(frozen=True)
class _One:
    """One transmitter of the next state."""

    how: Way
    trace: TransmitterTrace
    maps: Maps
    is_touched: Bools  # [cell_y, cell_x]
    effort: Effort
    decision: TransmitterDecision | None = None


def _retrace_one(
    old: TwinState,
    tracer: Tracer,
    number: int,
    found: Differences,
    change: Change,
    full_s: float | None,
    forced: Literal["partial", "full"] | None,
) -> _One:
    recipe, grid = tracer.world.recipe, old.grid
    how, reach, decision = way_of(old.recipe, recipe.transmitter[number], found, change), None, None
    if how == "partial":
        row = old.tx_names.index(recipe.transmitter[number].name)
        reach = reach_of_change(tracer, number, old.traces[row].chains, change)
        if forced == "full":
            how = "traced"
        elif full_s is not None and forced is None:
            decision = exact_way(recipe.transmitter[number].name, grid, reach.share, full_s)
            how = "traced" if decision.rung is not None and decision.rung.name == "full" else how
    if how == "traced":
        trace = trace_cells(tracer, grid, [number])[number]
        effort = Effort(
            num_chains=len(trace.chains), num_new_chains=len(trace.chains), num_found=len(trace)
        )
        maps = statistics_map(recipe, grid, trace, number)
        return _One(how, trace, maps, np.ones(grid.shape, bool), effort, decision)
    row = old.tx_names.index(recipe.transmitter[number].name)
    before = {name: values[row] for name, values in old.maps.items()}
    if how == "kept":
        trace = old.traces[row]
        untouched = np.zeros(grid.shape, bool)
        return _One(how, trace, before, untouched, Effort(num_kept=len(trace)))
    fed = is_fed(old.recipe.transmitter[row], recipe.transmitter[number])
    fed |= old.recipe.frequency_hz != recipe.frequency_hz
    receivers = cell_receivers(grid)
    piece = retrace_transmitter(
        tracer, number, receivers, old.traces[row], change, fed=fed, reach=reach
    )
    trace, touched, effort = piece.trace, piece.is_touched.reshape(grid.shape), piece.effort
    some = statistics_map(recipe, grid, trace.take(touched.ravel()[trace.receiver]), number)
    maps = {name: np.where(touched, some[name], values) for name, values in before.items()}
    return _One(how, trace, maps, touched, effort, decision)


def exact_way(name: str, grid: MapGrid, share: float, full_s: float) -> TransmitterDecision:
    """Partial or full: what is cheaper for a transmitter that stands where it stood.

    Args:
        name: Of the transmitter.
        grid: Its cells.
        share: Share of its chains that the change may matter to.
        full_s: What tracing it in full takes [s].
    """
    cells = grid.shape[0] * grid.shape[1]
    evidence = Evidence(
        name, np.ones(cells, bool), np.ones(cells), np.zeros(cells), Drift.none(cells)
    )
    partial_s = (LEAST_SHARE + DEARER * share) * full_s
    return decide(evidence, (Rung("partial", partial_s), Rung("full", full_s)))


def change_of(old: SceneParts, new: SceneParts, found: Differences) -> Change:
    """What differs between two worlds, as paths feel it."""
    before, after = part_triangles(old.parts), part_triangles(new.parts)
    other = {change.name for change in found.objects if change.kind != "material"}
    number = np.full(sum(len(rows) for rows in before.values()), NO_TRIANGLE, np.uint32)
    for name, rows in before.items():
        if name not in other:
            number[rows] = after[name]
    recoloured = np.zeros(sum(len(rows) for rows in after.values()), bool)
    boxes: list[Floats] = []
    volumes: list[Floats] = []
    for change in found.objects:
        if change.kind == "material" and change.name in after:
            recoloured[after[change.name]] = True
            continue
        for box, surfaces in ((change.old_box_m, before), (change.new_box_m, after)):
            if box is not None:
                (boxes if change.name in surfaces else volumes).append(box)
    none = np.zeros((0, 2, 3))
    return Change(
        triangle=number,
        boxes_m=np.stack(boxes) if boxes else none,
        is_recoloured=recoloured,
        volume_boxes_m=np.stack(volumes) if volumes else none,
    )


def check_comparable(old: Recipe, new: Recipe) -> None:
    """Raise OutOfRangeError unless two recipes trace alike but for objects and transmitters."""
    for name in ("solver", "seed"):
        if getattr(old, name) != getattr(new, name):
            raise OutOfRangeError(
                f"{name} is {getattr(new, name)}, the twin was traced with {getattr(old, name)}; "
                "make a new twin"
            )


def way_of(old: Recipe, device: Transmitter, found: Differences, change: Change) -> Way:
    """The cheapest exact way to the paths of a transmitter of the new world."""
    mine = next((item for item in found.transmitters if item.name == device.name), None)
    if mine is not None and mine.kind in ("added", "moved"):
        return "traced"
    if not keeps_chains(change, old.solver):
        return "partial"
    before = next(other for other in old.transmitter if other.name == device.name)
    differs = found.objects or change.is_recoloured.any() or is_fed(before, device)
    return "evaluated" if differs else "kept"


def is_fed(old: Transmitter, new: Transmitter) -> bool:
    """Whether fields of stored paths differ: by anything but the power, which they leave out."""
    return old.model_copy(update={"power_dbm": new.power_dbm}) != new
