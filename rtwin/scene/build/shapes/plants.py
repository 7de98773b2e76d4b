"""Woods, rows of trees and single trees as prisms."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from rtwin.scene.build.built import BuiltObject
from rtwin.scene.build.elements import Element, Notes, Solid
from rtwin.scene.build.shapes.footprints import polygons
from rtwin.scene.build.shapes.terrain import Terrain, ground_under
from rtwin.scene.build.tags import kind_of, vegetation_m
from rtwin.scene.foliage import VEGETATION

WOOD_TILE_M = 50.0


def crown(solid: Solid) -> BuiltObject:
    """A mesh of vegetation as the prism around it: volumes are prisms."""
    import shapely

    low, high = solid.vertices[:, 2].min(), solid.vertices[:, 2].max()
    hull = shapely.convex_hull(shapely.multipoints(solid.vertices[:, :2]))
    return BuiltObject(
        solid.name, VEGETATION, "vegetation", solid.tags.get("name", ""), hull, low, high
    )


def vegetation(
    elements: list[Element], inside: Any, terrain: Terrain, notes: Notes
) -> Iterator[BuiltObject]:
    """Woods, rows of trees and single trees as prisms; on hills, woods in tiles of their own."""
    import shapely

    for element in elements:
        if kind_of(element.tags) != "vegetation":
            continue
        base, top, width = vegetation_m(element.tags, notes)
        area = element.geometry
        if area.geom_type in ("Point", "LineString"):
            area = shapely.buffer(area, width / 2, quad_segs=2)
        pieces = polygons(shapely.make_valid(area).intersection(inside))
        if not terrain.is_flat and element.base_m is None:
            pieces = [tile for piece in pieces for tile in _tiles(piece)]
        ground = ground_under(pieces, terrain)
        if element.base_m is not None and element.top_m is not None:
            base, top, ground = element.base_m, element.top_m, np.zeros(len(pieces))
        label = element.tags.get("name", "")
        for i, (piece, under) in enumerate(zip(pieces, ground, strict=True)):
            name = element.name if i == 0 else f"{element.name}_{i + 1}"
            yield BuiltObject(
                name, VEGETATION, "vegetation", label, piece, under + base, under + top
            )


def _tiles(area: Any) -> Iterator[Any]:
    import shapely

    low_x, low_y, high_x, high_y = area.bounds
    for x in np.arange(low_x, high_x, WOOD_TILE_M):
        for y in np.arange(low_y, high_y, WOOD_TILE_M):
            tile = shapely.box(x, y, x + WOOD_TILE_M, y + WOOD_TILE_M)
            yield from polygons(area.intersection(tile))
