"""The ground of a scene: brought along, laid through the buildings' feet, or flat; and water."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from rtwin.scene.build.built import (
    EMBEDDED_M,
    GROUND_MATERIAL,
    WATER_MATERIAL,
    BuiltObject,
    Kind,
    of_solid,
)
from rtwin.scene.build.elements import Box, Element, MapData, Notes, Solid
from rtwin.scene.build.shapes.footprints import polygons
from rtwin.scene.build.shapes.roofs import triangulated
from rtwin.scene.build.shapes.terrain import FLAT, Terrain, flat_at, terrain_of, through_feet
from rtwin.scene.build.tags import kind_of


def ground_of(merged: MapData, box: Box) -> Terrain:
    """The ground that a map brings along, else flat ground or one through its buildings' feet."""
    import shapely

    if merged.terrain:
        return terrain_of(merged.terrain)
    given = [s for s in merged.solids if "ground" in s.tags]
    if given:
        return terrain_of(given)
    feet = [np.zeros((0, 3))]
    for element in merged.elements:
        if element.base_m is not None:
            corners = shapely.get_coordinates(element.geometry)
            feet.append(np.column_stack([corners, np.full(len(corners), element.base_m)]))
    for solid in merged.solids:
        low = solid.vertices[:, 2].min()
        feet.append(solid.vertices[solid.vertices[:, 2] < low + EMBEDDED_M])
    all_feet = np.concatenate(feet)
    if not len(all_feet):
        return FLAT
    if (
        merged.epsg is None and not merged.has_feet
    ):  # a mesh: nothing says that its lowest corners are the ground
        return flat_at(float(all_feet[:, 2].min()))
    merged.notes["city model without terrain: ground laid through its buildings' feet"] += 1
    return through_feet(all_feet, box)


def water_areas(
    elements: list[Element], inside: Any, terrain: Terrain
) -> list[tuple[Element, Any]]:
    """Water bodies and their clean polygons, none on another."""
    import shapely

    found: list[tuple[Element, Any]] = []
    taken = shapely.Polygon()
    for element in elements:
        if kind_of(element.tags) != "water" or "Polygon" not in element.geometry.geom_type:
            continue
        area = shapely.make_valid(element.geometry).intersection(inside).difference(taken)
        for polygon in polygons(area, smallest_m2=10.0):
            found.append((element, polygon))
            taken = taken.union(polygon)
    return found


def ground_objects(
    box: Box,
    terrain: Terrain,
    water: list[tuple[Element, Any]],
    given: list[Solid],
    notes: Notes,
) -> Iterator[BuiltObject]:
    import shapely

    if given:
        for solid in given:
            yield of_solid(solid, "ground", notes)
        return
    lakes = [polygon for _, polygon in water]
    if not terrain.is_flat:
        middles = terrain.vertices[terrain.faces].mean(axis=1)[:, :2]
        wet = np.zeros(len(middles), bool)
        if lakes:
            wet[shapely.STRtree(shapely.points(middles)).query(lakes, predicate="contains")[1]] = 1
        for name, material, kind, rows in (
            ("ground", GROUND_MATERIAL, "ground", ~wet),
            ("water", WATER_MATERIAL, "water", wet),
        ):
            if rows.any():
                used, faces = np.unique(terrain.faces[rows], return_inverse=True)
                yield BuiltObject(
                    name,
                    material,
                    kind,  # type: ignore[arg-type]
                    vertices=terrain.vertices[used],
                    faces=faces.reshape(-1, 3),
                )
        return
    land = shapely.box(*box)
    if lakes:
        land = shapely.set_precision(land.difference(shapely.union_all(lakes)), 1e-3)
    yield _sheet("ground", GROUND_MATERIAL, "ground", "", land, terrain.level_m)
    for i, (element, polygon) in enumerate(water):
        name = element.name if i == 0 or water[i - 1][0] is not element else f"{element.name}_{i}"
        yield _sheet(
            name, WATER_MATERIAL, "water", element.tags.get("name", ""), polygon, terrain.level_m
        )


def _sheet(
    name: str, material: str, kind: Kind, label: str, area: Any, level_m: float
) -> BuiltObject:
    flat, faces = triangulated([area])
    vertices = np.column_stack([flat, np.full(len(flat), level_m)])
    return BuiltObject(name, material, kind, label, vertices=vertices, faces=faces)
