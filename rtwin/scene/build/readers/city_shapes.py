"""Geometries of CityJSON: the most detailed one of an object, its surfaces, triangles, prisms."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints

SAME_LEVEL_M = 0.02
# How deep the surfaces lie in the boundaries of each type.
DEPTH = {
    "MultiSurface": 1,
    "CompositeSurface": 1,
    "Solid": 2,
    "MultiSolid": 3,
    "CompositeSolid": 3,
}
Surface = list[list[int]]  # rings of vertex numbers, the first is the outer one
Vertices = Floats


@dataclass(frozen=True)
class Templates:
    """Shapes that a file draws once and places often."""

    geometries: list[Any]
    vertices: Vertices


@dataclass(frozen=True)
class Shape:
    """The surfaces of one geometry, with the vertices that they number."""

    surfaces: list[Surface]
    vertices: Vertices
    detail: float  # level of detail, 0 to 4


def shape_of(geometries: Any, vertices: Vertices, templates: Templates) -> Shape | None:
    """The most detailed of an object's geometries; of equal ones the solid.

    Args:
        geometries: The object's "geometry".
        vertices: Of the file.
        templates: Of the file.
    Returns:
        The shape; None if there are no surfaces.
    Raises:
        IndexError, KeyError, TypeError, ValueError: if it is broken.
    """
    drawn = []
    for geometry in geometries if isinstance(geometries, list) else ():
        if not isinstance(geometry, dict):
            continue
        if geometry.get("type") == "GeometryInstance":
            template = templates.geometries[_number(geometry["template"])]
            drawn.append((template, _placed(geometry, vertices, templates)))
        elif geometry.get("type") in DEPTH:
            drawn.append((geometry, vertices))
    drawn = [(g, v) for g, v in drawn if isinstance(g, dict) and g.get("type") in DEPTH]
    if not drawn:
        return None
    best, corners = max(drawn, key=lambda d: (_detail(d[0]), DEPTH[d[0]["type"]] > 1))
    surfaces = list(_flat(best.get("boundaries"), DEPTH[best["type"]]))
    return Shape(surfaces, corners, _detail(best)) if surfaces else None


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise IndexError("no number of a row")
    return value


def _detail(geometry: dict[str, Any]) -> float:
    try:
        return float(geometry.get("lod", 0))
    except (TypeError, ValueError):
        return 0.0


def _placed(geometry: dict[str, Any], vertices: Vertices, templates: Templates) -> Vertices:
    """The vertices of a template where an object has it."""
    matrix = np.array(geometry["transformationMatrix"], np.float64).reshape(4, 4)
    anchor = vertices[_number(geometry["boundaries"][0])]
    placed = templates.vertices @ matrix[:3, :3].T + matrix[:3, 3] + anchor
    if not np.isfinite(placed).all():
        raise ValueError("a template's place is not finite")
    return placed


def _flat(boundaries: Any, depth: int) -> Iterator[Surface]:
    if not isinstance(boundaries, list):
        return
    for item in boundaries:
        if depth == 1:
            yield item
        else:
            yield from _flat(item, depth - 1)


def prism_of(shape: Shape) -> tuple[Any, float, float] | None:
    """Footprint, base and top of a solid between two heights; None if it is no prism."""
    import shapely

    z = _heights(shape)
    base, top = float(z.min()), float(z.max())
    if top - base < SAME_LEVEL_M or not np.all(
        (z - base < SAME_LEVEL_M) | (top - z < SAME_LEVEL_M)
    ):
        return None
    high = top - shape.vertices[:, 2] < SAME_LEVEL_M
    lids = [s for s in shape.surfaces if np.all(high[np.concatenate(s)])]
    roof = _union(lids, shape.vertices) if lids else shapely.Polygon()
    return (roof, base, top) if roof.area > 0 else None


def footprint_of(shape: Shape) -> Any:
    """The outline of a shape that lies flat (level of detail 0); None if it does not."""
    if np.ptp(_heights(shape)) >= SAME_LEVEL_M:
        return None
    outline = _union(shape.surfaces, shape.vertices)
    return outline if outline.area > 0 else None


def _heights(shape: Shape) -> Floats:
    numbers = np.concatenate([np.concatenate(surface) for surface in shape.surfaces])
    return shape.vertices[numbers.astype(int), 2]


def _union(surfaces: list[Surface], vertices: Vertices) -> Any:
    import shapely

    polygons = [
        shapely.Polygon(vertices[s[0], :2], [vertices[hole, :2] for hole in s[1:]])
        for s in surfaces
    ]
    return shapely.union_all(shapely.make_valid(polygons))


def triangles(surface: Surface, vertices: Vertices) -> Ints:
    """A polygon in space as triangles, wound as its outer ring."""
    import mapbox_earcut

    rings = [np.asarray(ring, np.int64) for ring in surface if len(ring) >= 3]
    if not rings:
        return np.zeros((0, 3), np.int64)
    number = np.concatenate(rings)
    if number.min() < 0:
        raise IndexError("negative vertex number")
    if len(number) == 3:
        return number[None]
    outer = vertices[rings[0]]
    following = np.roll(outer, -1, axis=0)
    normal = np.cross(outer - outer[0], following - outer[0]).sum(axis=0)
    if not normal.any():
        return np.zeros((0, 3), np.int64)
    drop = int(np.argmax(np.abs(normal)))
    kept = [axis for axis in range(3) if axis != drop]
    flat = np.ascontiguousarray(vertices[number][:, kept])
    ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
    faces = mapbox_earcut.triangulate_float64(flat, ends).reshape(-1, 3).astype(np.int64)
    corners = vertices[number[faces]]
    turned = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0)
    return number[faces if turned @ normal > 0 else faces[:, ::-1]]
