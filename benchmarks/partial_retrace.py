"""Rungs of physics from a stale map to a new one: what they cost and how far off they are.

    python benchmarks/partial_retrace.py [--edits 4] [--repeats 3] [--cell-size 0] [SCENE ...]
    python benchmarks/partial_retrace.py --small --cell-size 2 --depth 5 --transmitters 1 munich

With --small: what happens every day, a truck that parks where the first transmitter sees it
and a building that goes, exact ways alone.

Each edit of a scene is done by every rung in one process: the best of some warm
runs, without loading the edited world, which all rungs share ("load"). On a machine
that others use as well, CPU seconds are what an idle one takes. Errors are
those of path gain against the full trace, floored at -130 dB, over cells that the
edit changed by more than 1 dB, and over all others. "walked": pairs of chain and
cell that the partial re-trace walked, in a thousand of all. "differ": paths of the
full trace that it has not, by kinds of interaction and vertices to 2 mm; these are
paths over faces that lie on each other, or whose vertices round another way.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rtwin.horizontal import (
    Estimate,
    TwinState,
    apply_edits,
    edits_from_dict,
    retrace,
    trace_state,
)
from rtwin.horizontal.known_change.ladder import (
    analytic,
    delta,
    few_ray,
    full,
    monte_carlo_delta,
    partial,
    stale,
)
from rtwin.horizontal.learned.worlds.scenes import free_places
from rtwin.horizontal.rehearsal import Enumeration
from rtwin.scene import load_recipe
from rtwin.trace import world_of_parts

FLOOR_DB = -130.0
TRUCK_M = (9.0, 2.5, 3.6)
GAP_M = 0.1  # below it: faces on each other are left to chance
Rung = Callable[..., Estimate]
RUNGS: tuple[Rung, ...] = (stale, analytic, partial, delta, few_ray, monte_carlo_delta, full)
EXACT: tuple[Rung, ...] = (stale, partial, full)


def edits_of(state: TwinState, count: int) -> list[dict[str, Any]]:
    """Edits of every class, those of objects of some that most power meets."""
    share: dict[str, float] = {}
    for tx in range(len(state.tx_names)):
        paths = state.paths(tx)
        power = np.square(np.abs(paths.a)).sum(axis=(1, 2))
        for depth in state.path_objects(paths.triangle).T:
            for row in np.unique(depth[depth >= 0]):
                name = state.object_names[row]
                share[name] = share.get(name, 0.0) + float(power[depth == row].sum())
    ground = state.recipe.geometry.ground
    # Not the very strongest alone: every other one of those that matter.
    ranked = [n for n in sorted(share, key=share.__getitem__)[::-1] if n not in ground]
    picked = ranked[: 2 * count : 2]
    first = state.tx_names[0]
    edits: list[dict[str, Any]] = []
    more: tuple[dict[str, Any], ...] = (
        {"kind": "move_object", "by_m": [3.0, 2.0, 0.0]},
        {"kind": "remove_object"},
        {"kind": "set_material", "material": "metal"},
    )
    for number, name in enumerate(picked):
        edits.append({"object": name, **more[number % 3]})
    edits.append({"kind": "set_transmitter", "transmitter": first, "downtilt_deg": 2.0})
    edits.append({"kind": "move_transmitter", "transmitter": first, "by_m": [2.0, 0.0, 0.0]})
    return edits


def small_edits(state: TwinState) -> list[list[dict[str, Any]]]:
    """A truck parks in sight of the first transmitter; a building goes that is heard a little."""
    rng, area = np.random.default_rng(3), state.recipe.radio_map.area
    world = world_of_parts(state.recipe, state.parts)
    seen = np.flatnonzero(state.maps["line_of_sight"][0].ravel())
    cells = state.grid.centers_m.reshape(-1, 3)[seen, :2]

    def is_seen(place: np.ndarray) -> bool:
        return bool(np.hypot(*(cells - place[:2]).T).min() < state.grid.cell_size_m)

    places = free_places(world, rng, TRUCK_M, 60, area)
    at, yaw = next(found for found in places if is_seen(found[0]))
    size = {"shape": "box", "size_m": list(TRUCK_M), "yaw_deg": float(yaw), "material": "metal"}
    middle = [*at[:2].tolist(), float(at[2]) + GAP_M + TRUCK_M[2] / 2]
    truck = {"name": "truck", "center_m": middle, **size}
    known = Enumeration(state)
    house = known.ranked[len(known.ranked) // 2]
    gone = [{"kind": "remove_object", "object": name} for name in known.members[house]]
    return [[{"kind": "add_object", "object": truck}], gone]


def floored_db(found: Estimate) -> np.ndarray:
    return 10 * np.log10(np.maximum(found.maps["path_gain"], 10 ** (FLOOR_DB / 10)))


def rmse(error: np.ndarray) -> str:
    return f"{np.sqrt(np.mean(np.square(error))):.2f}" if error.size else "-"


def count_other(one: TwinState, two: TwinState) -> tuple[int, int]:
    def keys(state: TwinState, tx: int) -> set[bytes]:
        found = state.paths(tx)
        link = np.repeat(np.arange(len(found.num_paths)), found.num_paths)
        place = np.round(np.nan_to_num(found.vertex_m).reshape(len(link), -1) / 2e-3)
        rows = np.column_stack([link, found.interactions, place]).astype(np.int64)
        return {row.tobytes() for row in rows}

    pairs = [(keys(one, tx), keys(two, tx)) for tx in range(len(two.tx_names))]
    return sum(len(b - a) for a, b in pairs), sum(len(b) for _, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["street_canyon", "munich"])
    parser.add_argument("--edits", type=int, default=3, help="edits of objects per scene")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cell-size", type=float, default=0.0, help="0: the recipe's")
    parser.add_argument("--small", action="store_true", help="a truck and a house, exact ways")
    parser.add_argument("--depth", type=int, help="default: the recipe's, 3")
    parser.add_argument("--transmitters", type=int, help="the first so many")
    parser.add_argument("--diffraction", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--refraction", action=argparse.BooleanOptionalAction, default=None)
    options = parser.parse_args()
    for scene in options.scenes:
        size = {"cell_size_m": options.cell_size} if options.cell_size else {}
        asked = {"max_depth": options.depth, "diffraction": options.diffraction}
        recipe = load_recipe(scene, refraction=options.refraction, **asked, **size)
        some = recipe.transmitter[: options.transmitters]
        state = trace_state(recipe.model_copy(update={"transmitter": some}))
        cells = state.is_inside.size
        print(f"\n{scene}: {cells} cells, {len(state.tx_names)} transmitters")
        if options.small:
            for edits in small_edits(state):
                one_edit(state, edits, options.repeats, EXACT)
            continue
        for edit in edits_of(state, options.edits):
            one_edit(state, [edit], options.repeats, RUNGS)


def one_edit(
    state: TwinState, edits: list[dict[str, Any]], repeats: int, rungs: tuple[Rung, ...]
) -> None:
    recipe, parts = apply_edits(edits_from_dict({"edit": edits}), state.recipe, state.parts)
    found: dict[Rung, Estimate] = {}
    for _ in range(repeats + 1):  # the first one compiles
        for rung in rungs:
            if rung is full and rung in found and rungs is EXACT:
                continue  # once: it takes long, and what it compiles is compiled by now
            got = rung(state, recipe, parts)
            best = found.get(rung)
            found[rung] = got if best is None or got.cpu_s < best.cpu_s else best
    done, reference = retrace(state, recipe, parts), found[full]
    assert reference.state is not None
    truth, before = floored_db(reference), floored_db(found[stale])
    changed = np.abs(truth - before) > 1
    walked = sum(effort.num_pairs for effort in done.effort)
    pairs = sum(len(trace.chains) for trace in reference.state.traces) * state.is_inside.size
    other, count = count_other(done.state, reference.state)
    what = edits[0].get("object", edits[0].get("transmitter"))
    what = what["name"] if isinstance(what, dict) else what
    print(
        f"\n{edits[0]['kind']} {what}: {100 * changed.mean():.2f} % of the cells changed, "
        f"{1000 * walked / pairs:.2f} in a thousand walked, {other} of {count} paths differ; "
        f"load {found[partial].load_s:.2f} s"
    )
    print("| rung | s | CPU s | CPU of full | changed RMSE dB | unchanged RMSE dB | rays |")
    print("|---|---|---|---|---|---|---|")
    for rung in rungs:
        one = found[rung]
        error = floored_db(one) - truth
        share = f"{one.cpu_s / reference.cpu_s:.2f}"
        print(
            f"| {one.what} | {one.seconds:.2f} | {one.cpu_s:.2f} | {share} | "
            f"{rmse(error[changed])} | {rmse(error[~changed])} | {one.rays} |"
        )


if __name__ == "__main__":
    start = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - start:.0f} s in all")
