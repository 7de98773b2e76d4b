"""The triangles of a twin's scene, for those who draw or describe it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.reader import PathDataset
from rtwin.errors import StoreError
from rtwin.scene import Recipe, load_recipe
from rtwin.trace import load_world


@dataclass(frozen=True)
class SceneMesh:
    """A scene as triangles; row numbers are those of a dataset's `triangle`."""

    vertices_m: NDArray[np.float32]  # [triangle, 3, 3]
    object: NDArray[np.int32]  # [triangle], row of object_name
    material: NDArray[np.int16]  # [triangle], row of material_name
    object_name: tuple[str, ...]
    material_name: tuple[str, ...]
    ground: frozenset[int]  # rows of object_name that are the ground


def scene_mesh(dataset: PathDataset, scene: str = "") -> SceneMesh:
    """The triangles that a dataset was traced in.

    Args:
        dataset: The dataset, open.
        scene: The recipe, where its geometry is in files of its own.
    Raises:
        StoreError: if the scene has another geometry by now, or is not there.
    """
    recipe: Recipe = load_recipe(scene) if scene else dataset.recipe
    files = recipe.geometry.file or any(item.shape == "mesh" for item in recipe.object)
    if files and not scene:
        raise StoreError(
            f"{dataset.path}: the geometry of {recipe.name!r} is in files of its own; "
            "name the recipe with scene"
        )
    world: Any = load_world(recipe)
    if world.geometry_hash != dataset.attributes["geometry_hash"]:
        raise StoreError(
            f"{dataset.path}: was traced in another geometry than {recipe.name!r} has now; "
            "generate it again"
        )
    triangles = world.triangles
    return SceneMesh(
        triangles.vertices, triangles.object, triangles.material,
        world.object_names, world.material_names, world.ground,
    )  # fmt: skip
