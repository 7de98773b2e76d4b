"""Rungs of physics from a stale map to a new one: what they cost and how far off they are.

    python benchmarks/partial_retrace.py [--edits 4] [--repeats 3] [--cell-size 0] [SCENE ...]

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
from rtwin.scene import load_recipe

FLOOR_DB = -130.0
Rung = Callable[..., Estimate]
RUNGS: tuple[Rung, ...] = (stale, analytic, partial, delta, few_ray, monte_carlo_delta, full)


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
    parser.add_argument("--refraction", action=argparse.BooleanOptionalAction, default=None)
    options = parser.parse_args()
    for scene in options.scenes:
        size = {"cell_size_m": options.cell_size} if options.cell_size else {}
        recipe = load_recipe(scene, refraction=options.refraction, **size)
        state = trace_state(recipe)
        cells = state.is_inside.size
        print(f"\n{scene}: {cells} cells, {len(state.tx_names)} transmitters")
        for edit in edits_of(state, options.edits):
            one_edit(state, edit, options.repeats)


def one_edit(state: TwinState, edit: dict[str, Any], repeats: int) -> None:
    recipe, parts = apply_edits(edits_from_dict({"edit": [edit]}), state.recipe, state.parts)
    found: dict[Rung, Estimate] = {}
    for _ in range(repeats + 1):  # the first one compiles
        for rung in RUNGS:
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
    what = edit.get("object", edit.get("transmitter"))
    print(
        f"\n{edit['kind']} {what}: {100 * changed.mean():.2f} % of the cells changed, "
        f"{1000 * walked / pairs:.2f} in a thousand walked, {other} of {count} paths differ; "
        f"load {found[partial].load_s:.2f} s"
    )
    print("| rung | s | CPU s | CPU of full | changed RMSE dB | unchanged RMSE dB | rays |")
    print("|---|---|---|---|---|---|---|")
    for rung in RUNGS:
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
