"""A scene as the engine sees it: loaded once, asked many times.

Shapes are grouped by material and velocity (a city of thousands of shapes is
slow to trace, and Sionna's own merging forgets which object a triangle belongs
to), so every triangle gets one number that never changes for a scene:
`triangle`. Objects, materials and planes are looked up from it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints, Singles, Unsigned
from rtwin.scene import (
    Foliage,
    Material,
    MaterialSpec,
    Recipe,
    Volume,
    foliage,
    material_properties,
    recipe_dict,
    recipe_from_dict,
)
from rtwin.trace.diffraction import edge_material
from rtwin.trace.engine import Engine, engine_values, start_engine
from rtwin.trace.world.ground import on_ground
from rtwin.trace.world.planes import Planes
from rtwin.trace.world.sources import Part, SceneParts, load_parts, material_color
from rtwin.trace.world.triangles import Triangles, triangle_table

ORIGIN_STEP_M = 512.0


@dataclass(frozen=True)
class World:
    """A loaded scene with its lookup tables."""

    engine: Engine
    recipe: Recipe
    scene: Any  # sionna.rt.Scene
    radio_materials: dict[str, Any]  # sionna.rt.RadioMaterial by name
    triangles: Triangles
    planes: Planes
    object_names: tuple[str, ...]
    material_names: tuple[str, ...]
    material_specs: dict[str, MaterialSpec | None]
    materials: dict[str, Material]  # at the recipe's frequency
    volumes: tuple[Volume, ...]  # vegetation, which the engine does not know
    foliage_specs: dict[str, MaterialSpec | None]
    foliage: dict[str, Foliage]  # at the recipe's frequency
    ground: frozenset[int]  # indices of the objects that are the ground
    origin_m: Floats  # [3], where the engine has its zero
    first_triangle: Any  # mi.UInt32, by the engine's shape number
    geometry_hash: str
    scene_hash: str

    def at_frequency(self, frequency_hz: float) -> "World":
        """The same scene at another frequency [Hz], without loading it again.

        The engine's scene is one and the same and is changed: only the world that
        was returned last may be traced or evaluated in.

        Raises:
            RecipeError, MaterialRangeError: if the frequency or a material at it is impossible.
        """
        data = recipe_dict(self.recipe) | {"frequency_hz": frequency_hz}
        recipe = recipe_from_dict(data, self.recipe.name, self.recipe.folder)
        materials = _materials_at(self.material_specs, frequency_hz)
        leaves = _foliage_at(self.foliage_specs, frequency_hz)
        self.scene.frequency = frequency_hz
        for name, material in materials.items():
            set_values(self.engine, self.radio_materials[name], material)
        return replace(
            self,
            recipe=recipe,
            materials=materials,
            foliage=leaves,
            scene_hash=_scene_hash(self.geometry_hash, {**materials, **leaves}),
        )

    @property
    def mi_scene(self) -> Any:
        return self.scene.mi_scene

    def triangle_of(self, hit: Any, active: Any) -> Any:
        """Triangle numbers of the engine's surface interactions, mi.UInt32."""
        mi, dr = self.engine.mi, self.engine.dr
        shape = dr.reinterpret_array(mi.UInt, hit.shape)
        return dr.gather(mi.UInt, self.first_triangle, shape, active) + hit.prim_index

    def places(self, values_m: Any) -> Any:
        """Places of the scene [n, 3] m as the engine's points, counted from `origin_m`."""
        if not self.origin_m.any():
            return self.points(values_m)
        return self.points(np.asarray(values_m, np.float64) - self.origin_m)

    def from_engine(self, values: Any, rows: Ints | slice = slice(None)) -> Floats:
        """Places that the engine found, its points, in the scene [m], [n, 3]; or rows of them."""
        found: Floats = values.numpy()[:, rows].T + self.origin_m
        return found

    def points(self, values: Any) -> Any:
        """Rows of an array [n, 3], such as directions, as the engine has them: in float32."""
        columns = np.asarray(values, np.float32).T
        return self.engine.mi.Point3f(
            *(self.engine.opaque(np.ascontiguousarray(column)) for column in columns)
        )

    def color_of(self, material: str) -> tuple[float, float, float]:
        """Colour of a material in pictures, red, green and blue in [0, 1]."""
        return material_color(_kind_of(material, self.recipe))

    @cached_property
    def is_opaque(self) -> Bools:
        """Whether nothing passes through each triangle: the surface of a half-space."""
        of_material = [self.materials[name].is_half_space for name in self.material_names]
        return np.array(of_material, bool)[self.triangles.material]

    @cached_property
    def bounds_m(self) -> Floats:
        """Lower and upper corner of the scene [m], [2, 3]."""
        corners = self.triangles.vertices.reshape(-1, 3).astype(np.float64)
        return np.stack([corners.min(axis=0), corners.max(axis=0)])


