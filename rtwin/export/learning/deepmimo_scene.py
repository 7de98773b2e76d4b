"""The scene of a DeepMIMO scenario: labelled solids with their materials.

DeepMIMO knows terrain, buildings, vegetation, floorplans and objects. The ground is one
terrain, volumes of vegetation are vegetation, what moves is an object, the rest buildings.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from rtwin.arrays import Ints, Singles
from rtwin.dataset import PathDataset
from rtwin.dataset.pictures import SceneMesh
from rtwin.export.writing import write_npz
from rtwin.scene import MAX_THICKNESS_M, Recipe
from rtwin.scene.meshes import vegetation_volumes

_FILES = ("vertices.npz", "faces.npz", "materials.npz", "objects.json")


@dataclass(frozen=True, eq=False)
class Solid:
    """One object of DeepMIMO's scene.

    Attributes:
        name: As in the recipe; "terrain" for all ground together.
        label: terrain, buildings, vegetation or objects.
        triangles_m: Corners [m], [triangle, 3, 3].
        material: Number in params.json, [triangle]; foliage counts behind the dataset's own.
        foliage: Material of a volume of vegetation; "" for what reflects.
    """

    name: str
    label: str
    triangles_m: Singles
    material: Ints
    foliage: str = ""


def solids(mesh: SceneMesh, recipe: Recipe) -> list[Solid]:
    """Objects and vegetation of a scene, terrain first; [] where there is nothing."""
    moving = {item.name for item in recipe.object if any(item.velocity_m_s)}
    ground = np.isin(mesh.object, list(mesh.ground))
    found = [("terrain", "terrain", ground)] if ground.any() else []
    for row, name in enumerate(mesh.object_name):
        mine = mesh.object == row
        if row not in mesh.ground and mine.any():
            found.append((name, "objects" if name in moving else "buildings", mine))
    scenery = [
        Solid(name, label, mesh.vertices_m[rows], mesh.material[rows].astype(np.int64))
        for name, label, rows in found
    ]
    volumes = vegetation_volumes(recipe)
    kinds = list(dict.fromkeys(volume.material for volume in volumes))
    for volume in volumes:
        prism = trimesh.creation.extrude_polygon(volume.polygon, volume.top_m - volume.base_m)
        corners = np.asarray(prism.triangles) + np.array([0.0, 0.0, volume.base_m])
        number = np.full(len(corners), len(mesh.material_name) + kinds.index(volume.material))
        scenery.append(
            Solid(volume.name, "vegetation", corners.astype("f4"), number, volume.material)
        )
    return scenery


def materials(dataset: PathDataset, scenery: list[Solid]) -> dict[str, Any]:
    """The `materials` of params.json: those of the dataset, then one for each foliage.

    Foliage attenuates what passes through and reflects nothing, so it is air there.
    """
    read = dataset.read
    columns = zip(
        read("material_name"),
        read("relative_permittivity"),
        read("conductivity_s_per_m"),
        read("scattering_coefficient"),
        read("xpd_coefficient"),
        read("thickness_m"),
        strict=True,
    )
    rows = [
        {
            "name": str(name),
            "permittivity": float(permittivity),
            "conductivity": float(conductivity),
            "scattering_model": "lambertian" if scattering else "none",
            "scattering_coefficient": float(scattering),
            "cross_polarization_coefficient": float(xpd),
            "thickness": min(float(thickness), MAX_THICKNESS_M),
        }
        for name, permittivity, conductivity, scattering, xpd, thickness in columns
    ]
    foliage = dict.fromkeys(solid.foliage for solid in scenery if solid.foliage)
    rows += [{"name": name, "permittivity": 1.0, "conductivity": 0.0} for name in foliage]
    return {f"material_{number}": {"id": number, **row} for number, row in enumerate(rows)}


def write_solids(scenery: list[Solid], folder: Path, first: Path) -> None:
    """Triangles by object: three vertices of their own for each.

    All scenes have the same; those after the first share its files where they can.
    """
    if folder != first:
        for name in _FILES:
            try:
                os.link(first / name, folder / name)
            except OSError:  # a file system without hard links
                shutil.copyfile(first / name, folder / name)
        return
    corners = [np.zeros((0, 3, 3), np.float32), *(solid.triangles_m for solid in scenery)]
    counts = [len(solid.triangles_m) for solid in scenery]
    ends = np.cumsum([0, *counts])
    rows = {
        str(n): np.arange(3 * ends[n], 3 * ends[n + 1]).reshape(-1, 3) for n in range(len(scenery))
    }
    write_npz(folder / _FILES[0], vertices=np.concatenate(corners).reshape(-1, 3))
    write_npz(folder / _FILES[1], **rows)
    write_npz(folder / _FILES[2], **{str(n): solid.material for n, solid in enumerate(scenery)})
    text = [
        {"name": solid.name, "label": solid.label, "id": n, "mesh_key": str(n)}
        for n, solid in enumerate(scenery)
    ]
    (folder / _FILES[3]).write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
