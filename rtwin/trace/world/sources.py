"""Where a scene's triangles come from: Sionna's scenes, scene files, recipes."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Singles
from rtwin.errors import GeometryError, RecipeError
from rtwin.scene import (
    MaterialSpec,
    Recipe,
    SceneMesh,
    Volume,
    is_vegetation,
    mesh_arrays,
    resolve_file,
    vegetation_volumes,
)
from rtwin.scene.xml_text import checked_xml_text
from rtwin.trace.engine import Engine, start_engine
from rtwin.trace.world.scene_materials import material_spec, without_patterns

_COLORS = {
    "marble": (0.80, 0.74, 0.63),
    "metal": (0.60, 0.63, 0.66),
    "brick": (0.62, 0.33, 0.24),
    "wood": (0.55, 0.40, 0.25),
    "concrete": (0.62, 0.62, 0.60),
    "glass": (0.45, 0.65, 0.75),
    "plasterboard": (0.85, 0.83, 0.78),
    "ceiling_board": (0.92, 0.92, 0.90),
    "asphalt_concrete": (0.35, 0.35, 0.36),
    "ground": (0.45, 0.50, 0.38),
    "terrain": (0.45, 0.50, 0.38),
    "water": (0.30, 0.45, 0.58),
    "vegetation": (0.25, 0.42, 0.20),
    "chipboard": (0.66, 0.52, 0.36),
}


@dataclass(frozen=True)
class Part:
    """One object of a scene: its name, material name, triangles and velocity."""

    name: str
    material: str
    vertices: Singles  # [vertex, 3] m
    faces: NDArray[np.int32]  # [face, 3]
    velocity_m_s: tuple[float, float, float] = (0.0, 0.0, 0.0)


def material_color(name: str) -> tuple[float, float, float]:
    """Colour of a material in pictures (red, green, blue in [0, 1])."""
    for key, color in _COLORS.items():
        if key in name:
            return color
    return (0.7, 0.7, 0.7)


@dataclass(frozen=True)
class SceneParts:
    """What a scene is made of: surfaces for the engine, vegetation beside it."""

    parts: list[Part]
    specs: dict[str, MaterialSpec | None]  # of the parts' materials
    volumes: list[Volume]
    foliage_specs: dict[str, MaterialSpec | None]  # of the volumes' materials


def load_parts(engine: Engine, recipe: Recipe) -> SceneParts:
    """Objects of a recipe's scene and what is said of every material in use.

    Raises:
        GeometryError: if a file cannot be read or holds no triangles.
        RecipeError: if a setting names an object or material that is not there.
    """
    parts, found = _surfaces(engine, recipe)
    volumes = vegetation_volumes(recipe)
    if not any(len(part.faces) for part in parts):
        raise GeometryError(f"scene {recipe.name!r} holds no triangles")
    parts = _with_object_settings(parts, recipe)
    for part, has_area in zip(parts, _have_area(parts), strict=True):
        if not has_area:
            raise GeometryError(
                f"{recipe.name}: object {part.name!r} has no area; scale it or leave it out"
            )
    names = {part.name for part in parts}
    for name in recipe.geometry.ground:
        if name not in names:
            raise RecipeError(
                f"{recipe.name}: geometry.ground names {name!r}, which is no object of the scene"
            )
    leafy = {volume.material for volume in volumes}
    used = {part.material for part in parts} | leafy
    specs = {**found, **recipe.materials}
    for name in recipe.materials:
        if name not in used:
            raise RecipeError(
                f"{recipe.name}: materials.{name} is used by no object; used are "
                f"{', '.join(sorted(used))}"
            )
    return SceneParts(
        parts=_welded([part for part in parts if len(part.faces)]),
        specs={name: specs.get(name) for name in used - leafy},
        volumes=volumes,
        foliage_specs={name: specs.get(name) for name in leafy},
    )


def scene_file_meshes(recipe: Recipe) -> tuple[list[SceneMesh], dict[str, MaterialSpec]]:
    """Objects of a ready-made scene as meshes, and what its file says about materials.

    For looking at a scene without tracing it; the recipe's own settings are applied.

    Raises:
        GeometryError, RecipeError: as load_parts.
    """
    import trimesh

    parts, found = _surfaces(start_engine(), recipe)
    meshes = [
        SceneMesh(
            part.name,
            part.material,
            trimesh.Trimesh(part.vertices, part.faces, process=False),
            part.velocity_m_s,
        )
        for part in _with_object_settings(parts, recipe)
    ]
    return meshes, {**found, **recipe.materials}


def _surfaces(engine: Engine, recipe: Recipe) -> tuple[list[Part], dict[str, MaterialSpec]]:
    """Everything that reflects, and the materials that a scene file brings along."""
    geometry = recipe.geometry
    found: dict[str, MaterialSpec] = {}
    if geometry.sionna is not None:
        parts = _load_file(engine, _sionna_scene_file(engine, geometry.sionna), found)
    elif geometry.file is not None:
        parts = _load_file(engine, resolve_file(recipe.folder, geometry.file), found)
    else:
        parts = [
            Part(item.name, item.material, vertices, faces, item.velocity_m_s)
            for item, (vertices, faces) in zip(recipe.object, mesh_arrays(recipe), strict=True)
            if not is_vegetation(item.material, recipe.materials.get(item.material))
        ]
    return parts, found


def _have_area(parts: list[Part]) -> Bools:
    """Whether any triangle of each part has an area, [part]."""
    corners = np.concatenate([part.vertices[part.faces] for part in parts]).astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    owner = np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts])
    found: Bools = np.bincount(owner, np.any(cross, axis=1), minlength=len(parts)) > 0
    return found


def _with_object_settings(parts: list[Part], recipe: Recipe) -> list[Part]:
    settings = dict(recipe.object_settings)
    result = []
    for part in parts:
        setting = settings.pop(part.name, None)
        if setting is not None:
            part = Part(
                part.name,
                setting.material or part.material,
                part.vertices,
                part.faces,
                setting.velocity_m_s or part.velocity_m_s,
            )
        result.append(part)
    if settings:
        raise RecipeError(
            f"{recipe.name}: object_settings.{next(iter(settings))} names no object of the scene"
        )
    return result


def _sionna_scene_file(engine: Engine, name: str) -> Path:
    file = getattr(engine.rt.scene, name, None)
    if not isinstance(file, str) or not file.endswith(".xml"):
        folder = Path(engine.rt.scene.munich).parent.parent
        known = sorted(p.parent.name for p in folder.glob("*/*.xml"))
        raise RecipeError(f"geometry.sionna is {name!r}; allowed are {', '.join(known)}")
    return Path(file)


def _load_file(engine: Engine, file: Path, found: dict[str, MaterialSpec]) -> list[Part]:
    """Objects of a Mitsuba/Sionna scene file; its materials are added to `found`."""
    text, patterns = without_patterns(checked_xml_text(file))
    mi = engine.mi
    from sionna.rt.scene_utils import process_xml

    outer = mi.file_resolver()
    resolver = mi.FileResolver(outer)
    resolver.append(str(file.parent))
    mi.set_file_resolver(resolver)
    try:
        scene = mi.load_string(process_xml(text, merge_shapes=False), optimize=False)
    except Exception as error:  # the engine raises many kinds for a bad file
        reason = str(error).strip().splitlines()[-1].strip()
        raise GeometryError(f"{file}: the scene could not be loaded ({reason})") from error
    finally:
        mi.set_file_resolver(outer)
    parts: list[Part] = []
    specs: dict[str, MaterialSpec] = {}
    has_triangles: dict[str, bool] = {}
    for shape in scene.shapes():
        if not isinstance(shape, mi.Mesh):
            raise GeometryError(
                f"{file}: shape {shape.id()!r} is no triangle mesh; convert it to PLY"
            )
        bsdf = shape.bsdf()
        material = re.sub(r"^(mat-)?(itu[_-])?", "", bsdf.id())
        if bsdf.id() not in specs:
            pattern = patterns.get(bsdf.id(), {})
            specs[bsdf.id()] = material_spec(engine, bsdf, material, file, pattern)
        found[material] = specs[bsdf.id()]
        kind = shape.class_name()
        if kind not in has_triangles:
            has_triangles[kind] = "vertex_positions" in mi.traverse(shape)
        if not has_triangles[kind]:
            raise GeometryError(
                f"{file}: shape {shape.id()!r} is a {kind.lower()} without triangles "
                "of its own; convert it to PLY"
            )
        vertices = np.array(shape.vertex_positions_buffer(), np.float32).reshape(-1, 3)
        faces = np.array(shape.faces_buffer(), np.int32).reshape(-1, 3)
        parts.append(Part(shape.id().removeprefix("mesh-"), material, vertices, faces))
    return parts


def _welded(parts: list[Part]) -> list[Part]:
    """The parts with equal vertices made one, so that the faces of each share edges.

    Diffraction happens at edges shared by two faces; exporters that write each
    face with its own corners would leave none. All parts at once: a city has thousands.
    """
    count = [len(part.vertices) for part in parts]
    place = np.concatenate([part.vertices for part in parts])
    owner = np.repeat(np.arange(len(parts)), count)
    order = np.lexsort((*place.T[::-1], owner))
    place, owner = place[order], owner[order]
    is_new = np.ones(len(place), bool)
    is_new[1:] = (place[1:] != place[:-1]).any(axis=1) | (owner[1:] != owner[:-1])
    number = np.empty(len(place), np.int64)
    number[order] = np.cumsum(is_new) - 1
    place = place[is_new]
    begin = np.searchsorted(owner[is_new], np.arange(len(parts) + 1))
    old = np.cumsum([0, *count])
    return [
        replace(
            part,
            vertices=place[begin[n] : begin[n + 1]],
            faces=(number[old[n] : old[n + 1]] - begin[n]).astype(np.int32)[part.faces],
        )
        for n, part in enumerate(parts)
    ]
