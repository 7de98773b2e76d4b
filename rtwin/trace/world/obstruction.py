"""What stands between two points: faces crossed and the way inside solids."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints
from rtwin.trace.world.queries import first_hit
from rtwin.trace.world.world import World

_MAX_FACES = 64
_STEP_M = 1e-3


@dataclass(frozen=True)
class Obstruction:
    """Of straight segments: faces crossed, and metres between an odd face and the next."""

    faces: Ints  # [segment]
    inside_m: Floats  # [segment]


def obstruction(world: World, start_m: ArrayLike, end_m: ArrayLike) -> Obstruction:
    """What segments meet on their way; both ends lie in free air.

    Args:
        start_m: [segment, 3] m.
        end_m: [segment, 3] m.
    Returns:
        Faces crossed (at most 64), and the metres inside: from the first face to
        the second, from the third to the fourth, and so on. Single sheets stand
        for walls indoors, where the faces alone mean something.
    Source: Jordan's theorem; checked by tests/trace/world/test_obstruction.py.
    """
    start = np.array(start_m, np.float64).reshape(-1, 3)
    end = np.asarray(end_m, np.float64).reshape(-1, 3)
    way = end - start
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-9)
    direction = way / length[:, None]
    faces, inside = np.zeros(len(start), np.int64), np.zeros(len(start))
    entered = np.zeros(len(start))
    position, gone = start.copy(), np.zeros(len(start))
    alive = np.arange(len(start))
    for _ in range(_MAX_FACES):
        if not len(alive):
            break
        hit, _, point = first_hit(world, position[alive], direction[alive])
        far = np.einsum("ij,ij->i", point - start[alive], direction[alive])
        meets = hit & (far < length[alive]) & (far >= gone[alive] - _STEP_M)
        rows, at = alive[meets], far[meets]
        leaves = faces[rows] % 2 == 1
        inside[rows[leaves]] += (at - entered[rows])[leaves]
        entered[rows] = at
        faces[rows] += 1
        gone[rows] = at + _STEP_M
        position[rows] = start[rows] + gone[rows, None] * direction[rows]
        alive = rows
    return Obstruction(faces, inside)
