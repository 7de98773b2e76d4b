"""The rungs of physics from a stale map to a new one: what each costs, and what it gives.

All rungs take the twin before and the world after and give the same maps, so
that they can be compared, chosen between, and used as features of what learns.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.errors import OutOfRangeError
from rtwin.horizontal.known_change.retrace import retrace
from rtwin.horizontal.twin import Maps, TwinState, trace_state
from rtwin.scene import Recipe
from rtwin.trace import SceneParts, World, trace_path_gain, world_of_parts

Guard = Literal["stale", "new", "zero"]
GUARDS: tuple[Guard, ...] = ("stale", "new", "zero")
_SPREADS = ("mean_delay_s", "rms_delay_spread_s")


@dataclass(frozen=True, eq=False)
class Estimate:
    """Maps of the world after an edit as one rung gives them."""

    what: str
    maps: Maps  # as TwinState.maps, [tx after, cell_y, cell_x] each
    seconds: float  # without loading, by the clock
    cpu_s: float  # the same in processor time, which other programs do not lengthen
    load_s: float  # loading the world or worlds into the engine
    rays: int  # that were shot, of all transmitters and worlds
    state: TwinState | None = None  # of the exact rungs


def stale(old: TwinState, recipe: Recipe, parts: SceneParts) -> Estimate:
    """Nothing is done: the maps before. Transmitters that are new bring nothing."""
    watch = _Watch()
    maps = stale_maps(old, recipe)
    return Estimate("stale", maps, *watch.seconds(), 0.0, 0)


def analytic(old: TwinState, recipe: Recipe, parts: SceneParts) -> Estimate:
    """Paths stay what they were; patterns, bearings and tilts weight them anew.

    Objects and transmitters that moved are taken to stand where they stood.
    """
    before = {device.name: device for device in old.recipe.transmitter}
    known = [device for device in recipe.transmitter if device.name in before]
    if not known:
        return stale(old, recipe, parts)
    standing = tuple(
        device.model_copy(update={"position_m": before[device.name].position_m}) for device in known
    )
    watch = _Watch()
    standing_recipe = recipe.model_copy(update={"transmitter": standing})
    world = world_of_parts(standing_recipe, old.parts)
    load_s, _ = watch.seconds()
    watch = _Watch()
    state = retrace(old, standing_recipe, old.parts, world=world).state
    maps = stale_maps(state, recipe)
    return Estimate("analytic", maps, *watch.seconds(), load_s, 0)


def partial(old: TwinState, recipe: Recipe, parts: SceneParts) -> Estimate:
    """Exact partial re-trace: rtwin.horizontal.retrace."""
    watch = _Watch()
    world = world_of_parts(recipe, parts)
    load_s, _ = watch.seconds()
    watch = _Watch()
    found = retrace(old, recipe, parts, world=world)
    seconds = watch.seconds()
    shot = sum(how in ("partial", "traced") for how in found.how)
    rays = shot * recipe.solver.rays
    return Estimate("partial", found.state.maps, *seconds, load_s, rays, found.state)


def full(old: TwinState, recipe: Recipe, parts: SceneParts) -> Estimate:
    """Everything is traced anew."""
    return _traced("full", old, recipe, parts, recipe.solver.rays)


def few_ray(old: TwinState, recipe: Recipe, parts: SceneParts, *, rays: int = 1000) -> Estimate:
    """Everything is traced anew, with few rays per transmitter that find chains."""
    return _traced("few-ray", old, recipe, parts, rays)


def delta(
    old: TwinState, recipe: Recipe, parts: SceneParts, *, rays: int = 1000, guard: Guard = "stale"
) -> Estimate:
    """Difference of few-ray traces of both worlds with common random numbers, on the stale map.

    Args:
        rays: Per transmitter and world.
        guard: Where stale + (new - old) leaves no power: the stale value, that of the
            new few-ray trace, or zero.
    Source: correlated sampling; the rule is chosen on validation, see docs/horizontal.md.
    """
    before = _few(old.recipe, old.parts, old, rays)
    after = _few(recipe, parts, old, rays)
    watch = _Watch()
    few = stale_maps(before.state, recipe)
    maps = _moved_by(stale_maps(old, recipe), few, after.maps, guard)
    seconds, cpu_s = watch.seconds()
    return Estimate(
        f"delta ({guard})",
        maps,
        seconds + before.seconds + after.seconds,
        cpu_s + before.cpu_s + after.cpu_s,
        before.load_s + after.load_s,
        before.rays + after.rays,
    )


def monte_carlo_delta(
    old: TwinState,
    recipe: Recipe,
    parts: SceneParts,
    *,
    rays: int = 300_000,
    guard: Guard = "stale",
) -> Estimate:
    """The same with Sionna's radio map solver: of path gain alone, all else stays stale."""
    maps = stale_maps(old, recipe)
    load_s = seconds = cpu_s = 0.0
    gains = []
    for one, its_parts in ((old.recipe, old.parts), (recipe, parts)):
        watch = _Watch()
        world = world_of_parts(_with_map_rays(one, rays), its_parts)
        load_s += watch.seconds()[0]
        watch = _Watch()
        gains.append(_monte_carlo(world, old, recipe))
        took = watch.seconds()
        seconds, cpu_s = seconds + took[0], cpu_s + took[1]
    gain = guarded(maps["path_gain"], gains[0], gains[1], guard)
    found = maps | {"path_gain": gain}
    num = len(old.recipe.transmitter) + len(recipe.transmitter)
    what = f"Monte Carlo delta ({guard})"
    return Estimate(what, found, seconds, cpu_s, load_s, num * rays)


