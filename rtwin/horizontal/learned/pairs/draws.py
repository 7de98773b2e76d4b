"""Edits drawn at random, by class."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.horizontal.learned.pairs.observed import ObservedMap
from rtwin.horizontal.learned.pairs.scenes import (
    INDOORS,
    OUTDOORS,
    Box,
    TrainingScene,
    box_of,
    box_table,
    free_places,
)

# Percent of the draws of each class.
MIX = {
    "move_object": 30,
    "add_remove": 17,
    "building": 10,
    "material": 13,
    "door": 5,
    "feed": 8,
    "move_transmitter": 10,
    "null": 7,
}
_MATERIALS = ("brick", "concrete", "metal", "glass", "wood", "marble")
_SEPARATION_M = 3.0


@dataclass(frozen=True)
class DrawnEdit:
    """An edit: its class, its tables, and whose it is."""

    kind: str  # a key of MIX
    tables: tuple[dict[str, Any], ...]
    target: str = ""  # the object's name in ObjectTable, "" for a new one or a transmitter
    power_db: float = 0.0  # by how much the transmitter is fed more; part of the path gain here


def draw_edit(scene: TrainingScene, before: ObservedMap, rng: np.random.Generator) -> DrawnEdit:
    """One edit of a scene, of a class drawn by MIX; the same generator state gives the same."""
    indoor = scene.recipe.environment == "indoor"
    odds = np.array([float(v) for v in MIX.values()])
    kind = str(rng.choice(list(MIX), p=odds / odds.sum()))
    if kind == "door" and not any("door" in name for name in scene.structures):
        kind = "move_object"
    if indoor and kind == "building":
        kind = "add_remove"
    made = _DRAW[kind](scene, before, rng)
    # Where there is no room or nothing to move, nothing changes.
    return made or DrawnEdit("null", ())


def _move_object(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator
) -> DrawnEdit | None:
    if not scene.movable:
        return None
    name = str(rng.choice(scene.movable))
    reach = 3.0 if scene.recipe.environment == "indoor" else 14.0
    box = _box_of(scene, name)
    for _ in range(12):
        distance, turn = rng.uniform(0.25, 1) * reach, rng.uniform(0, 2 * np.pi)
        by = np.array([distance * np.cos(turn), distance * np.sin(turn)])
        if _is_free(scene, before, box + np.array([*by, 0.0]), name):
            table: dict[str, Any] = {
                "kind": "move_object",
                "object": name,
                "by_m": [*np.round(by, 2), 0.0],
            }
            if rng.random() < 0.3:
                table["yaw_deg"] = round(float(rng.normal(0, 20)), 1)
            return DrawnEdit("move_object", (table,), name)
    return None


def _add_remove(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator
) -> DrawnEdit | None:
    if scene.movable and rng.random() < 0.45:
        name = str(rng.choice(scene.movable))
        return DrawnEdit("add_remove", ({"kind": "remove_object", "object": name},), name)
    movables = INDOORS if scene.recipe.environment == "indoor" else OUTDOORS
    movable = movables[int(rng.integers(len(movables)))]
    places = free_places(before.world, rng, movable[1], 1, scene.recipe.radio_map.area)
    if not places:
        return None
    table = box_table("new_object", movable, *places[0])
    return DrawnEdit("add_remove", ({"kind": "add_object", "object": table},))


def _building(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator
) -> DrawnEdit | None:
    name = _heard(scene, before, rng, power=0.5)
    if name is not None and rng.random() < 0.6:
        tables = [{"kind": "remove_object", "object": n} for n in scene.structures[name]]
        return DrawnEdit("building", tuple(tables), name)
    size = tuple(np.round(rng.uniform([6, 6, 5], [14, 14, 18]), 1))
    movable = ("house", size, str(rng.choice(_MATERIALS)), -0.5)
    places = free_places(before.world, rng, size, 1, scene.recipe.radio_map.area)
    tx = np.array(scene.recipe.transmitter[0].position_m)
    if not places or np.linalg.norm(places[0][0][:2] - tx[:2]) < max(size) + _SEPARATION_M:
        return None
    table = box_table("new_object", movable, *places[0])
    return DrawnEdit("building", ({"kind": "add_object", "object": table},))


def _material(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator
) -> DrawnEdit | None:
    name = _heard(scene, before, rng, power=1.0)
    if name is None:
        return None
    parts = {part.name: part.material for part in scene.parts.parts}
    members = scene.structures[name]
    walls = [n for n in members if not n.endswith("roof")] or list(members)
    others = [m for m in _MATERIALS if m != parts[walls[0]]]
    material = str(rng.choice(others))
    tables = [{"kind": "set_material", "object": n, "material": material} for n in walls]
    return DrawnEdit("material", tuple(tables), name)


def _door(scene: TrainingScene, before: ObservedMap, rng: np.random.Generator) -> DrawnEdit | None:
    doors = [name for name in scene.structures if "door" in name]
    if not doors:
        return None
    name = str(rng.choice(doors))
    part = scene.structures[name][0]
    if rng.random() < 0.5:  # wide open: the leaf stands across
        box = _box_of(scene, part)
        half = float(np.max(box[1, :2] - box[0, :2])) / 2
        by = [half, half, 0.0] if rng.random() < 0.5 else [half, -half, 0.0]
        table = {"kind": "move_object", "object": part, "by_m": by, "yaw_deg": 88.0}
    elif rng.random() < 0.5:
        table = {"kind": "remove_object", "object": part}
    else:
        table = {"kind": "set_material", "object": part, "material": "metal"}
    return DrawnEdit("door", (table,), name)


def _feed(scene: TrainingScene, before: ObservedMap, rng: np.random.Generator) -> DrawnEdit | None:
    tx = scene.recipe.transmitter[0]
    power = round(float(rng.choice([-1, 1]) * rng.uniform(2, 8)), 1)
    if tx.antenna.pattern == "iso" or rng.random() < 0.25:
        table: dict[str, Any] = {"power_dbm": tx.power_dbm + power}
    else:
        power = 0.0
        table = {"downtilt_deg": (tx.downtilt_deg or 0.0) + round(float(rng.normal(0, 6)), 1)}
        if rng.random() < 0.5:
            table["azimuth_deg"] = (tx.azimuth_deg or 0.0) + round(float(rng.normal(0, 20)), 1)
    table |= {"kind": "set_transmitter", "transmitter": tx.name}
    return DrawnEdit("feed", (table,), power_db=power)


def _move_transmitter(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator
) -> DrawnEdit | None:
    from rtwin.trace import is_inside

    tx = scene.recipe.transmitter[0]
    reach = 2.0 if scene.recipe.environment == "indoor" else 10.0
    for _ in range(12):
        distance, turn = reach * rng.uniform(0.05, 1) ** 1.5, rng.uniform(0, 2 * np.pi)
        up = 0.0 if scene.recipe.environment == "indoor" else rng.normal(0, 0.5)
        by = np.round([distance * np.cos(turn), distance * np.sin(turn), up], 2)
        new = np.array(tx.position_m) + by
        if not is_inside(before.world, new[None])[0]:
            table = {"kind": "move_transmitter", "transmitter": tx.name, "by_m": by.tolist()}
            return DrawnEdit("move_transmitter", (table,))
    return None


def _null(scene: TrainingScene, before: ObservedMap, rng: np.random.Generator) -> DrawnEdit:
    return DrawnEdit("null", ())


_DRAW: dict[str, Any] = {
    "move_object": _move_object,
    "add_remove": _add_remove,
    "building": _building,
    "material": _material,
    "door": _door,
    "feed": _feed,
    "move_transmitter": _move_transmitter,
    "null": _null,
}


def _heard(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator, power: float
) -> str | None:
    """A house or wall, drawn by the power that it carries to this power."""
    table = before.objects
    carried = (table.reflected + table.passed).sum(axis=0)
    odds = np.array(
        [c if n in scene.structures else 0.0 for n, c in zip(table.names, carried, strict=True)]
    )
    odds = np.where(odds > 0.5, odds, 0.0) ** power
    odds[np.array([n not in scene.structures for n in table.names])] = 0.0
    if odds.sum() <= 0:
        return None
    return str(rng.choice(table.names, p=odds / odds.sum()))


def _box_of(scene: TrainingScene, name: str) -> Box:
    from rtwin.horizontal.learned.pairs.observed import volume_box

    for part in scene.parts.parts:
        if part.name == name:
            return box_of(part)
    return volume_box(next(v for v in scene.parts.volumes if v.name == name))


def _is_free(scene: TrainingScene, before: ObservedMap, box: Box, name: str) -> bool:
    """Whether a box meets no other box of the scene, nor leaves the map."""
    area = np.array(scene.recipe.radio_map.area)
    if (box[0, :2] < area[:2]).any() or (box[1, :2] > area[2:]).any():
        return False
    ground = set(scene.recipe.geometry.ground)
    others = [box_of(p) for p in scene.parts.parts if p.name != name and p.name not in ground]
    others += [_box_of(scene, v.name) for v in scene.parts.volumes if v.name != name]
    shape = np.array(others)
    if not len(shape):
        return True
    overlap = (shape[:, 0] < box[1]) & (shape[:, 1] > box[0])
    return not bool(overlap.all(axis=1).any())
