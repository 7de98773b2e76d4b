"""What the objects of a scene are, before they are written."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.scene.build.elements import Notes, Solid
from rtwin.scene.build.tags import wall_material

GROUND_MATERIAL, WATER_MATERIAL = "medium_dry_ground", "fresh_water"
EMBEDDED_M = 0.5  # how deep walls reach into the ground, so that no two faces coincide
Kind = Literal["building", "structure", "vegetation", "ground", "water"]


@dataclass(frozen=True)
class BuiltObject:
    """One [[object]] of the recipe: a footprint pulled up, or a mesh in a file of its own."""

    name: str
    material: str
    kind: Kind
    label: str = ""  # what people call it
    polygon: Any = None  # with base_m and top_m: shape = "extrude"
    base_m: float = 0.0
    top_m: float = 0.0
    vertices: Floats | None = None  # with faces: shape = "mesh"
    faces: Ints | None = None

    @property
    def is_mesh(self) -> bool:
        return self.faces is not None

    @property
    def size_m(self) -> Floats:
        """Extent along x, y, z [m], [3]."""
        if self.vertices is not None:
            return np.ptp(self.vertices, axis=0)
        low_x, low_y, high_x, high_y = self.polygon.bounds
        return np.array([high_x - low_x, high_y - low_y, self.top_m - self.base_m])


def of_solid(solid: Solid, kind: Kind, notes: Notes) -> BuiltObject:
    material = solid.material or wall_material(solid.tags, notes)
    if kind in ("ground", "water"):
        material = solid.material or (GROUND_MATERIAL if kind == "ground" else WATER_MATERIAL)
    return BuiltObject(
        solid.name,
        material,
        kind,
        solid.tags.get("name", ""),
        top_m=float(solid.vertices[:, 2].max()),
        vertices=solid.vertices,
        faces=solid.faces,
    )
