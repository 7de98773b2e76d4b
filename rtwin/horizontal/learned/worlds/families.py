"""Procedural scenes: a seed gives a recipe. One function per family, all lengths in metres.

The families of training are `blocks`, `canyon`, `courtyard` and `rooms`; `yards`
(houses turned at random, L-shaped, with other heights) is for tests alone.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from rtwin.scene import Recipe, recipe_from_dict

Data = dict[str, Any]
_FACADES = ("brick", "concrete", "marble", "glass", "wood", "metal")
_FACADE_ODDS = (0.32, 0.32, 0.14, 0.12, 0.05, 0.05)
_GROUNDS = ("concrete", "medium_dry_ground", "asphalt_concrete")
_WALLS = ("plasterboard", "brick", "concrete", "glass")
_FREQUENCIES_HZ = (2.6e9, 3.5e9, 3.5e9, 5.8e9)
# Houses stand half a metre in the ground: no two faces coincide.
_SUNK_M = 0.5


def procedural_recipe(family: str, seed: int) -> Recipe:
    """The recipe of a procedural scene; the same seed gives the same scene.

    Args:
        family: A name in FAMILIES.
        seed: Any number from 0.
    """
    rng = np.random.default_rng([seed, sorted(FAMILIES).index(family)])
    name = f"{family}_{seed}"
    data = {
        "title": f"{family}, seed {seed}",
        "frequency_hz": float(rng.choice(_FREQUENCIES_HZ)),
        "geometry": {"ground": ["ground"]},
        # A stand-in: the transmitter is placed when the walls stand.
        "transmitter": [{"name": "tx", "position_m": [0, 0, 500]}],
        **FAMILIES[family](rng),
    }
    return recipe_from_dict(data, name)


def _ground(rng: np.random.Generator, half_m: float) -> Data:
    return {
        "name": "ground",
        "shape": "plane",
        "material": str(rng.choice(_GROUNDS)),
        "center_m": [0, 0, 0],
        "size_m": [2 * half_m + 60, 2 * half_m + 60],
    }


def _house(
    rng: np.random.Generator, name: str, footprint: Any, height_m: tuple[float, float]
) -> Data:
    material = str(rng.choice(_FACADES, p=_FACADE_ODDS))
    return {
        "name": name,
        "shape": "extrude",
        "material": material,
        "footprint": np.round(footprint, 2).tolist(),
        "base_m": -_SUNK_M,
        "height_m": round(float(rng.uniform(*height_m)), 1) + _SUNK_M,
    }


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def _map(half_x: float, half_y: float, cells: int = 1600, height_m: float = 1.5) -> Data:
    size = np.sqrt(4 * half_x * half_y / cells)
    return {
        "cell_size_m": round(float(size), 2),
        "height_m": height_m,
        "area": [-half_x, -half_y, half_x, half_y],
    }


def blocks(rng: np.random.Generator) -> Data:
    """A street grid; a block is one house or two."""
    street, size = rng.uniform(11, 20), rng.uniform(20, 34)
    half = 1.5 * size + 1.6 * street
    objects = [_ground(rng, half)]
    for i in range(3):
        for j in range(3):
            x0 = (i - 1.5) * size + (i - 1) * street + rng.uniform(0, 2)
            y0 = (j - 1.5) * size + (j - 1) * street + rng.uniform(0, 2)
            x1, y1 = x0 + size - rng.uniform(0, 3), y0 + size - rng.uniform(0, 3)
            if rng.random() < 0.1:
                continue  # a square
            if rng.random() < 0.5:
                cut = x0 + (x1 - x0) * rng.uniform(0.35, 0.65)
                gap = rng.choice([0.4, 4.0])
                halves = [(x0, cut - gap / 2), (cut + gap / 2, x1)]
            else:
                halves = [(x0, x1)]
            for a, b in halves:
                name = f"house_{len(objects)}"
                objects.append(_house(rng, name, _rectangle(a, y0, b, y1), (8, 28)))
    return {"object": objects, "radio_map": _map(half, half)}


def canyon(rng: np.random.Generator) -> Data:
    """A street between two rows of houses, with a side street or a yard behind gaps."""
    width, length = rng.uniform(13, 26), rng.uniform(100, 150)
    objects = [_ground(rng, length / 2)]
    for side in (-1, 1):
        x = -length / 2
        while x < length / 2:
            front, depth = rng.uniform(12, 30), rng.uniform(9, 16)
            near = side * (width / 2 + rng.uniform(0, 1.5))
            far = near + side * depth
            corners = _rectangle(x, min(near, far), x + front, max(near, far))
            objects.append(_house(rng, f"house_{len(objects)}", corners, (9, 26)))
            x += front + rng.choice([0.4, 3.0, 9.0], p=[0.5, 0.2, 0.3])
    return {"object": objects, "radio_map": _map(length / 2, width / 2 + 24)}


def courtyard(rng: np.random.Generator) -> Data:
    """A perimeter block with passages, and houses across the streets."""
    inner, wing = rng.uniform(14, 26), rng.uniform(9, 13)
    outer, street = inner + wing, rng.uniform(11, 17)
    gap = rng.uniform(3, 6)
    objects = [_ground(rng, outer + 30)]
    for turn in range(4):
        shift = rng.uniform(-0.5, 0.5) * inner
        for a, b in ((-outer, shift - gap / 2), (shift + gap / 2, inner - 0.4)):
            wing_m = np.array(_rectangle(a, inner, b, outer))
            corners = _turned(wing_m, turn * np.pi / 2)
            objects.append(_house(rng, f"wing_{len(objects)}", corners, (10, 22)))
        across = np.array(
            _rectangle(-outer, outer + street, outer * rng.uniform(0.2, 0.9), outer + street + 10)
        )
        corners = _turned(across, turn * np.pi / 2)
        objects.append(_house(rng, f"house_{len(objects)}", corners, (9, 25)))
    half = outer + street
    return {"object": objects, "radio_map": _map(half, half)}


def rooms(rng: np.random.Generator) -> Data:
    """A floor of an office: rooms on both sides of a corridor, doors open or shut."""
    half_x, half_y = rng.uniform(9, 14), rng.uniform(5.5, 8)
    height, aisle = rng.uniform(2.6, 3.4), rng.uniform(0.9, 1.4)
    outer, wall = str(rng.choice(("brick", "concrete"))), str(rng.choice(_WALLS))

    def sheet(name: str, material: str, a: Any, b: Any, openings: Any = ()) -> Data:
        return {
            "name": name,
            "shape": "wall",
            "material": material,
            "from_m": list(a),
            "to_m": list(b),
            "height_m": height,
            "openings": list(openings),
        }

    size = [2 * half_x, 2 * half_y]
    objects: list[Data] = [
        {
            "name": "ground",
            "shape": "plane",
            "material": "concrete",
            "center_m": [0, 0, 0],
            "size_m": size,
        },
        {
            "name": "ceiling",
            "shape": "plane",
            "material": "ceiling_board",
            "center_m": [0, 0, height],
            "size_m": size,
        },
        sheet("outer_south", outer, (-half_x, -half_y), (half_x, -half_y)),
        sheet("outer_north", outer, (-half_x, half_y), (half_x, half_y)),
        sheet("outer_west", outer, (-half_x, -half_y), (-half_x, half_y)),
        sheet("outer_east", outer, (half_x, -half_y), (half_x, half_y)),
    ]
    for side, label in ((-1, "south"), (1, "north")):
        edges = np.linspace(-half_x, half_x, int(rng.integers(3, 6)) + 1)
        edges[1:-1] += rng.uniform(-0.8, 0.8, len(edges) - 2)
        for k, (a, b) in enumerate(itertools.pairwise(edges)):
            y, start = side * aisle, rng.uniform(0.4, b - a - 1.5)
            hole = {"start_m": start, "end_m": start + 0.95, "bottom_m": 0.0, "top_m": 2.1}
            objects.append(sheet(f"wall_{label}_{k}", wall, (a, y), (b, y), [hole]))
            if rng.random() < 0.6:
                door = sheet(f"door_{label}_{k}", "wood", (a + start, y), (a + start + 0.95, y))
                objects.append(door | {"height_m": 2.1})
            if k:
                objects.append(sheet(f"part_{label}_{k}", wall, (a, y), (a, side * half_y)))
    return {
        "object": objects,
        "environment": "indoor",
        "radio_map": _map(half_x - 0.2, half_y - 0.2, 1400, 1.2),
    }


def yards(rng: np.random.Generator) -> Data:
    """Houses turned at random, many of them L-shaped; never trained on."""
    half = rng.uniform(50, 62)
    pitch = rng.uniform(30, 36)
    objects = [_ground(rng, half)]
    for x in np.arange(-half + pitch / 2, half, pitch):
        for y in np.arange(-half + pitch / 2, half, pitch):
            if rng.random() < 0.15:
                continue
            a, b = rng.uniform(12, pitch - 10, 2)
            corners = np.array(_rectangle(-a / 2, -b / 2, a / 2, b / 2))
            if rng.random() < 0.4:
                corners = np.array(
                    [
                        [-a / 2, -b / 2],
                        [a / 2, -b / 2],
                        [a / 2, 0],
                        [0, 0],
                        [0, b / 2],
                        [-a / 2, b / 2],
                    ]
                )
            corners = _turned(corners, rng.uniform(0, np.pi)) + np.array([x, y])
            corners += rng.uniform(-2, 2, 2)
            objects.append(_house(rng, f"house_{len(objects)}", corners, (5, 36)))
    return {"object": objects, "radio_map": _map(half, half)}


def _turned(points: np.ndarray, yaw: float) -> np.ndarray:
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    return points @ turn.T


FAMILIES: dict[str, Callable[[np.random.Generator], Data]] = {
    "blocks": blocks,
    "canyon": canyon,
    "courtyard": courtyard,
    "rooms": rooms,
    "yards": yards,
}
