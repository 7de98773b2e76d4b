"""Where a scene's triangles come from: Sionna's scenes, scene files, recipes."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Singles
from rtwin.errors import GeometryError, RecipeError
from rtwin.scene import (
    MaterialSpec,
    Recipe,
    SceneMesh,
    Volume,
    build_meshes,
    is_vegetation,
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
    for part in parts:
        if not _has_area(part):
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
        parts=[_weld(part) for part in parts if len(part.faces)],
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
            Part(
                m.name,
                m.material,
                np.asarray(m.mesh.vertices, np.float32),
                np.asarray(m.mesh.faces, np.int32),
                m.velocity_m_s,
            )
            for m in build_meshes(recipe)
            if not is_vegetation(m.material, recipe.materials.get(m.material))
        ]
    return parts, found


def _has_area(part: Part) -> bool:
    a, b, c = (part.vertices[part.faces[:, k]].astype(np.float64) for k in range(3))
    return bool(np.any(np.cross(b - a, c - a)))


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
    parts = []
    for shape in scene.shapes():
        if not isinstance(shape, mi.Mesh):
            raise GeometryError(
                f"{file}: shape {shape.id()!r} is no triangle mesh; convert it to PLY"
            )
        bsdf = shape.bsdf()
        material = re.sub(r"^(mat-)?(itu[_-])?", "", bsdf.id())
        pattern = patterns.get(bsdf.id(), {})
        found[material] = material_spec(engine, bsdf, material, file, pattern)
        params = mi.traverse(shape)
        if "vertex_positions" not in params:
            raise GeometryError(
                f"{file}: shape {shape.id()!r} is a {shape.class_name().lower()} without triangles "
                "of its own; convert it to PLY"
            )
        parts.append(
            Part(
                shape.id().removeprefix("mesh-"),
                material,
                np.array(params["vertex_positions"], np.float32).reshape(-1, 3),
                np.array(params["faces"], np.int32).reshape(-1, 3),
            )
        )
    return parts


def _weld(part: Part) -> Part:
    """The part with equal vertices made one, so that its faces share edges.

    Diffraction happens at edges shared by two faces; exporters that write each
    face with its own corners would leave none.
    """
    vertices, index = np.unique(part.vertices, axis=0, return_inverse=True)
    faces = index.reshape(-1).astype(np.int32)[part.faces]
    return Part(part.name, part.material, vertices, faces, part.velocity_m_s)
