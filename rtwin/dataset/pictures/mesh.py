"""The triangles of a twin's scene, for those who draw or describe it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Singles
from rtwin.dataset.reading import world_of
from rtwin.errors import StoreError
from rtwin.scene import Recipe, load_recipe


@dataclass(frozen=True)
class SceneMesh:
    """A scene as triangles; row numbers are those of a dataset's `triangle`."""

    vertices_m: Singles  # [triangle, 3, 3]
    object: NDArray[np.int32]  # [triangle], row of object_name
    material: NDArray[np.int16]  # [triangle], row of material_name
    object_name: tuple[str, ...]
    material_name: tuple[str, ...]
    ground: frozenset[int]  # rows of object_name that are the ground


def scene_mesh(recipe: Recipe, attributes: dict[str, Any], scene: str = "") -> SceneMesh:
    """The triangles that a twin was traced in.

    Args:
        recipe: The recipe in the twin.
        attributes: The twin's.
        scene: The recipe's own place, where its geometry is in files beside it.
    Raises:
        StoreError: if the scene has another geometry by now, or is not there.
    """
    found = load_recipe(scene) if scene else recipe
    if found.has_files and not scene and found.folder == Path("."):
        raise StoreError(
            f"{recipe.name}: its geometry is in files that are not where they were; "
            "name the recipe with the option scene"
        )
    world = world_of(attributes, found)
    if world.geometry_hash != attributes["geometry_hash"]:
        raise StoreError(
            f"{found.name}: has another geometry now than the twin was traced in; trace it again"
        )
    triangles = world.triangles
    return SceneMesh(
        triangles.vertices,
        triangles.object,
        triangles.material,
        world.object_names,
        world.material_names,
        world.ground,
    )
