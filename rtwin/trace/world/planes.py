"""Which triangles lie in one plane, and how far each plane reaches."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints, Singles
from rtwin.trace.diffraction import row_ranks

NORMAL_STEP = 1e-5
OFFSET_STEP_M = 1e-3
# Planes this near to each other may mirror one path: Sionna accepts a mirror
# point on another triangle if the image moves by less than a centimetre.
NEAR_OFFSET_M = 0.15
NEAR_NORMAL = 1.5e-3
MARGIN_M = 0.02


@dataclass(frozen=True)
class Planes:
    """Bounds of the triangles that may mirror in place of each plane's own."""

    low_m: Floats  # [plane, 3]
    high_m: Floats  # [plane, 3]


def find_planes(vertices: Singles, normal: Floats) -> tuple[Ints, Planes]:
    """Number of the plane of each triangle, and the planes.

    Rounding may give one plane two numbers where a value sits on a rounding
    border. That costs a duplicate candidate, removed after refinement, never a
    path: the bounds of a plane include those of its near neighbours.

    Args:
        vertices: Corners of the triangles [m], [triangle, 3, 3].
        normal: Their unit normals, either way round, [triangle, 3].
    """
    from scipy.spatial import cKDTree

    oriented = normal.copy()
    undecided = np.ones(len(normal), bool)
    for axis in (2, 1, 0):  # the first component that is not about zero counts up
        clear = undecided & (np.abs(normal[:, axis]) > 1e-4)
        oriented[clear & (normal[:, axis] < 0)] *= -1.0
        undecided &= ~clear
    corners = vertices.astype(np.float64)
    # In whole kilometres: an edit of the scene shall not number its other planes anew.
    center = np.round(corners.reshape(-1, 3).mean(axis=0) / 1e3) * 1e3
    offset = np.einsum("ti,ti->t", oriented, corners.mean(axis=1) - center)
    keys = np.column_stack(
        [np.round(oriented / NORMAL_STEP), np.round(offset / OFFSET_STEP_M)]
    ).astype(np.int64)
    number = row_ranks(keys)
    first = np.zeros(number.max(initial=-1) + 1, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]

    low = np.full((len(first), 3), np.inf)
    high = -low
    np.minimum.at(low, number, corners.min(axis=1))
    np.maximum.at(high, number, corners.max(axis=1))
    where = np.column_stack([oriented[first] * (NEAR_OFFSET_M / NEAR_NORMAL), offset[first]])
    near = cKDTree(where).query_pairs(NEAR_OFFSET_M, output_type="ndarray")
    own_low, own_high = low.copy(), high.copy()
    for one, other in (near.T, near.T[::-1]):
        np.minimum.at(low, one, own_low[other])
        np.maximum.at(high, one, own_high[other])
    return number, Planes(low - MARGIN_M, high + MARGIN_M)
