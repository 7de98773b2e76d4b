"""Fields of stored geometry: coefficients without tracing."""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bytes, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType
from rtwin.scene import Receivers
from rtwin.trace.chains import PathTable, path_ends, shift_by_ends_hz, wedges_of_edges
from rtwin.trace.fields.coefficients import End, coefficients, receiver_end, transmitter_ends
from rtwin.trace.fields.foliage import attenuated, vegetation_loss_db
from rtwin.trace.world import World


def evaluate_paths(
    world: World,
    receivers: Receivers,
    tx: Ints,
    rx: Ints,
    interactions: Bytes,
    triangle: Unsigned,
    edge: Bytes,
    vertex_m: Singles,
) -> tuple[NDArray[np.complex64], Floats, Floats]:
    """Coefficients, Doppler shifts and vegetation losses of stored paths, in a world of the
    same geometry.

    Materials, frequency, antennas and orientations are those of the world's
    recipe. Scattered paths cannot be evaluated: which of them exist depends on
    the materials.

    Args:
        receivers: The receivers that `rx` counts.
        tx: Transmitter of each path, [path].
        rx: Receiver of each path, [path].
        interactions: [path, depth]; 0 fills up.
        triangle: [path, depth].
        edge: [path], as wedges.edges_of_wedges names it.
        vertex_m: [path, depth, 3] m, NaN where none.
    Returns:
        `a` [path, rx_pol, tx_pol], Doppler shift [Hz], [path], and what vegetation
        takes [dB], [path], which is part of `a`.
    Source: checked by tests/dataset/generation/test_evaluate.py against fresh traces.
    """
    recipe = world.recipe
    rx_end = receiver_end(recipe, receivers)
    antennas = (recipe.receivers.antenna, recipe.transmitter[0].antenna)
    a = np.zeros((len(tx), *(antenna.num_ports for antenna in antennas)), np.complex64)
    doppler = np.zeros(len(tx))
    diffracts = interactions == InteractionType.DIFFRACTION
    first = np.take_along_axis(triangle, diffracts.argmax(axis=1)[:, None], axis=1)[:, 0]
    first = np.where(diffracts.any(axis=1), first, 0).astype(np.uint32)
    ends = transmitter_ends(recipe)
    position = np.concatenate([end.position_m for end in ends])
    # Transmitters of one antenna in one launch: launching costs more than few paths do.
    for antenna in dict.fromkeys(end.antenna for end in ends):
        alike = np.array([end.antenna == antenna for end in ends])
        rows = np.flatnonzero(alike[tx])
        table = PathTable(
            receiver=rx[rows],
            kind=interactions[rows],
            triangle=triangle[rows],
            vertex=without_gaps(interactions[rows], vertex_m[rows]),
            wedge=wedges_of_edges(world, first[rows], edge[rows]),
        )
        orientation = np.concatenate([end.orientation_rad for end in ends])[alike]
        a[rows], doppler[rows] = coefficients(
            world,
            table,
            End(position[alike], orientation, antenna),
            rx_end,
            diffraction=recipe.solver.diffraction,
            source=(np.cumsum(alike) - 1)[tx[rows]],
        )
    velocity = np.array([spec.velocity_m_s for spec in recipe.transmitter], np.float64)
    tx_m, rx_m = position[tx], receivers.position_m[rx]
    loss = vegetation_loss_db(world, interactions, vertex_m, tx_m, rx_m)
    _, departure, arrival = path_ends(interactions, vertex_m, tx_m, rx_m)
    doppler += shift_by_ends_hz(
        departure, arrival, velocity[tx], receivers.velocity_m_s[rx], recipe.frequency_hz
    )
    return attenuated(a, loss), doppler, loss


def without_gaps(interactions: Bytes, vertex_m: Singles) -> Singles:
    """Vertices with the last one repeated in unused depths, as the field calculator needs them."""
    filled = interactions != 0
    last = np.maximum(np.count_nonzero(filled, axis=1) - 1, 0)
    repeat = np.nan_to_num(vertex_m[np.arange(len(last)), last])[:, None]
    return np.where(filled[..., None], vertex_m, repeat)
