"""Vegetation: closed volumes that attenuate what passes through and reflect nothing.

What they do at a frequency is in foliage.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import GeometryError
from rtwin.scene.foliage import is_vegetation
from rtwin.scene.objects import Box, Extrude
from rtwin.scene.recipe import Recipe


@dataclass(frozen=True)
class Volume:
    """A prism of vegetation: a footprint between two heights."""

    name: str
    material: str
    polygon: Any  # shapely.Polygon
    base_m: float
    top_m: float

    @property
    def outline_m(self) -> Floats:
        """Corners of the outer ring, then of the holes [m], [corner, 2]."""
        rings = (self.polygon.exterior, *self.polygon.interiors)
        return np.concatenate([np.asarray(ring.coords) for ring in rings])


def vegetation_volumes(recipe: Recipe) -> list[Volume]:
    """The vegetation of a recipe's [[object]] tables, in their order.

    Raises:
        GeometryError: if vegetation has another shape than extrude or box, or a
            footprint is no simple polygon.
    """
    volumes = []
    for item in recipe.object:
        if not is_vegetation(item.material, recipe.materials.get(item.material)):
            continue
        if not isinstance(item, Extrude | Box):
            raise GeometryError(
                f"{recipe.name}: object '{item.name}' of '{item.material}' has shape "
                f"'{item.shape}'; vegetation may have 'extrude' or 'box'"
            )
        volumes.append(Volume(item.name, item.material, *_prism(item, recipe.name)))
    return volumes


def _prism(item: Extrude | Box, where: str) -> tuple[Any, float, float]:
    import shapely

    if isinstance(item, Extrude):
        polygon = shapely.Polygon(item.footprint, item.holes)
        if not polygon.is_valid:
            raise GeometryError(
                f"{where}: object '{item.name}': its footprint is not a simple polygon; "
                "edges must not cross, and holes must lie inside"
            )
        return polygon, item.base_m, item.base_m + item.height_m
    x, y, z = item.center_m
    length, width, height = item.size_m
    flat = shapely.box(x - length / 2, y - width / 2, x + length / 2, y + width / 2)
    turned = shapely.affinity.rotate(flat, item.yaw_deg, origin=(x, y))
    return turned, z - height / 2, z + height / 2


def lengths_m(volumes: list[Volume], start_m: Floats, end_m: Floats) -> dict[str, Floats]:
    """How far straight pieces run inside the volumes of each material.

    Where volumes of one material overlap, the shared stretch counts once.

    Args:
        volumes: From vegetation_volumes.
        start_m: Where the pieces start [m], [piece, 3].
        end_m: Where they end [m], [piece, 3].
    Returns:
        Length [m], [piece], by material.
    Checked by tests/scene/meshes/test_vegetation.py against sampled points.
    """
    result = {}
    for material in dict.fromkeys(v.material for v in volumes):
        own = [v for v in volumes if v.material == material]
        piece, first, last = _stretches(own, start_m, end_m)
        span = np.linalg.norm(end_m - start_m, axis=1)
        result[material] = span * _covered(piece, first, last, len(start_m))
    return result


def _stretches(
    volumes: list[Volume], start_m: Floats, end_m: Floats
) -> tuple[Ints, Floats, Floats]:
    """Stretches inside volumes: the piece, and the shares of it where they begin and end."""
    import shapely

    base, top = (np.array([getattr(v, key) for v in volumes]) for key in ("base_m", "top_m"))
    flat = np.stack([start_m[:, :2], end_m[:, :2]], axis=1)
    polygons = np.array([v.polygon for v in volumes], dtype=object)
    low, high = shapely.bounds(polygons)[:, :2], shapely.bounds(polygons)[:, 2:]
    # A tree over the pieces would be larger than one over the volumes.
    boxes = shapely.box(*flat.min(axis=1).T, *flat.max(axis=1).T)
    piece, volume = shapely.STRtree(shapely.box(*low.T, *high.T)).query(boxes)
    rise = (end_m - start_m)[piece, 2]
    enter, leave = _between(start_m[piece, 2], rise, base[volume], top[volume])
    is_in = enter < leave
    piece, volume, enter, leave = piece[is_in], volume[is_in], enter[is_in], leave[is_in]
    step = (end_m - start_m)[piece, :2]
    upright = np.linalg.norm(step, axis=1) < 1e-9
    inside = shapely.contains_xy(polygons[volume], *start_m[piece, :2].T) & upright
    ends = start_m[piece, None, :2] + np.stack([enter, leave], 1)[..., None] * step[:, None]
    slanted = np.flatnonzero(~upright)
    cut = shapely.intersection(shapely.linestrings(ends[slanted]), polygons[volume[slanted]])
    lines, row = shapely.get_parts(cut, return_index=True)
    is_line = (shapely.get_type_id(lines) == 1) & ~shapely.is_empty(lines)
    lines, row = lines[is_line], slanted[row[is_line]]
    rim = np.stack([shapely.get_coordinates(shapely.get_point(lines, k)) for k in (0, -1)], axis=1)
    rim = rim.reshape(-1, 2, 2)
    offset = rim - start_m[piece[row], None, :2]
    along = (offset * step[row, None]).sum(axis=-1) / (step[row] ** 2).sum(axis=-1)[:, None]
    along.sort(axis=1)
    return (
        np.concatenate([piece[row], piece[inside]]),
        np.concatenate([along[:, 0], enter[inside]]),
        np.concatenate([along[:, 1], leave[inside]]),
    )


def _between(z: Floats, rise: Floats, base: Floats, top: Floats) -> tuple[Floats, Floats]:
    """Shares of pieces where they enter and leave a layer; leave < enter if they miss it."""
    level = np.abs(rise) < 1e-12
    divisor = np.where(level, 1.0, rise)
    bounds = np.sort(np.stack([(base - z) / divisor, (top - z) / divisor]), axis=0)
    is_in = (z > base) & (z < top)
    enter = np.where(level, np.where(is_in, 0.0, 1.0), np.maximum(bounds[0], 0.0))
    leave = np.where(level, np.where(is_in, 1.0, 0.0), np.minimum(bounds[1], 1.0))
    return enter, leave


def _covered(piece: Ints, first: Floats, last: Floats, count: int) -> Floats:
    """Share of each piece that at least one of its stretches covers, [piece]."""
    order = np.lexsort((first, piece))
    piece, first, last = piece[order], first[order], last[order]
    # Pieces are laid end to end, so that one running maximum serves them all.
    reached = np.maximum.accumulate(np.concatenate([[-1.0], last + 2.0 * piece]))[:-1]
    new = np.maximum(last + 2.0 * piece - np.maximum(first + 2.0 * piece, reached), 0.0)
    return np.bincount(piece, new, minlength=count).astype(np.float64)