RUNGS: dict[str, Callable[[TwinState, Recipe, SceneParts], Estimate]] = {
    "stale": stale,
    "analytic": analytic,
    "partial": partial,
    "delta": delta,
    "few-ray": few_ray,
    "full": full,
}


def stale_maps(old: TwinState, recipe: Recipe) -> Maps:
    """Maps of a twin for the transmitters of another recipe; new ones bring nothing."""
    rows = {name: row for row, name in enumerate(old.tx_names)}
    return {
        name: np.stack(
            [
                values[rows[device.name]]
                if device.name in rows
                else np.full_like(values[0], 0 if name in _COUNTED else np.nan)
                for device in recipe.transmitter
            ]
        )
        for name, values in old.maps.items()
    }


_COUNTED = ("path_gain", "num_paths", "line_of_sight")


def guarded(stale_gain: Floats, few_old: Floats, few_new: Floats, guard: Guard) -> Floats:
    """stale + (new - old) in linear power, and what the guard says where nothing would be left."""
    if guard not in GUARDS:
        raise OutOfRangeError(f"guard is {guard!r}, it must be {', '.join(GUARDS)}")
    gain = stale_gain + (few_new - few_old)
    instead = {"stale": stale_gain, "new": few_new, "zero": np.zeros_like(gain)}[guard]
    # What rounding leaves of a power that is gone is no power.
    return np.where(gain > 1e-6 * stale_gain, gain, instead)


def _moved_by(start: Maps, few_old: Maps, few_new: Maps, guard: Guard) -> Maps:
    result = {}
    for name, values in start.items():
        before, after = few_old[name], few_new[name]
        same = (before == after) | (_missing(before) & _missing(after))
        if name == "path_gain":
            moved = guarded(values, before, after, guard)
        elif name == "line_of_sight" or name == "k_factor":
            moved = after
        elif name == "num_paths":
            moved = np.maximum(values + after - before, 0)
        else:
            moved = values + (after - before)
            if name.endswith("azimuth_mean"):
                moved = np.angle(np.exp(1j * moved))
            elif name in _SPREADS or name.endswith("spread"):
                moved = np.maximum(moved, 0)
            # Where one of the three has no path there is nothing to add up.
            moved = np.where(np.isnan(moved), np.where(_missing(after), values, after), moved)
        result[name] = np.where(same, values, moved).astype(values.dtype)
    return result


def _missing(values: Floats) -> Bools:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)


def _traced(what: str, old: TwinState, recipe: Recipe, parts: SceneParts, rays: int) -> Estimate:
    found = _few(recipe, parts, old, rays)
    state = found.state if what == "full" else None
    return Estimate(what, found.maps, found.seconds, found.cpu_s, found.load_s, found.rays, state)


@dataclass(frozen=True, eq=False)
class _Few:
    """A full trace, perhaps with few rays."""

    state: TwinState
    seconds: float
    cpu_s: float
    load_s: float
    rays: int

    @property
    def maps(self) -> Maps:
        return self.state.maps


def _few(recipe: Recipe, parts: SceneParts, old: TwinState, rays: int) -> _Few:
    few = recipe.model_copy(update={"solver": recipe.solver.model_copy(update={"rays": rays})})
    watch = _Watch()
    world = world_of_parts(few, parts)
    load_s, _ = watch.seconds()
    watch = _Watch()
    state = trace_state(few, parts, old.grid, world=world)
    return _Few(state, *watch.seconds(), load_s, rays * len(recipe.transmitter))


class _Watch:
    """Time since it was made, by the clock and of the processors [s]."""

    def __init__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def seconds(self) -> tuple[float, float]:
        return time.perf_counter() - self._start[0], time.process_time() - self._start[1]


def _with_map_rays(recipe: Recipe, rays: int) -> Recipe:
    spec = recipe.radio_map.model_copy(update={"rays": rays})
    return recipe.model_copy(update={"radio_map": spec})


def _monte_carlo(world: World, old: TwinState, recipe: Recipe) -> Floats:
    """Path gain of the transmitters of a recipe in a world that may not have them all."""
    rows = {device.name: row for row, device in enumerate(world.recipe.transmitter)}
    return np.stack(
        [
            trace_path_gain(world, rows[device.name], old.grid)[0]
            if device.name in rows
            else np.zeros(old.grid.shape)
            for device in recipe.transmitter
        ]
    )
