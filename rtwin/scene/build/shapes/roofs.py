"""Buildings as closed meshes: walls, floor and a roof of one of five shapes.

The roof is a height over the footprint, linear in regions that meet in ridges and
hips. The footprint is cut along these, so that any outline gets the shape.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints

GRID_M = 1e-3
# Shapes of OpenStreetMap to the one that is drawn for them.
SHAPES = {
    "gabled": "gabled",
    "saltbox": "gabled",
    "double_saltbox": "gabled",
    "gambrel": "gabled",
    "round": "gabled",
    "pitched": "gabled",
    "hipped": "hipped",
    "half-hipped": "hipped",
    "half_hipped": "hipped",
    "mansard": "hipped",
    "quadruple_saltbox": "hipped",
    "side_hipped": "hipped",
    "pyramidal": "pyramidal",
    "cone": "pyramidal",
    "conical": "pyramidal",
    "dome": "pyramidal",
    "onion": "pyramidal",
    "skillion": "skillion",
    "lean_to": "skillion",
}


@dataclass(frozen=True)
class Frame:
    """The rectangle around a footprint: middle, axis along the ridge, half length and width."""

    middle: Floats
    along: Floats  # unit vector
    half_length_m: float
    half_width_m: float

    def local(self, xy: Floats) -> tuple[Floats, Floats]:
        """Coordinates along the ridge and across it."""
        across = np.array([-self.along[1], self.along[0]])
        return (xy - self.middle) @ self.along, (xy - self.middle) @ across

    def polygon(self, corners: list[tuple[float, float]]) -> Any:
        """A polygon from corners given along and across."""
        import shapely

        across = np.array([-self.along[1], self.along[0]])
        return shapely.Polygon([self.middle + s * self.along + t * across for s, t in corners])


@dataclass(frozen=True)
class BuildingMesh:
    """A closed building: the faces of walls and floor, then those of the roof."""

    vertices: Floats  # [vertex, 3] m
    wall_faces: Ints  # [face, 3]
    roof_faces: Ints  # [face, 3]


def roof_rise_m(shape: str, footprint: Any, height_m: float, given_m: float | None) -> float:
    """Height of a roof above its eaves [m]: as given, else a pitch of 27 degrees, at most half."""
    if shape == "flat":
        return 0.0
    if given_m is not None:
        return min(given_m, 0.95 * height_m)
    return min(0.5 * frame_of(footprint).half_width_m, 0.5 * height_m)


def frame_of(footprint: Any, direction_deg: float | None = None, across: bool = False) -> Frame:
    """The smallest rectangle around a footprint, its ridge along the long side.

    Args:
        footprint: A shapely polygon.
        direction_deg: Compass direction that the roof slopes down to, if known.
        across: The ridge runs along the short side instead.
    """
    import shapely

    # Of the hull: with a hole GEOS 3.14 gives a rectangle that does not cover the outline.
    around = shapely.minimum_rotated_rectangle(footprint.convex_hull)
    corners = shapely.get_coordinates(around)[:4]
    sides = corners[1] - corners[0], corners[2] - corners[1]
    lengths = [float(np.linalg.norm(side)) for side in sides]
    ridge = int(np.argmax(lengths))
    if direction_deg is not None:
        down = np.array(
            [math.sin(math.radians(direction_deg)), math.cos(math.radians(direction_deg))]
        )
        ridge = int(
            np.argmin(
                [abs(side @ down) / max(n, 1e-9) for side, n in zip(sides, lengths, strict=True)]
            )
        )
        along = sides[ridge] / lengths[ridge]
        # The slope falls towards the side that lies to the left of the axis.
        if np.array([-along[1], along[0]]) @ down < 0:
            along = -along
    else:
        ridge = 1 - ridge if across else ridge
        along = sides[ridge] / lengths[ridge]
    return Frame(corners.mean(axis=0), along, lengths[ridge] / 2, lengths[1 - ridge] / 2)


def building_mesh(
    footprint: Any, base_m: float, top_m: float, rise_m: float, shape: str, frame: Frame
) -> BuildingMesh | None:
    """A building from its footprint, or None if the roof does not close over it.

    Args:
        footprint: A valid shapely polygon.
        base_m: Lower end.
        top_m: Ridge.
        rise_m: Height of the roof above the eaves.
        shape: flat, gabled, hipped, pyramidal or skillion.
        frame: From frame_of.
    """
    import shapely

    a, b = frame.half_length_m, frame.half_width_m
    pieces = [
        shapely.set_precision(footprint.intersection(frame.polygon(region)), GRID_M)
        for region in _regions(shape, a, b)
    ]
    flat, faces = triangulated(pieces)
    if not len(faces):
        return None
    s, t = frame.local(flat)
    z = top_m - rise_m + rise_m * np.clip(_profile(shape, s, t, a, b), 0.0, 1.0)
    count = len(flat)
    vertices = np.concatenate(
        [np.column_stack([flat, z]), np.column_stack([flat, np.full(count, base_m)])]
    )
    rim = _rim(faces)
    if rim is None:
        return None
    i, k = rim.T
    walls = np.concatenate(
        [np.column_stack([i + count, k + count, k]), np.column_stack([i + count, k, i])]
    )
    return BuildingMesh(vertices, np.concatenate([walls, faces[:, ::-1] + count]), faces)


def _regions(shape: str, a: float, b: float) -> list[list[tuple[float, float]]]:
    """Where the roof is linear, as corners along and across; a little beyond the rectangle."""
    e = 0.01 * max(a, b)
    if shape == "gabled":
        long = a + e
        return [
            [(-long, 0), (long, 0), (long, b + e), (-long, b + e)],
            [(-long, 0), (-long, -b - e), (long, -b - e), (long, 0)],
        ]
    if shape == "hipped" and a > b:
        r, x, y = a - b, a + e, b + e
        return [
            [(-r, 0), (r, 0), (x, y), (-x, y)],
            [(-r, 0), (-x, -y), (x, -y), (r, 0)],
            [(r, 0), (x, -y), (x, y)],
            [(-r, 0), (-x, y), (-x, -y)],
        ]
    if shape in ("hipped", "pyramidal"):
        x, y = a * 1.01, b * 1.01
        corners = [(x, y), (-x, y), (-x, -y), (x, -y)]
        return [[(0, 0), corners[k], corners[(k + 1) % 4]] for k in range(4)]
    return [[(-a - e, -b - e), (a + e, -b - e), (a + e, b + e), (-a - e, b + e)]]


def _profile(shape: str, s: Any, t: Any, a: float, b: float) -> Floats:
    """Share of the rise over each point of the footprint."""
    if shape == "gabled":
        return 1.0 - np.abs(t) / b
    if shape == "hipped" and a > b:
        return np.minimum(1.0 - np.abs(t) / b, (a - np.abs(s)) / b)
    if shape in ("hipped", "pyramidal"):
        return np.minimum(1.0 - np.abs(t) / b, 1.0 - np.abs(s) / a)
    if shape == "skillion":
        return 0.5 * (1.0 - t / b)
    return np.ones_like(t)


def triangulated(pieces: list[Any]) -> tuple[Floats, Ints]:
    """Polygons that touch as one triangulation, corners on the millimetre grid."""
    import mapbox_earcut
    import shapely

    points: list[Floats] = [np.zeros((0, 2))]
    faces: list[Ints] = [np.zeros((0, 3), np.int64)]
    count = 0
    for polygon in (p for piece in pieces for p in shapely.get_parts(piece)):
        if polygon.geom_type != "Polygon":
            continue
        polygon = shapely.geometry.polygon.orient(polygon)
        rings = [np.asarray(r.coords)[:-1, :2] for r in (polygon.exterior, *polygon.interiors)]
        ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
        corners = np.ascontiguousarray(np.concatenate(rings))
        triangles = mapbox_earcut.triangulate_float64(corners, ends).reshape(-1, 3)
        points.append(corners)
        faces.append(triangles.astype(np.int64) + count)
        count += len(corners)
    grid = np.round(np.concatenate(points) / GRID_M).astype(np.int64)
    unique, number = np.unique(grid, axis=0, return_inverse=True)
    merged = number.reshape(-1)[np.concatenate(faces)]
    flat = np.asarray(unique * GRID_M, np.float64)
    x, y = flat[merged].transpose(2, 0, 1)
    doubled = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    merged[doubled < 0] = merged[doubled < 0, ::-1]
    return flat, merged[np.abs(doubled) > 0]


def _rim(faces: Ints) -> Ints | None:
    """Directed edges that only one face has; None if the faces do not fit together."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    size = int(faces.max()) + 1
    forward, backward = edges @ [size, 1], edges @ [1, size]
    unique = np.unique(forward)
    if len(unique) < len(forward):
        return None  # an edge that two faces run along the same way
    rim = edges[~np.isin(forward, backward)]
    leaving, entering = np.sort(rim[:, 0]), np.sort(rim[:, 1])
    # On a closed rim every corner is left as often as it is reached.
    return rim if np.array_equal(leaving, entering) else None
