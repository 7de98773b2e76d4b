"""Small worlds, random edits of them, and how two traces of one world are compared."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.horizontal import TwinState, apply_edits, edits_from_dict
from rtwin.scene import Recipe, recipe_from_dict

from ..tables import TREE, box, plane

CAR = box("car", [-6, 8, 0.9], [4.5, 1.8, 1.6], "metal")


def blocks(seed: int, **solver: Any) -> Recipe:
    """A grid of blocks of random size, height and material around two transmitters."""
    rng = np.random.default_rng(seed)
    objects = [plane(160)]
    for i, x in enumerate((-45, 0, 45)):
        for j, y in enumerate((-45, 0, 45)):
            if i == j == 1:
                continue
            height = rng.uniform(6, 25)
            objects.append(
                {
                    "name": f"block_{i}{j}",
                    "shape": "box",
                    "material": str(rng.choice(["concrete", "brick", "glass", "metal"])),
                    "center_m": [x + rng.uniform(-3, 3), y + rng.uniform(-3, 3), height / 2 - 1],
                    "size_m": [rng.uniform(15, 28), rng.uniform(15, 28), height],
                    "yaw_deg": float(rng.choice([0, 0, rng.uniform(-20, 20)])),
                }
            )
    return recipe_from_dict(
        {
            "title": "Blocks",
            "frequency_hz": 3.5e9,
            "seed": seed,
            "geometry": {"ground": ["ground"]},
            "object": [*objects, copy.deepcopy(TREE), CAR],
            "transmitter": [
                {
                    "name": "one",
                    "position_m": [3, 2, 15],
                    "azimuth_deg": 30,
                    "antenna": {"pattern": "tr38901"},
                },
                {"name": "two", "position_m": [-22, 20, 4]},
            ],
            "solver": {"max_depth": 3, "rays": 20_000, **solver},
            "radio_map": {"cell_size_m": 5.0, "area": [-60, -60, 60, 60]},
        },
        "blocks",
    )


def random_edit(rng: np.random.Generator, recipe: Recipe) -> dict[str, Any]:
    """An edit of any kind."""
    solid = [o.name for o in recipe.object if o.name not in ("ground", "tree")]
    thing = {"object": str(rng.choice(solid))}
    device = {"transmitter": str(rng.choice([t.name for t in recipe.transmitter]))}
    by = rng.uniform(-8, 8, 3) * [1, 1, 0]
    new = CAR | {
        "name": "new",
        "center_m": [*rng.uniform(-30, 30, 2), 0.9],
        "material": str(rng.choice(["metal", "brick"])),
    }
    leafy = TREE | {"name": "new_tree", "center_m": [*rng.uniform(-30, 30, 2), 4]}
    return [
        {"kind": "move_object", **thing, "by_m": by.tolist(), "yaw_deg": rng.uniform(-40, 40)},
        {"kind": "move_object", "object": "tree", "by_m": by.tolist()},
        {"kind": "remove_object", **thing},
        {"kind": "add_object", "object": new},
        {"kind": "add_object", "object": leafy},
        {"kind": "set_material", **thing, "material": str(rng.choice(["wood", "metal"]))},
        {"kind": "move_transmitter", **device, "by_m": (by / 4).tolist()},
        {"kind": "set_transmitter", **device, "downtilt_deg": rng.uniform(0, 20)},
        {"kind": "set_transmitter", **device, "power_dbm": 20.0},
        {"kind": "add_transmitter", "transmitter": {"name": "three", "position_m": [20, 20, 8]}},
    ][rng.integers(10)]


def edited(state: TwinState, *edits: dict[str, Any]) -> tuple[Recipe, Any]:
    """Recipe and parts after some edits."""
    return apply_edits(edits_from_dict({"edit": list(edits)}), state.recipe, state.parts)


@dataclass(frozen=True)
class Comparison:
    """How the paths of two traces of one world agree, all transmitters together."""

    num: int  # paths of the second
    num_missing: int  # of the second that the first has not
    num_extra: int  # of the first that the second has not
    missing_share: float  # of the power
    num_other_triangles: int  # same way, but over another triangle at the same place
    worst_db: float  # between fields of paths over the same triangles, relative to the link's best
    num_other_bits: int  # of these, whose fields are not the same bit for bit


def compare(one: TwinState, two: TwinState) -> Comparison:
    """Match the paths of each link by what they do, and where."""
    counts = np.zeros(5, int)
    missing_power, power, worst = 0.0, 0.0, 0.0
    for tx in range(len(two.tx_names)):
        a, b = one.paths(tx), two.paths(tx)
        first, second = _keys(a), _keys(b)
        strength = np.square(np.abs(b.a)).sum(axis=(1, 2))
        lost = [row for key, row in second.items() if key not in first]
        counts[:3] += len(second), len(lost), len(first.keys() - second.keys())
        power += strength.sum()
        missing_power += strength[lost].sum()
        both = [(first[key], row) for key, row in second.items() if key in first]
        if not both:
            continue
        rows, others = np.array(both).T
        same = (a.triangle[rows] == b.triangle[others]).all(axis=1)
        rows, others = rows[same], others[same]
        error = np.abs(a.a[rows] - b.a[others]).max(axis=(1, 2))
        counts[3] += np.count_nonzero(~same)
        counts[4] += np.count_nonzero(error)
        link = np.repeat(np.arange(len(b.num_paths)), b.num_paths)
        best = np.zeros(len(b.num_paths))
        np.maximum.at(best, link, np.sqrt(strength))
        scale = np.maximum(best[link[others]], 1e-30)
        worst = max(worst, float((error / scale).max(initial=0)))
    db = 20 * np.log10(max(worst, 1e-30))
    num, lost_paths, extra, tied, bits = (int(count) for count in counts)
    return Comparison(num, lost_paths, extra, missing_power / max(power, 1e-300), tied, db, bits)


def _keys(paths: Any) -> dict[tuple[Any, ...], int]:
    """Row of each path by link, kinds of interaction and places, to 2 mm."""
    link = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)
    place = np.round(np.nan_to_num(paths.vertex_m) / 2e-3).astype(np.int64)
    place = place.reshape(len(link), -1)
    rows = zip(link.tolist(), paths.interactions.tolist(), place.tolist(), strict=True)
    return {(k, *kind, *where): row for row, (k, kind, where) in enumerate(rows)}
