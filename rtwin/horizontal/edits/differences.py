"""What differs between two worlds, and where, however they came about."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rtwin.arrays import Floats
from rtwin.scene import Recipe, Transmitter, Volume
from rtwin.trace import Part, SceneParts


@dataclass(frozen=True)
class ObjectChange:
    """An object (a surface or a volume of vegetation) that differs."""

    name: str
    kind: Literal["added", "removed", "moved", "material"]
    old_box_m: Floats | None  # [2, 3], lower and upper corner; None if it is new
    new_box_m: Floats | None  # [2, 3]; None if it is gone

    @property
    def boxes_m(self) -> Floats:
        """The boxes that it fills or filled [m], [box, 2, 3]."""
        return np.stack([b for b in (self.old_box_m, self.new_box_m) if b is not None])


@dataclass(frozen=True)
class TransmitterChange:
    """A transmitter that differs: what is stored about its paths may still be right."""

    name: str
    kind: Literal["added", "removed", "moved", "fed"]  # fed: antenna, bearing or power alone
    distance_m: float = 0.0  # how far it moved


@dataclass(frozen=True)
class Differences:
    """Everything that differs between two worlds."""

    objects: tuple[ObjectChange, ...]
    transmitters: tuple[TransmitterChange, ...]

    def __bool__(self) -> bool:
        return bool(self.objects or self.transmitters)


def differences(old: tuple[Recipe, SceneParts], new: tuple[Recipe, SceneParts]) -> Differences:
    """What an edited world has that the one before had not, and the other way round.

    Args:
        old: Recipe and parts before.
        new: Recipe and parts after, as apply_edits gives them.
    Checked by tests/horizontal/edits/test_edits.py.
    """
    return Differences(
        objects=tuple(_object_changes(old[1], new[1])),
        transmitters=tuple(_transmitter_changes(old[0], new[0])),
    )


def _object_changes(old: SceneParts, new: SceneParts) -> list[ObjectChange]:
    before, after = _objects(old), _objects(new)
    specs = {**old.specs, **old.foliage_specs}, {**new.specs, **new.foliage_specs}
    changes = []
    for name in [*before, *(n for n in after if n not in before)]:
        a, b = before.get(name), after.get(name)
        if b is None:
            changes.append(ObjectChange(name, "removed", _box(a), None))
        elif a is None:
            changes.append(ObjectChange(name, "added", None, _box(b)))
        elif a is not b and (
            type(a) is not type(b) or not np.array_equal(_corners(a), _corners(b))
        ):
            changes.append(ObjectChange(name, "moved", _box(a), _box(b)))
        elif a.material != b.material or specs[0].get(a.material) != specs[1].get(b.material):
            changes.append(ObjectChange(name, "material", _box(a), _box(b)))
    return changes


def _transmitter_changes(old: Recipe, new: Recipe) -> list[TransmitterChange]:
    before = {device.name: device for device in old.transmitter}
    after = {device.name: device for device in new.transmitter}
    changes = []
    for name in [*before, *(n for n in after if n not in before)]:
        if name not in after:
            changes.append(TransmitterChange(name, "removed"))
        elif name not in before:
            changes.append(TransmitterChange(name, "added"))
        elif before[name] != after[name]:
            distance = _distance_m(before[name], after[name])
            kind: Literal["moved", "fed"] = "moved" if distance > 0 else "fed"
            changes.append(TransmitterChange(name, kind, distance))
    return changes


def _objects(found: SceneParts) -> dict[str, Part | Volume]:
    objects: list[Part | Volume] = [*found.parts, *found.volumes]
    return {item.name: item for item in objects}


def _corners(item: Part | Volume | None) -> Floats:
    """Corners of the triangles of a part, of a volume those of its box's floor and roof."""
    assert item is not None
    if isinstance(item, Volume):
        outline = np.asarray(item.outline_m, np.float64)
        floor = np.column_stack([outline, np.full(len(outline), item.base_m)])
        roof = floor + np.array([0, 0, item.top_m - item.base_m])
        return np.concatenate([floor, roof])
    return item.vertices[item.faces].reshape(-1, 3).astype(np.float64)


def _box(item: Part | Volume | None) -> Floats:
    corners = _corners(item)
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def _distance_m(old: Transmitter, new: Transmitter) -> float:
    return float(np.linalg.norm(np.subtract(new.position_m, old.position_m)))