def load_world(recipe: Recipe) -> World:
    """Load a recipe's scene into the engine.

    Raises:
        GeometryError: if a scene file cannot be read.
        RecipeError, MaterialRangeError: if a material is unknown or asked for
            outside its frequency range.
    """
    return world_of_parts(recipe, load_parts(start_engine(), recipe))


def world_of_parts(recipe: Recipe, found: SceneParts) -> World:
    """Load a scene whose objects were read before, perhaps on another machine.

    Args:
        recipe: What to trace; its files are not opened.
        found: Its objects and what is said of their materials, as load_parts gives them.
    Raises:
        RecipeError, MaterialRangeError: if a material is unknown or asked for
            outside its frequency range.
    """
    engine = start_engine()
    parts = found.parts
    recipe = on_ground(recipe, parts)
    materials = _materials_at(found.specs, recipe.frequency_hz)
    leaves = _foliage_at(found.foliage_specs, recipe.frequency_hz)
    groups = _groups(parts)
    material_names = tuple(sorted(materials))
    radio_materials = {
        name: _radio_material(engine, f"material-{number}", name, recipe, material)
        for number, (name, material) in enumerate(sorted(materials.items()))
    }
    origin_m = _origin_m(parts)
    scene = _build_scene(engine, recipe, groups, parts, radio_materials, origin_m)
    shapes = {shape.id(): shape for shape in scene.mi_scene.shapes()}
    table, planes, first_triangle = triangle_table(engine, groups, parts, shapes, material_names)
    object_names = tuple(part.name for part in parts)
    geometry_hash = _geometry_hash(parts, found.volumes)
    return World(
        engine=engine,
        recipe=recipe,
        scene=scene,
        radio_materials=radio_materials,
        triangles=table,
        planes=planes,
        object_names=object_names,
        material_names=material_names,
        material_specs=found.specs,
        materials=materials,
        volumes=tuple(found.volumes),
        foliage_specs=found.foliage_specs,
        foliage=leaves,
        ground=frozenset(
            i for i, name in enumerate(object_names) if name in recipe.geometry.ground
        ),
        origin_m=origin_m,
        first_triangle=first_triangle,
        geometry_hash=geometry_hash,
        scene_hash=_scene_hash(geometry_hash, {**materials, **leaves}),
    )


def scene_hash(recipe: Recipe, found: SceneParts) -> str:
    """The scene_hash of the world of a recipe and its parts, without the engine."""
    materials = _materials_at(found.specs, recipe.frequency_hz)
    leaves = _foliage_at(found.foliage_specs, recipe.frequency_hz)
    return _scene_hash(_geometry_hash(found.parts, found.volumes), {**materials, **leaves})


def part_triangles(parts: Sequence[Part]) -> dict[str, Ints]:
    """Triangle numbers that the faces of each part have in their world, by name of the part."""
    found, start = {}, 0
    for members in _groups(parts).values():
        for index in members:
            count = len(parts[index].faces)
            found[parts[index].name] = np.arange(start, start + count)
            start += count
    return found


def _groups(parts: Sequence[Part]) -> dict[tuple[str, tuple[float, ...]], list[int]]:
    """Rows of the parts that make one shape of the engine."""
    groups: dict[tuple[str, tuple[float, ...]], list[int]] = {}
    for index, part in enumerate(parts):
        groups.setdefault((part.material, part.velocity_m_s), []).append(index)
    return groups


def _foliage_at(specs: dict[str, MaterialSpec | None], frequency_hz: float) -> dict[str, Foliage]:
    return {name: foliage(name, spec, frequency_hz) for name, spec in specs.items()}


def _materials_at(
    specs: dict[str, MaterialSpec | None], frequency_hz: float
) -> dict[str, Material]:
    return {name: material_properties(name, spec, frequency_hz) for name, spec in specs.items()}


