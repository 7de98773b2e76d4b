"""The world after some edits.

Edits are applied in their order to a scene's parts, whatever they came from: a
recipe's own objects, a ready-made scene, a built map. The recipe of the edited
world has the edited transmitters; its [[object]] tables stay those of the start.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rtwin.errors import EditError, RtwinError, nearest
from rtwin.scene import (
    MATERIAL_NAMES,
    AddObject,
    AddTransmitter,
    Edits,
    MaterialSpec,
    MoveObject,
    MoveTransmitter,
    Recipe,
    RemoveObject,
    RemoveTransmitter,
    SetFrequency,
    SetMaterial,
    SetTransmitter,
    Transmitter,
    build_meshes,
    edits_from_dict,
    is_vegetation,
    recipe_dict,
    recipe_from_dict,
    vegetation_volumes,
)
from rtwin.trace.engine import start_engine
from rtwin.trace.world.sources import Part, SceneParts, load_parts
from rtwin.trace.world.world import World, world_of_parts


def apply_edits(edits: Edits, recipe: Recipe, found: SceneParts) -> tuple[Recipe, SceneParts]:
    """The world after the edits.

    Args:
        edits: What changed.
        recipe: The recipe before.
        found: The scene's parts before, as rtwin.trace.load_parts gives them; not changed.
    Returns:
        Recipe and parts after; rtwin.trace.world_of_parts makes a world of them.
    Raises:
        EditError: if an edit names what is not there, adds what is there already or
            leaves no transmitter or surface.
    Checked by tests/horizontal/edits/test_edits.py.
    """
    world = _Edited(recipe, found, edits.materials)
    for number, edit in enumerate(edits.edit):
        try:
            world.apply(edit)
        except RtwinError as error:
            raise EditError(f"edit[{number}] ({edit.kind}): {error}") from None
    return world.result()


def edited_world(base: Recipe, edits: Sequence[dict[str, Any]], recipe: Recipe) -> World:
    """The world of a recipe whose objects are those of another one after some edits.

    Args:
        base: Has the objects as they were at first.
        edits: What changed since, in order, each the tables of an edits file.
        recipe: All else: transmitters, frequency, solver.
    Raises:
        EditError, GeometryError, RecipeError: as apply_edits and load_world.
    """
    objects = base, load_parts(start_engine(), base)
    for tables in edits:
        objects = apply_edits(edits_from_dict(tables), *objects)
    return world_of_parts(recipe, objects[1])


class _Edited:
    """A world under way: parts and volumes by name, the recipe as plain data."""

    def __init__(
        self, recipe: Recipe, found: SceneParts, materials: dict[str, MaterialSpec]
    ) -> None:
        self._recipe = recipe
        self._data = recipe_dict(recipe)
        self._data["materials"] |= {
            name: spec.model_dump(mode="json", exclude_none=True)
            for name, spec in materials.items()
        }
        self._parts = {part.name: part for part in found.parts}
        self._volumes = {volume.name: volume for volume in found.volumes}
        self._specs = {**found.specs, **found.foliage_specs, **materials}

    def apply(self, edit: Any) -> None:
        match edit:
            case MoveObject():
                self._move(edit)
            case RemoveObject():
                name = self._known_object(edit.object)
                if name in self._recipe.geometry.ground:
                    raise EditError(f"'{name}' is the ground, which cannot be removed")
                self._parts.pop(name, None)
                self._volumes.pop(name, None)
            case AddObject():
                self._add(edit.object)
            case SetMaterial():
                self._set_material(edit)
            case MoveTransmitter() | SetTransmitter() | AddTransmitter() | RemoveTransmitter():
                self._edit_transmitter(edit)
            case SetFrequency():
                self._data["frequency_hz"] = edit.frequency_hz

    def result(self) -> tuple[Recipe, SceneParts]:
        if not self._parts:
            raise EditError("the edits leave no surface in the scene")
        parts, volumes = list(self._parts.values()), list(self._volumes.values())
        leafy = {volume.material for volume in volumes}
        used = {part.material for part in parts}
        try:
            recipe = recipe_from_dict(self._data, self._recipe.name, self._recipe.folder)
        except RtwinError as error:
            raise EditError(f"after the edits: {error}") from None
        return recipe, SceneParts(
            parts=parts,
            specs={name: self._specs.get(name) for name in used},
            volumes=volumes,
            foliage_specs={name: self._specs.get(name) for name in leafy},
        )

    def _move(self, edit: MoveObject) -> None:
        name = self._known_object(edit.object)
        if name in self._parts:
            part = self._parts[name]
            moved = edit.moved(part.vertices.astype(np.float64))
            self._parts[name] = replace(part, vertices=moved.astype(np.float32))
        if name in self._volumes:
            volume = self._volumes[name]
            self._volumes[name] = replace(
                volume,
                polygon=_moved_outline(volume.polygon, edit),
                base_m=volume.base_m + edit.by_m[2],
                top_m=volume.top_m + edit.by_m[2],
            )

    def _add(self, item: Any) -> None:
        if item.name in self._parts or item.name in self._volumes:
            raise EditError(f"object '{item.name}' is there already; give the new one another name")
        self._check_material(item.material)
        # A recipe of this one object: shapes and vegetation are made where recipes make them.
        spec = self._specs.get(item.material)
        alone = {
            "title": item.name,
            "frequency_hz": self._recipe.frequency_hz,
            "object": [item.model_dump(mode="json", exclude_none=True)],
            "transmitter": [{"name": "tx", "position_m": [0, 0, 0]}],
        }
        if spec is not None:
            alone["materials"] = {item.material: spec.model_dump(mode="json", exclude_none=True)}
        recipe = recipe_from_dict(alone, item.name, self._recipe.folder)
        if is_vegetation(item.material, spec):
            self._volumes[item.name] = vegetation_volumes(recipe)[0]
            return
        made = build_meshes(recipe)[0]
        self._parts[item.name] = Part(
            made.name,
            made.material,
            np.asarray(made.mesh.vertices, np.float32),
            np.asarray(made.mesh.faces, np.int32),
            made.velocity_m_s,
        )

    def _set_material(self, edit: SetMaterial) -> None:
        name = self._known_object(edit.object)
        self._check_material(edit.material)
        leafy = is_vegetation(edit.material, self._specs.get(edit.material))
        if leafy != (name in self._volumes):
            raise EditError(
                f"'{name}' cannot turn from {'vegetation' if not leafy else 'a solid'} into "
                f"{edit.material!r}; remove it and add another object"
            )
        if leafy:
            self._volumes[name] = replace(self._volumes[name], material=edit.material)
        else:
            self._parts[name] = replace(self._parts[name], material=edit.material)

    def _edit_transmitter(self, edit: Any) -> None:
        devices = self._data["transmitter"]
        if isinstance(edit, AddTransmitter):
            if any(device["name"] == edit.transmitter.name for device in devices):
                raise EditError(
                    f"transmitter '{edit.transmitter.name}' is there already; "
                    "give the new one another name"
                )
            devices.append(edit.transmitter.model_dump(mode="json", exclude_none=True))
            return
        names = [device["name"] for device in devices]
        if edit.transmitter not in names:
            hint = nearest(edit.transmitter, names)
            raise EditError(f"no transmitter '{edit.transmitter}'; {hint}")
        device = devices[names.index(edit.transmitter)]
        match edit:
            case RemoveTransmitter():
                if len(devices) == 1:
                    raise EditError(f"'{edit.transmitter}' is the only transmitter; one must stay")
                devices.remove(device)
            case MoveTransmitter(by_m=None):
                device["position_m"] = list(edit.to_m or ())
            case MoveTransmitter():
                device["position_m"] = np.add(device["position_m"], edit.by_m or 0).tolist()
            case SetTransmitter():
                if device.get("look_at_m") and {"azimuth_deg", "downtilt_deg"} & set(edit.values):
                    # A new bearing replaces the look at a point; what is not said stays.
                    yaw, pitch, _ = Transmitter.model_validate(device).orientation_rad
                    del device["look_at_m"]
                    device["azimuth_deg"] = float(np.degrees(yaw))
                    device["downtilt_deg"] = float(np.degrees(pitch))
                device |= edit.values

    def _known_object(self, name: str) -> str:
        known = [*self._parts, *self._volumes]
        if name not in known:
            raise EditError(f"no object '{name}'; {nearest(name, known[:1000])}")
        return name

    def _check_material(self, name: str) -> None:
        known = [*self._data["materials"], *self._specs, *MATERIAL_NAMES]
        if name not in known and not is_vegetation(name, None):
            raise EditError(f"unknown material '{name}'; {nearest(name, known)}")


def _moved_outline(polygon: Any, edit: MoveObject) -> Any:
    from shapely import affinity

    turned = affinity.rotate(polygon, edit.yaw_deg, origin="center") if edit.yaw_deg else polygon
    return affinity.translate(turned, *edit.by_m[:2])
