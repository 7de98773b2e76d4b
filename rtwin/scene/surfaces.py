"""The triangles of any scene without the ray tracer: for pictures from above, and estimates."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.scene.library import resolve_file
from rtwin.scene.meshes.geometry import build_mesh
from rtwin.scene.objects import SceneObject
from rtwin.scene.recipe import Recipe


class Surface(NamedTuple):
    """One object of a scene: its triangles, and whether it is what others stand on."""

    name: str
    vertices: Floats  # [vertex, 3] m
    faces: NDArray[np.int64]  # [face, 3]
    is_ground: bool


def surfaces(recipe: Recipe) -> Iterator[Surface]:
    """The objects of a scene, as its recipe or its scene file has them.

    Raises:
        GeometryError: if a file is missing or cannot be read.
    Checked by tests/scene/test_surfaces.py.
    """
    for item in recipe.object:
        yield object_surface(item, recipe)
    file = scene_file(recipe)
    if file is not None:
        from rtwin.scene.build.readers.meshes import mitsuba_map

        for solid in mitsuba_map(file).solids:
            is_ground = solid.name in recipe.geometry.ground or "ground" in solid.tags
            yield Surface(solid.name, solid.vertices, solid.faces, is_ground)


def object_surface(item: SceneObject, recipe: Recipe) -> Surface:
    """One [[object]] of a recipe."""
    mesh = build_mesh(item, recipe).mesh
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64)
    return Surface(item.name, vertices, faces, item.name in recipe.geometry.ground)


def scene_file(recipe: Recipe) -> Path | None:
    """The Mitsuba scene that a recipe takes its geometry from; None without one.

    Raises:
        GeometryError: if the recipe names one that is not there.
    """
    if recipe.geometry.file is not None:
        return resolve_file(recipe.folder, recipe.geometry.file)
    name = recipe.geometry.sionna
    if name is None:
        return None
    found = find_spec("sionna")  # `sionna.rt` itself would start the engine
    folders = () if found is None else found.submodule_search_locations or ()
    files = [Path(folder) / "rt" / "scenes" / name / f"{name}.xml" for folder in folders]
    return next((file for file in files if file.is_file()), None)