def _origin_m(parts: Sequence[Part]) -> Floats:
    """Where the engine counts from [m], [3]: near the middle of the scene.

    In coarse steps, so that an edit of the scene does not round everything else anew.
    """
    corners = np.concatenate([part.vertices for part in parts])
    middle = (corners.min(axis=0).astype(np.float64) + corners.max(axis=0)) / 2
    return np.round(middle / ORIGIN_STEP_M) * ORIGIN_STEP_M + 0.0


def _build_scene(
    engine: Engine,
    recipe: Recipe,
    groups: dict[tuple[str, tuple[float, ...]], list[int]],
    parts: Sequence[Part],
    radio_materials: dict[str, Any],
    origin_m: Floats,
) -> Any:
    """Sionna's scene of the groups, built in memory: a killed run leaves nothing behind."""
    rt, mi = engine.rt, engine.mi
    shapes = {}
    for number, ((material_name, _), members) in enumerate(groups.items()):
        vertices, faces = _joined([parts[i] for i in members])
        vertices = (vertices - origin_m).astype(np.float32)
        properties = mi.Properties()
        properties["mesh_bsdf"] = radio_materials[material_name]
        properties["face_normals"] = True
        mesh = mi.Mesh(f"shape-{number}", len(vertices), len(faces), props=properties)
        parameters = mi.traverse(mesh)
        parameters["vertex_positions"] = vertices.ravel()
        parameters["faces"] = faces.ravel()
        parameters.update()
        shapes[f"shape-{number}"] = mesh
    scene = rt.Scene(mi.load_dict({"type": "scene", **shapes}))
    scene.frequency = recipe.frequency_hz
    for number, (_, velocity) in enumerate(groups):
        scene.objects[f"shape-{number}"].velocity = mi.Vector3f(*velocity)
    return scene


def _kind_of(name: str, recipe: Recipe) -> str:
    """What a material is made of, for its colour: its ITU-R name where it has one."""
    spec = recipe.materials.get(name)
    return spec.itu if spec is not None and spec.itu else name


def _radio_material(
    engine: Engine, identity: str, name: str, recipe: Recipe, material: Material
) -> Any:
    """A material whose values kernels read instead of compiling them in."""
    names = {"directive": ("alpha_r",), "backscattering": ("alpha_r", "alpha_i", "lambda_")}
    given = {
        key: getattr(material, key)
        for key in names.get(material.scattering_pattern, ())
        if getattr(material, key) is not None
    }
    kinds = {"sionna": engine.rt.RadioMaterial}
    own = edge_material(transmits=recipe.solver.refraction)
    made = kinds.get(recipe.solver.diffraction_model, own)(
        identity,
        color=material_color(_kind_of(name, recipe)),
        scattering_pattern=material.scattering_pattern,
        **given,
    )
    set_values(engine, made, material)
    return made


def set_values(engine: Engine, made: Any, material: Material) -> None:
    """Give an engine's material the values of a material, for kernels to read."""
    for name, value in engine_values(material).items():
        setattr(made, name, engine.opaque([value]))


def _joined(parts: Sequence[Part]) -> tuple[Singles, Unsigned]:
    """Vertices and faces of several parts as one mesh, faces in the order of the parts."""
    vertices = np.concatenate([part.vertices for part in parts])
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    faces = np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)])
    return vertices.astype(np.float32), faces.astype(np.uint32)


def _geometry_hash(parts: Sequence[Part], volumes: Sequence[Volume]) -> str:
    """SHA-256 of where the surfaces are, which material each has by name, and how they move.

    Vegetation counts as well, in scenes that have some.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.name}\0{part.material}\0{part.velocity_m_s}\0".encode())
        digest.update(np.ascontiguousarray(part.vertices, "<f4").tobytes())
        digest.update(np.ascontiguousarray(part.faces, "<i4").tobytes())
    for volume in volumes:
        digest.update(f"{volume.name}\0{volume.material}\0".encode())
        digest.update(np.array([volume.base_m, volume.top_m], "<f8").tobytes())
        digest.update(np.ascontiguousarray(volume.outline_m, "<f8").tobytes())
    return digest.hexdigest()


def _scene_hash(geometry_hash: str, materials: Mapping[str, Material | Foliage]) -> str:
    """SHA-256 of what a wave can feel: the geometry and what the materials do."""
    digest = hashlib.sha256(geometry_hash.encode())
    for name in sorted(materials):
        digest.update(f"{name}\0{materials[name]!r}\0".encode())
    return digest.hexdigest()
