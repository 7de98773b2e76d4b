"""Change that nobody told the twin about: synthesis against kriging and its like.

    python benchmarks/unknown_change.py [--pairs 1] [--share 0.01] [--noise 1.5] [--seed 1]

Each pair is a world and the same one after one random edit, both traced exactly. A
share of the cells outside of objects is measured in the new world, with noise; the
methods are told the old world and the measurements alone. Edits count that change at
least 1 % of the cells by more than 1 dB. RMSE in dB over the changed cells of all pairs
of a kind, and over the unchanged ones; seconds are per pair. None of these scenes was
looked at while the method was made.
"""

import argparse
import time
from collections import defaultdict
from typing import Any

import numpy as np

from rtwin.horizontal import correct, edits_from_dict, stored_twin, trace_state
from rtwin.horizontal.unknown_change.cell_paths import boxes_m
from rtwin.horizontal.unknown_change.residuals import krige, nearest_neighbours, residuals_of
from rtwin.horizontal.unknown_change.synthesis import Synthesis
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict

KINDS = (
    "object moved",
    "object gone",
    "material",
    "small object new",
    "building new",
    "transmitter moved",
    "transmitter turned",
)
METHODS = ("stale", "IDW", "k-NN", "kriging", "synthesis")
MATERIALS = ("metal", "glass", "wood", "concrete")
TILES = {"florence": ((-80, -80, 80, 80), 3.0), "etoile": ((-100, -100, 100, 100), 4.0)}
ENOUGH = 0.01


def tile(name, area, cell_m):
    recipe = load_recipe(name)
    data = recipe_dict(recipe)
    data["radio_map"] |= {"area": list(area), "cell_size_m": cell_m}
    data["transmitter"] = data["transmitter"][:1]
    data["solver"]["rays"] = 30_000
    return recipe_from_dict(data, recipe.name, recipe.folder)


def blocks(seed):
    """Nine blocks of random heights and materials, streets of a random width, vehicles."""
    rng = np.random.default_rng(seed)
    street, side = rng.uniform(12, 24), rng.uniform(20, 34)
    step = street + side
    objects: list[dict[str, Any]] = [
        {
            "name": "ground",
            "material": "concrete",
            "shape": "plane",
            "center_m": [0, 0, 0],
            "size_m": [260, 260],
        }
    ]
    for x in range(3):
        for y in range(3):
            height = rng.uniform(8, 28)
            width, depth = side * rng.uniform(0.7, 1, 2)
            objects.append(
                {
                    "name": f"block_{x}{y}",
                    "shape": "box",
                    "material": str(rng.choice(["brick", "concrete", "glass"])),
                    "center_m": [(x - 1) * step, (y - 1) * step, height / 2 - 0.3],
                    "size_m": [width, depth, height + 0.6],
                    "yaw_deg": float(rng.uniform(-8, 8)),
                }
            )
    for number in range(5):
        across = rng.choice([-1, 1]) * step / 2 + rng.uniform(-street / 4, street / 4)
        place = [rng.uniform(-60, 60), across][:: rng.choice([-1, 1])]
        size = np.array([(4.5, 1.9, 2.1), (10, 2.5, 3.9)][rng.integers(2)])
        objects.append(
            {
                "name": f"vehicle_{number}",
                "material": "metal",
                "shape": "box",
                "center_m": [*place, size[2] / 2 - 0.3],
                "size_m": size.tolist(),
                "yaw_deg": float(rng.choice([0, 90])),
            }
        )
    corner = step / 2 + rng.uniform(-2, 2, 2)
    return recipe_from_dict(
        {
            "title": "Blocks",
            "frequency_hz": 3.5e9,
            "geometry": {"ground": ["ground"]},
            "object": objects,
            "receivers": {"kind": "random", "count": 1},
            "transmitter": [
                {
                    "name": "mast",
                    "position_m": [*corner, float(rng.choice([4, 8, 15]))],
                    "azimuth_deg": float(rng.uniform(-180, 180)),
                    "downtilt_deg": 5,
                    "antenna": {"pattern": ["iso", "tr38901"][seed % 2]},
                }
            ],
            "solver": {"max_depth": 3, "rays": 30_000},
            "radio_map": {"cell_size_m": 3.0, "height_m": 1.5, "area": [-70, -70, 70, 70]},
        },
        f"blocks {seed}",
    )


