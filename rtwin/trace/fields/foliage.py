"""Vegetation on the way: volumes that the engine does not know take their share of each path."""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bytes, Floats, Singles
from rtwin.scene import lengths_m
from rtwin.trace.world import World

PATHS_PER_BATCH = 100_000


def vegetation_loss_db(
    world: World, kind: Bytes, vertex_m: Singles, tx_m: Floats, rx_m: Floats
) -> Floats:
    """What vegetation takes from each path [dB], [path]; 0 where it meets none.

    Args:
        kind: Interactions, [path, depth]; 0 fills up.
        vertex_m: Their places [m], [path, depth, 3].
        tx_m: Start of each path [m], [path, 3].
        rx_m: End of each path [m], [path, 3].
    Source: rtwin.scene.meshes.vegetation; checked by tests/trace/fields/test_foliage.py.
    """
    loss = np.zeros(len(kind))
    if not world.volumes:
        return loss
    for start in range(0, len(kind), PATHS_PER_BATCH):
        rows = slice(start, start + PATHS_PER_BATCH)
        corners = _corners(kind[rows], vertex_m[rows], tx_m[rows], rx_m[rows])
        first, last = corners[:, :-1].reshape(-1, 3), corners[:, 1:].reshape(-1, 3)
        runs = np.flatnonzero((first != last).any(axis=1))
        path = runs // (corners.shape[1] - 1)
        lengths = lengths_m(list(world.volumes), first[runs], last[runs])
        for material, length in lengths.items():
            total = np.bincount(path, length, minlength=len(corners))
            loss[rows] += world.foliage[material].loss_db(total)
    return loss


def attenuated(a: NDArray[np.complex64], loss_db: Floats) -> NDArray[np.complex64]:
    """Path coefficients [path, ...] after a loss [dB], [path]."""
    factor = np.power(10.0, -loss_db / 20.0).astype(np.float32)
    return a * factor.reshape(-1, *(1,) * (a.ndim - 1))


def _corners(kind: Bytes, vertex_m: Singles, tx_m: Floats, rx_m: Floats) -> Floats:
    """Transmitter, vertices and receiver of each path; what is unused repeats the one before."""
    corners = np.empty((len(kind), kind.shape[1] + 2, 3))
    corners[:, 0], corners[:, -1] = tx_m, rx_m
    for depth in range(kind.shape[1]):
        met = (kind[:, depth] != 0)[:, None]
        corners[:, depth + 1] = np.where(met, vertex_m[:, depth], corners[:, depth])
    return corners
