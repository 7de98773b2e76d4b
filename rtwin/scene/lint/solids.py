"""Checks of objects against each other, the ground and the devices."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import RtwinError
from rtwin.scene.build.shapes.terrain import FLAT, Terrain
from rtwin.scene.columns import read_receiver_csv
from rtwin.scene.devices import CsvReceivers, ListReceivers, TrajectoryReceivers
from rtwin.scene.library import resolve_file
from rtwin.scene.lint.meshes import crossings_above
from rtwin.scene.places import csv_positions_m
from rtwin.scene.recipe import Recipe

SHARED_M3 = 1.0
SHARED_SHARE = 0.02
LIFTED_M = 0.3
MAX_POINTS = 10_000


@dataclass(frozen=True, eq=False)
class Solid:
    """An object seen from above: its outline and how far it reaches up and down."""

    name: str
    outline: Any  # shapely geometry
    base_m: float
    top_m: float
    corners: Floats  # [face, 3, 3] m
    is_closed: bool = True

    @property
    def reach(self) -> Any:
        """What it covers; where it has nothing but walls, what they enclose."""
        import shapely

        if not self.outline.is_empty:
            return self.outline
        return shapely.convex_hull(shapely.multipoints(self.corners[:, :, :2].reshape(-1, 2)))


def solid_of(
    name: str, vertices: Floats, faces: Ints, is_closed: bool, outline: Any = None
) -> Solid:
    """An object seen from above; its outline, if not known, from the triangles that lie."""
    import shapely

    corners = vertices[faces]
    low, high = float(vertices[:, 2].min()), float(vertices[:, 2].max())
    if outline is not None:
        return Solid(name, outline, low, high, corners, is_closed)
    a, b, c = (corners[:, k, :2] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    lying = corners[np.abs(area) > 1e-6][:, :, :2]
    grid = shapely.set_precision(shapely.polygons(lying), 1e-3)
    outline = shapely.union_all(grid[~shapely.is_empty(grid)]) if len(lying) else shapely.Polygon()
    return Solid(name, outline, low, high, corners, is_closed)


def shared_volumes(solids: list[Solid]) -> list[tuple[str, str, float]]:
    """Pairs of objects that fill the same space, and an estimate how much [m3], largest first."""
    import shapely

    solids = [s for s in solids if s.is_closed]
    if not solids:
        return []
    outlines = [s.outline for s in solids]
    found = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    pairs = []
    for i, k in found.T:
        a, b = solids[i], solids[k]
        height = min(a.top_m, b.top_m) - max(a.base_m, b.base_m)
        if i >= k or height <= 0.1:
            continue
        area = a.outline.intersection(b.outline).area
        smaller = min(a.outline.area, b.outline.area)
        if area * height > SHARED_M3 and area > SHARED_SHARE * smaller:
            pairs.append((a.name, b.name, float(area * height)))
    return sorted(pairs, key=lambda pair: -pair[2])


def ground_of(meshes: dict[str, tuple[Floats, Ints]], names: tuple[str, ...]) -> Terrain:
    """The ground objects as one surface; flat at z = 0 if there are none."""
    parts = [meshes[name] for name in names if name in meshes]
    if not parts:
        return FLAT
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    return Terrain(
        np.concatenate([vertices for vertices, _ in parts]),
        np.concatenate([f + start for (_, f), start in zip(parts, starts, strict=False)]),
    )


def lifted(solids: list[Solid], ground: Terrain) -> list[str]:
    """Objects that stand neither on the ground nor on another object."""
    import shapely

    if not solids:
        return []
    covered = [s.reach for s in solids]
    under = ground.height_m(shapely.get_coordinates(shapely.point_on_surface(covered)))
    high = [i for i, s in enumerate(solids) if s.base_m > under[i] + LIFTED_M]
    tree = shapely.STRtree(covered)
    names = []
    for i in high:
        base = solids[i].base_m
        near = tree.query(shapely.buffer(covered[i], 0.1), predicate="intersects")
        if not any(k != i and solids[k].base_m < base <= solids[k].top_m + LIFTED_M for k in near):
            names.append(solids[i].name)
    return names


def misplaced(recipe: Recipe, solids: list[Solid], ground: Terrain) -> dict[str, list[str]]:
    """Devices with given positions that are inside of objects or under the ground.

    Returns:
        "inside" and "underground": lines such as "tx_1 in way_5".
    """
    names, points = _given_positions(recipe, ground)
    inside: list[str] = []
    for solid in solids:
        low, high = solid.corners.min(axis=(0, 1)), solid.corners.max(axis=(0, 1))
        near = np.flatnonzero(((points > low) & (points < high)).all(axis=1))
        if near.size:
            odd = crossings_above(points[near], solid.corners) % 2 == 1
            inside += [f"{names[i]} in {solid.name}" for i in near[odd]]
    below = points[:, 2] < ground.height_m(points[:, :2]) - 1e-3
    return {"inside": inside, "underground": [names[i] for i in np.flatnonzero(below)]}


def _given_positions(recipe: Recipe, ground: Terrain) -> tuple[list[str], Floats]:
    names = [f"transmitter {tx.name}" for tx in recipe.transmitter]
    points: list[Any] = [tx.position_m for tx in recipe.transmitter]
    spec = recipe.receivers
    given: Any = []
    if isinstance(spec, ListReceivers):
        given = spec.positions_m
    elif isinstance(spec, TrajectoryReceivers):
        given = spec.waypoints_m
    elif isinstance(spec, CsvReceivers):
        try:
            table = read_receiver_csv(resolve_file(recipe.folder, spec.file))
            given = csv_positions_m(table, recipe.georeference, ground.height_m)
        except RtwinError:
            given = []  # said when they are placed
    names += [f"receiver {i}" for i in range(min(len(given), MAX_POINTS))]
    points += list(given[:MAX_POINTS])
    return names, np.array(points, np.float64).reshape(-1, 3)