def draw(rng, state, kind):
    """One random edit of a kind."""
    parts, cells = state.parts.parts, state.grid.centers_m.reshape(-1, 3)
    low, high = cells.min(axis=0)[:2], cells.max(axis=0)[:2]
    box = boxes_m(parts)
    ground = set(state.recipe.geometry.ground)
    there = [
        n
        for n, part in enumerate(parts)
        if part.name not in ground and (box[n, 0, :2] < high).all() and (box[n, 1, :2] > low).all()
    ]
    angle = rng.uniform(0, 2 * np.pi)
    away = np.array([np.cos(angle), np.sin(angle)])
    mast = state.recipe.transmitter[0]
    part = parts[rng.choice(there)]
    match kind:
        case "object moved":
            shift = [*(rng.uniform(3, 15) * away), 0.0]
            return {"kind": "move_object", "object": part.name, "by_m": shift}
        case "object gone":
            return {"kind": "remove_object", "object": part.name}
        case "material":
            other = [name for name in MATERIALS if name != part.material]
            return {"kind": "set_material", "object": part.name, "material": str(rng.choice(other))}
        case "small object new" | "building new":
            small = kind == "small object new"
            size = rng.uniform(
                *(((3, 1.8, 1.5), (11, 3, 4)) if small else ((8, 8, 6), (22, 22, 20)))
            )
            floor = np.median(cells[:, 2]) - state.recipe.radio_map.height_m
            center = [*rng.uniform(low, high), floor + size[2] / 2 - 0.2]
            return {
                "kind": "add_object",
                "object": {
                    "name": "newcomer",
                    "material": "metal" if small else "brick",
                    "shape": "box",
                    "center_m": center,
                    "size_m": size.tolist(),
                    "yaw_deg": float(rng.uniform(0, 180)),
                },
            }
        case "transmitter moved":
            shift = [*(rng.uniform(1, 8) * away), float(rng.uniform(-1, 1))]
            return {"kind": "move_transmitter", "transmitter": mast.name, "by_m": shift}
        case _:
            yaw, tilt = np.degrees(mast.orientation_rad[:2])
            turn = rng.choice([-1, 1]) * rng.uniform(10, 50)
            return {
                "kind": "set_transmitter",
                "transmitter": mast.name,
                "azimuth_deg": float(yaw + turn),
                "downtilt_deg": float(tilt + rng.uniform(-6, 6)),
            }


def edited(rng, state, twin, kind, outside):
    """Path gains after an edit that changes enough, or None if none was found."""
    synthesis = Synthesis(twin)
    for _ in range(12):
        edits = edits_from_dict({"edit": [draw(rng, state, kind)]}).edit
        new = synthesis.gain_db(edits, np.arange(len(twin.cell_m)))
        if new is not None and (np.abs(new - twin.gain_db) > 1)[:, outside].mean() >= ENOUGH:
            return new
    return None


def compare(rng, twin, new, outside, share, noise_db, worlds):
    """Squared errors of every method over changed and unchanged cells, and seconds."""
    num = max(6, round(share * len(outside)))
    cell = rng.choice(outside, num, replace=False)
    found = residuals_of(
        twin, np.zeros(num, int), cell, new[0, cell] + rng.normal(0, noise_db, num), noise_db
    )
    start = time.perf_counter()
    made = correct(twin, found, num_traces=worlds, seed=1)
    seconds = time.perf_counter() - start
    change = {
        "stale": 0 * new,
        "IDW": nearest_neighbours(twin, found, num, 2.0),
        "k-NN": nearest_neighbours(twin, found),
        "kriging": krige(twin, found, found.value_db)[0],
        "synthesis": made.gain_db - twin.gain_db,
    }
    true = (new - twin.gain_db)[0, outside]
    error = {name: np.square(values[0, outside] - true) for name, values in change.items()}
    is_off = np.abs(true) > 1
    return error, is_off, seconds, num, made.agreements[0].verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1, help="pairs of each kind and scene")
    parser.add_argument("--share", type=float, default=0.01, help="of the cells that is measured")
    parser.add_argument("--noise", type=float, default=1.5, help="of a measurement [dB]")
    parser.add_argument("--worlds", type=int, default=100, help="worlds that synthesis may try")
    parser.add_argument("--scenes", type=int, default=99, help="how many of the scenes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    recipes = [blocks(seed) for seed in range(100, 105)]
    recipes += [tile(name, *rest) for name, rest in TILES.items()]
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for number, recipe in enumerate(recipes[: given.scenes]):
        state = trace_state(recipe)
        twin = stored_twin(state)
        outside = np.flatnonzero(~state.is_inside.ravel())
        rng = np.random.default_rng([given.seed, number])
        for kind in KINDS * given.pairs:
            if kind == KINDS[-1] and recipe.transmitter[0].antenna.pattern == "iso":
                continue
            new = edited(rng, state, twin, kind, outside)
            if new is None:
                continue
            error, is_off, seconds, num, verdict = compare(
                rng, twin, new, outside, given.share, given.noise, given.worlds
            )
            for row in (kind, "all"):
                total = sums[row]
                total["pairs"] += 1
                total["seconds"] += seconds
                total["changed"] += is_off.sum()
                total["rest"] += (~is_off).sum()
                total["found"] += verdict != "agrees"
                for name in METHODS:
                    total[name] += error[name][is_off].sum()
                    total[f"{name} rest"] += error[name][~is_off].sum()
            one = " ".join(f"{name} {np.sqrt(error[name][is_off].mean()):.1f}" for name in METHODS)
            print(
                f"{recipe.name}, {kind}: {num} rows, {one} dB, {seconds:.0f} s, {verdict}",
                flush=True,
            )
    print(
        "\n| what happened | pairs | "
        + " | ".join(METHODS)
        + " | of kriging | kriging, unchanged | synthesis, unchanged | noticed | s |",
        flush=True,
    )
    print("|---" * (len(METHODS) + 7) + "|")
    for row in (*KINDS, "all"):
        total = sums[row]
        if not total["pairs"]:
            continue
        changed = {name: np.sqrt(total[name] / total["changed"]) for name in METHODS}
        rest = [np.sqrt(total[f"{n} rest"] / total["rest"]) for n in ("kriging", "synthesis")]
        pairs = total["pairs"]
        print(
            f"| {row} | {pairs:.0f} | "
            + " | ".join(f"{v:.1f}" for v in changed.values())
            + f" | {changed['synthesis'] / changed['kriging']:.2f} | {rest[0]:.2f} "
            + f"| {rest[1]:.2f} | {total['found']:.0f} | {total['seconds'] / pairs:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
