"""The scenes of training and of the benchmark, split by scene and never by cell.

    name --training_scene--> recipe with one to three transmitters, parts, what may be moved

A name is `family_seed` (see families.py), or `tile_SCENE_seed`: a square cut out
of a scene, shipped or a recipe's file. Cars, vans, a kiosk or furniture are set into the free room
of either.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, nearest
from rtwin.horizontal.edits import apply_edits, edits_from_dict
from rtwin.horizontal.learned.worlds.families import FAMILIES, procedural_recipe
from rtwin.scene import Recipe, load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import (
    Part,
    SceneParts,
    World,
    ground_height_m,
    is_inside,
    load_parts,
    start_engine,
    world_of_parts,
)

TILE_M = 110.0
_MARGIN_M = 25.0  # houses this far outside a tile still mirror into it
NUM_CELLS = 1024
RAYS = 20_000
Box = Floats  # [2, 3] m, lower and upper corner
# Name, size [m], material, base above the ground [m].
OUTDOORS = (
    ("car", (4.5, 1.8, 1.5), "metal", 0.2),
    ("van", (5.6, 2.1, 2.5), "metal", 0.25),
    ("bus", (11.0, 2.5, 3.2), "metal", 0.3),
    ("kiosk", (3.0, 2.6, 2.8), "wood", 0.02),
    ("container", (6.1, 2.4, 2.6), "metal", 0.02),
    ("tree", (5.0, 5.0, 7.0), "vegetation", 0.5),
)
INDOORS = (
    ("cabinet", (1.2, 0.5, 1.9), "metal", 0.02),
    ("shelf", (1.6, 0.4, 2.0), "wood", 0.02),
    ("whiteboard", (1.8, 0.08, 1.2), "metal", 0.7),
    ("table", (1.8, 0.9, 0.75), "wood", 0.02),
)


@dataclass(frozen=True)
class TrainingScene:
    """A world before any edit."""

    name: str
    recipe: Recipe
    parts: SceneParts
    movable: tuple[str, ...]

    @cached_property
    def world(self) -> World:
        return world_of_parts(self.recipe, self.parts)


def training_scene(name: str) -> TrainingScene:
    """A scene of the benchmark by its name.

    Raises:
        OutOfRangeError: if no such family or shipped scene exists.
    """
    kind, _, seed = name.rpartition("_")
    if not seed.isdigit() or not (kind in FAMILIES or kind.startswith("tile_")):
        known = [*FAMILIES, "tile_munich"]
        raise OutOfRangeError(
            f"no training scene '{name}'; names are FAMILY_SEED, {nearest(kind, known)}"
        )
    rng = np.random.default_rng([int(seed), *kind.encode()])
    recipe, parts = _tile(kind, rng) if kind.startswith("tile_") else _procedural(kind, int(seed))
    furniture = INDOORS if recipe.environment == "indoor" else OUTDOORS
    recipe, parts, movable = _furnished(recipe, parts, furniture, rng)
    recipe = _with_transmitters(recipe, parts, rng)
    movable += tuple(p.name for p in parts.parts if p.name.startswith("car_"))
    return TrainingScene(name, recipe, parts, tuple(dict.fromkeys(movable)))


def box_of(part: Part) -> Box:
    """Lower and upper corner of a part [m], [2, 3]."""
    corners = part.vertices[part.faces].reshape(-1, 3).astype(np.float64)
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def free_places(
    world: World, rng: np.random.Generator, size_m: Any, count: int, area: Any
) -> list[tuple[Floats, float]]:
    """Places (a point on the ground, a yaw in degrees) where a box fits, at most `count`."""
    low, high = np.array(area[:2]), np.array(area[2:])
    tries = 30 * count
    xy = rng.uniform(low, high, (tries, 2))
    yaw = rng.choice([0.0, 90.0], tries) + rng.normal(0, 2, tries)
    z = ground_height_m(world, xy)
    half = np.asarray(size_m) / 2
    signs = np.array([[0, 0], [1, 1], [1, -1], [-1, 1], [-1, -1], [1, 0], [-1, 0], [0, 1], [0, -1]])
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    offset = signs[None] * (half[:2] + 0.25)
    turned = np.stack(
        [
            c[:, None] * offset[..., 0] - s[:, None] * offset[..., 1],
            s[:, None] * offset[..., 0] + c[:, None] * offset[..., 1],
        ],
        -1,
    )
    height = np.nan_to_num(z)[:, None, None] + min(1.0, half[2])
    points = np.concatenate([xy[:, None] + turned, np.broadcast_to(height, (tries, 9, 1))], axis=-1)
    taken = is_inside(world, points.reshape(-1, 3)).reshape(tries, 9).any(axis=1)
    found: list[tuple[Floats, float]] = []
    for i in np.flatnonzero(~taken & np.isfinite(z)):
        if all(
            np.linalg.norm(xy[i] - p[:2]) > 1.2 * np.linalg.norm(half[:2] * 2) for p, _ in found
        ):
            found.append((np.array([*xy[i], z[i]]), float(yaw[i])))
        if len(found) == count:
            break
    return found


def box_table(
    name: str, movable: tuple[str, Any, str, float], place: Floats, yaw_deg: float
) -> dict[str, Any]:
    """The [[object]] table of a movable object at a place on the ground."""
    _, size, material, base = movable
    center = place + np.array([0, 0, base + size[2] / 2])
    return {
        "name": name,
        "shape": "box",
        "material": material,
        "size_m": list(size),
        "center_m": np.round(center, 3).tolist(),
        "yaw_deg": round(yaw_deg, 2),
    }


def _procedural(family: str, seed: int) -> tuple[Recipe, SceneParts]:
    recipe = procedural_recipe(family, seed)
    return recipe, load_parts(start_engine(), recipe)


def _tile(kind: str, rng: np.random.Generator) -> tuple[Recipe, SceneParts]:
    """A square cut out of a shipped scene; small scenes are taken whole."""
    recipe = load_recipe(kind.removeprefix("tile_"))
    found = load_parts(start_engine(), recipe)
    boxes = np.array([box_of(part) for part in found.parts])
    area = np.array(recipe.radio_map.area)
    low, high = area[:2], area[2:]
    if (high - low).max() > 1.5 * TILE_M:
        middle = rng.uniform(low + TILE_M / 2, high - TILE_M / 2)
        low, high = middle - TILE_M / 2, middle + TILE_M / 2
    reach = (boxes[:, 0, :2] < high + _MARGIN_M).all(axis=1)
    reach &= (boxes[:, 1, :2] > low - _MARGIN_M).all(axis=1)
    on: Any = reach
    near = {_structure_of(p.name) for p, is_near in zip(found.parts, on, strict=True) if is_near}
    kept = [
        replace(part, velocity_m_s=(0.0, 0.0, 0.0))
        for part in found.parts
        if _structure_of(part.name) in near or part.name in recipe.geometry.ground
    ]
    used = {part.material for part in kept}
    parts = replace(found, parts=kept, specs={k: v for k, v in found.specs.items() if k in used})
    data = recipe_dict(recipe)
    data["radio_map"] |= {"area": [*low, *high]}
    data["transmitter"] = data["transmitter"][:1]
    return recipe_from_dict(data, recipe.name, recipe.folder), parts


def _structure_of(part: str) -> str:
    """What a part belongs to: maps call the walls and the roof of a house NAME-wall, NAME-roof."""
    return part.rsplit("-", 1)[0]


def _furnished(
    recipe: Recipe, parts: SceneParts, movables: Any, rng: np.random.Generator
) -> tuple[Recipe, SceneParts, tuple[str, ...]]:
    world = world_of_parts(recipe, parts)
    names: list[str] = []
    edits = []
    places = free_places(world, rng, movables[0][1], int(rng.integers(5, 9)), recipe.radio_map.area)
    for place, yaw in places:
        movable = movables[int(rng.integers(len(movables)))]
        table = box_table(f"{movable[0]}_set_{len(names)}", movable, place, yaw)
        edits.append({"kind": "add_object", "object": table})
        names.append(table["name"])
    if edits:
        recipe, parts = apply_edits(edits_from_dict({"edit": edits}), recipe, parts)
    return recipe, parts, tuple(names)


def _with_transmitters(recipe: Recipe, parts: SceneParts, rng: np.random.Generator) -> Recipe:
    """One to three on poles, edges of roofs or a ceiling, looking at the middle of the map."""
    world = world_of_parts(recipe, parts)
    area = np.array(recipe.radio_map.area)
    data = recipe_dict(recipe)
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    data["transmitter"] = [_transmitter(recipe, parts, world, rng, n + 1) for n in range(count)]
    data["receivers"] = {
        "kind": "list",
        "positions_m": [[0, 0, 0]],
        "antenna": {"polarization": "VH"},
    }
    data["solver"] = {"max_depth": 3, "rays": RAYS}
    data["radio_map"]["cell_size_m"] = float(np.sqrt((area[2:] - area[:2]).prod() / NUM_CELLS))
    return recipe_from_dict(data, recipe.name, recipe.folder)


def _transmitter(
    recipe: Recipe, parts: SceneParts, world: World, rng: np.random.Generator, number: int
) -> dict[str, Any]:
    area = np.array(recipe.radio_map.area)
    middle = (area[:2] + area[2:]) / 2
    inner = np.tile(middle, 2) + 0.75 * (area - np.tile(middle, 2))
    if recipe.environment == "indoor":
        top = max(box_of(p)[1, 2] for p in parts.parts)
        place = rng.uniform(inner[:2], inner[2:])
        position = np.array([*place, top - 0.3])
        antenna, tilt = "iso", 0.0
    else:
        position = _outdoor_position(world, parts, recipe, inner, rng)
        antenna = str(rng.choice(["iso", "tr38901", "tr38901"]))
        tilt = float(rng.uniform(3, 18))
    way = middle - position[:2] + rng.normal(0, 8, 2)
    return {
        "name": f"tx_{number}",
        "position_m": np.round(position, 2).tolist(),
        "azimuth_deg": round(float(np.degrees(np.arctan2(way[1], way[0]))), 1),
        "downtilt_deg": round(tilt, 1),
        "power_dbm": 30.0,
        "antenna": {"pattern": antenna, "polarization": "V"},
    }


def _outdoor_position(
    world: World, parts: SceneParts, recipe: Recipe, inner: Any, rng: np.random.Generator
) -> Floats:
    if rng.random() < 0.5:
        boxes = [box_of(p) for p in parts.parts if p.name not in recipe.geometry.ground]
        roofs = [
            b
            for b in boxes
            if b[1, 2] - b[0, 2] > 6
            and (b[0, :2] < inner[2:]).all()
            and (b[1, :2] > inner[:2]).all()
        ]
        if roofs:
            box = roofs[int(rng.integers(len(roofs)))]
            middle = (inner[:2] + inner[2:]) / 2
            spot = np.clip(middle, box[0, :2] + 0.5, box[1, :2] - 0.5)
            if (spot == middle).all():
                spot = np.array([box[1, 0] - 0.5, spot[1]])
            return np.array([*spot, box[1, 2] + rng.uniform(1.5, 4)])
    places = free_places(world, rng, (1.0, 1.0, 2.0), 1, inner)
    if not places:
        middle = (inner[:2] + inner[2:]) / 2
        return np.array([*middle, world.bounds_m[1, 2] + 3])
    return places[0][0] + np.array([0, 0, rng.uniform(5, 11)])
