"""What befalls a world: changes drawn at random, wider than what a twin rehearses.

Their parameters are continuous, materials and sizes are not those of the library,
two may come at once, and some are of no kind that is rehearsed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.horizontal.learned.worlds.scenes import (
    INDOORS,
    OUTDOORS,
    TrainingScene,
    box_of,
    box_table,
    free_places,
)
from rtwin.horizontal.rehearsal import Enumeration
from rtwin.horizontal.twin import TwinState

# Percent of the draws of each class.
MIX = {
    "moved": 14,
    "gone": 13,
    "added": 15,
    "material": 13,
    "tx_moved": 10,
    "tx_fed": 6,
    "two": 17,
    "outside": 8,
    "null": 4,
}
SINGLE = ("moved", "gone", "added", "material", "tx_moved", "tx_fed")
MATERIALS = ("brick", "concrete", "metal", "glass", "wood", "marble")
_TRIES = 12


@dataclass(frozen=True)
class Truth:
    """What happened: its class, its edit tables, and the objects and transmitters it is of."""

    kind: str  # a key of MIX
    tables: tuple[dict[str, Any], ...]
    subjects: tuple[str, ...] = ()


class Fate:
    """Draws what befalls a scene; the same seed gives the same."""

    def __init__(self, scene: TrainingScene, state: TwinState, seed: int) -> None:
        self._scene, self._state = scene, state
        self._rng = np.random.default_rng(seed)
        self._indoor = scene.recipe.environment == "indoor"
        # Structures that matter, by the power that they carry.
        known = Enumeration(state)
        self._heard, self._members = known.ranked[:40], known.members
        self._count = 0

    def draw(self) -> Truth:
        """One change, of a class drawn by MIX."""
        odds = np.array(list(MIX.values()), float)
        kind = str(self._rng.choice(list(MIX), p=odds / odds.sum()))
        if kind == "null":
            return Truth("null", ())
        if kind == "outside":
            return self._outside()
        if kind == "two":
            first, second = self._single(), self._single()
            if first and second and not set(first.subjects) & set(second.subjects):
                return Truth("two", first.tables + second.tables, first.subjects + second.subjects)
            return first or second or Truth("null", ())
        return self._single(kind) or Truth("null", ())

    def _single(self, kind: str | None = None) -> Truth | None:
        kinds = SINGLE if kind is None else (kind,)
        for _ in range(4):
            chosen = str(self._rng.choice(kinds))
            found: Truth | None = getattr(self, f"_{chosen}")()
            if found is not None:
                return found
        return None

    def _structure(self) -> str | None:
        if not self._heard:
            return None
        odds = 1.0 / (2.0 + np.arange(len(self._heard)))
        return str(self._rng.choice(self._heard, p=odds / odds.sum()))

    def _gone(self) -> Truth | None:
        movable = [n for n in self._scene.movable if n in self._members]
        name = self._structure()
        if movable and self._rng.random() < 0.4:
            name = str(self._rng.choice(movable))
        if name is None:
            return None
        tables = tuple({"kind": "remove_object", "object": n} for n in self._members[name])
        return Truth("gone", tables, (name,))

    def _material(self) -> Truth | None:
        name = self._structure()
        parts = {part.name: part for part in self._state.parts.parts}
        members = [n for n in self._members.get(name or "", ()) if n in parts]
        walls = [n for n in members if not n.endswith("roof")]
        if name is None or not walls:
            return None
        options = [m for m in MATERIALS if m != parts[walls[0]].material]
        material = str(self._rng.choice(options))
        tables = tuple({"kind": "set_material", "object": n, "material": material} for n in walls)
        return Truth("material", tables, (name,))

    def _moved(self) -> Truth | None:
        names = [n for n in self._scene.movable if n in self._members]
        if not names:
            return None
        name = str(self._rng.choice(names))
        boxes = {p.name: box_of(p) for p in self._state.parts.parts}
        if name not in boxes:
            return None
        apart = {name, *self._scene.recipe.geometry.ground}
        others = np.array([box for other, box in boxes.items() if other not in apart])
        area = np.array(self._scene.recipe.radio_map.area)
        for _ in range(_TRIES):
            far = self._rng.uniform(0.3, 1) * (3.0 if self._indoor else 14.0)
            turn = self._rng.uniform(0, 2 * np.pi)
            by = np.array([far * np.cos(turn), far * np.sin(turn), 0.0])
            box = boxes[name] + by
            out = (box[0, :2] < area[:2]).any() or (box[1, :2] > area[2:]).any()
            meets = ((others[:, 0] < box[1]) & (others[:, 1] > box[0])).all(axis=1).any()
            if not out and not meets:
                table: dict[str, Any] = {"kind": "move_object", "object": name}
                table["by_m"] = np.round(by, 2).tolist()
                if self._rng.random() < 0.3:
                    table["yaw_deg"] = round(float(self._rng.normal(0, 20)), 1)
                return Truth("moved", (table,), (name,))
        return None

    def _added(self) -> Truth | None:
        movables: Any = INDOORS if self._indoor else OUTDOORS
        movable = movables[int(self._rng.integers(len(movables)))]
        if not self._indoor and self._rng.random() < 0.35:
            size = tuple(np.round(self._rng.uniform([5, 5, 4], [15, 15, 16]), 1).tolist())
            movable = ("house", size, str(self._rng.choice(MATERIALS)), -0.5)
        places = free_places(
            self._scene.world, self._rng, movable[1], 1, self._scene.recipe.radio_map.area
        )
        if not places:
            return None
        self._count += 1
        table = box_table(f"truth_{self._count}", movable, *places[0])
        return Truth("added", ({"kind": "add_object", "object": table},), (table["name"],))

    def _tx_moved(self) -> Truth | None:
        device = self._device()
        reach = 2.0 if self._indoor else 10.0
        far, turn = reach * self._rng.uniform(0.1, 1), self._rng.uniform(0, 2 * np.pi)
        up = 0.0 if self._indoor else self._rng.normal(0, 0.5)
        by = np.round([far * np.cos(turn), far * np.sin(turn), up], 2).tolist()
        table = {"kind": "move_transmitter", "transmitter": device.name, "by_m": by}
        return Truth("tx_moved", (table,), (device.name,))

    def _tx_fed(self) -> Truth | None:
        device = self._device()
        if device.antenna.pattern != "tr38901":
            return None
        yaw, tilt = np.degrees(device.orientation_rad[:2]) + self._rng.normal(0, [25, 6])
        table: dict[str, Any] = {"kind": "set_transmitter", "transmitter": device.name}
        table |= {"azimuth_deg": round(float(yaw), 1), "downtilt_deg": round(float(tilt), 1)}
        return Truth("tx_fed", (table,), (device.name,))

    def _device(self) -> Any:
        devices = self._state.recipe.transmitter
        return devices[int(self._rng.integers(len(devices)))]

    def _outside(self) -> Truth:
        """Of no kind that is rehearsed: a long hoarding, the ground itself, four changes."""
        which = self._rng.integers(3)
        ground = self._scene.recipe.geometry.ground
        if which == 0 and ground:
            material = str(self._rng.choice(["metal", "wood"]))
            table = {"kind": "set_material", "object": ground[0], "material": material}
            return Truth("outside", (table,), (ground[0],))
        if which == 1 and not self._indoor:
            size = (float(self._rng.uniform(15, 35)), 0.3, float(self._rng.uniform(2.5, 6)))
            hoarding = ("hoarding", size, "metal", 0.02)
            places = free_places(
                self._scene.world, self._rng, size, 1, self._scene.recipe.radio_map.area
            )
            if places:
                self._count += 1
                box = box_table(f"truth_{self._count}", hoarding, *places[0])
                return Truth("outside", ({"kind": "add_object", "object": box},), (box["name"],))
        tables: list[dict[str, Any]] = []
        subjects: list[str] = []
        for _ in range(12):
            one = self._single()
            if one is not None and not set(one.subjects) & set(subjects):
                tables += one.tables
                subjects += one.subjects
            if len(subjects) == 4:
                break
        return Truth("outside", tuple(tables), tuple(subjects))


def perturbed_tables(scene: TrainingScene, state: TwinState, seed: int) -> list[dict[str, Any]]:
    """Edits that make a truth of a twin: other materials, and meshes a little elsewhere."""
    rng = np.random.default_rng(seed)
    ground = set(scene.recipe.geometry.ground)
    tables: list[dict[str, Any]] = []
    for part in state.parts.parts:
        if part.name in ground:
            continue
        if rng.random() < 0.3:
            material = str(rng.choice([m for m in MATERIALS if m != part.material]))
            tables.append({"kind": "set_material", "object": part.name, "material": material})
        if rng.random() < 0.5:
            by = np.round([*rng.normal(0, 0.25, 2), 0.0], 3).tolist()
            tables.append({"kind": "move_object", "object": part.name, "by_m": by})
    return tables
