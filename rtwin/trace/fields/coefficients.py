"""From candidate paths to exact geometry and complex coefficients.

Both steps are Sionna's own: its image method accepts or refuses a candidate and
fixes the vertices, its field calculator gives the coefficients. This module
moves table rows into its path buffer and back.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints, Singles
from rtwin.channel import InteractionType
from rtwin.scene import Antenna, Receivers, Recipe, Solver
from rtwin.trace.chains import PathTable, wedge_arrays
from rtwin.trace.engine import antenna_functions, recording
from rtwin.trace.fields.edge_fields import edge_calculator
from rtwin.trace.fields.edge_plan import edge_plan, has_own_edges
from rtwin.trace.fields.exact import refine_exact, with_exact_vertices
from rtwin.trace.world import NO_TRIANGLE, World

PATHS_PER_LAUNCH = 500_000


@dataclass(frozen=True)
class End:
    """One end of the links as the engine needs it: positions, turns and patterns."""

    position_m: Floats  # [device, 3]
    orientation_rad: Floats  # [device, 3]
    antenna: Antenna


def transmitter_ends(recipe: Recipe) -> list[End]:
    """Each transmitter of a recipe, alone."""
    return [
        End(np.array([tx.position_m], float), np.array([tx.orientation_rad], float), tx.antenna)
        for tx in recipe.transmitter
    ]


def receiver_end(recipe: Recipe, receivers: Receivers) -> End:
    """All of a batch of receivers."""
    return End(receivers.position_m, receivers.orientation_rad, recipe.receivers.antenna)


def refine(
    world: World, table: PathTable, source_m: Floats, receivers_m: Floats, solver: Solver
) -> PathTable:
    """The candidates that are paths, with exact vertices; of diffracted ones Sionna decides."""
    from sionna.rt.path_solvers.image_method import ImageMethod

    bends = (table.kind == InteractionType.DIFFRACTION).any(axis=1)
    straight = refine_exact(world, table.take(np.flatnonzero(~bends)), source_m, receivers_m)
    if not bends.any():
        return straight
    table, parts = table.take(np.flatnonzero(bends)), [straight]
    for start in range(0, len(table), PATHS_PER_LAUNCH):
        part = table.take(slice(start, start + PATHS_PER_LAUNCH))
        buffer = to_buffer(world, part, solver.diffraction, valid=False)
        valid = _kept_validity(buffer, world.engine.dr)
        with recording():
            ImageMethod()(
                scene=world.mi_scene,
                paths=buffer,
                diffraction=solver.diffraction,
                diffraction_lit_region=solver.diffraction_lit_region,
                src_positions=world.places(source_m[None]),
                tgt_positions=world.places(receivers_m),
            )
        del buffer.get_vertex  # which holds the buffer
        buffer.valid = valid[-1]
        rows = np.flatnonzero(buffer.valid.numpy())
        parts.append(_from_buffer(world, buffer, part).take(rows))
    return PathTable.concatenate(parts)


def _kept_validity(buffer: Any, dr: Any) -> list[Any]:
    """What a buffer is last asked for vertices of, in a list that grows.

    The image method's last question is for the first vertex of the valid paths. It makes
    Dr.Jit compute all vertices at once, and validity another time when that is asked for
    afterwards, with all rays, unless it is asked for together with them.
    """
    found: list[Any] = []
    get_vertex = buffer.get_vertex

    def asked(depth: Any, active: Any) -> Any:
        dr.schedule(active)
        found.append(active)
        return get_vertex(depth, active)

    buffer.get_vertex = asked
    return found


def coefficients(
    world: World,
    table: PathTable,
    transmitter: End,
    receivers: End,
    *,
    diffraction: bool,
    samples_per_source: int = 1,
    source: Ints | None = None,
) -> tuple[NDArray[np.complex64], Singles]:
    """Path coefficients and the Doppler shift of moving objects.

    Args:
        table: Paths whose geometry is final.
        samples_per_source: Rays that share the sphere, for scattered paths.
        source: Which device of `transmitter` each path starts from, [path]; default: the first.
    Returns:
        `a` [path, rx_pol, tx_pol] without the carrier phase, and the part of
        the Doppler shift [Hz] that moving objects cause, [path].
    """
    from sionna.rt.path_solvers.field_calculator import FieldCalculator

    mi, dr = world.engine.mi, world.engine.dr
    tx_patterns, rx_patterns = (
        antenna_patterns(world, transmitter.antenna),
        antenna_patterns(world, receivers.antenna),
    )
    first = np.zeros(len(table), np.int64) if source is None else source
    table = with_exact_vertices(world, table, transmitter.position_m[first], receivers.position_m)
    a = np.zeros((len(table), len(rx_patterns), len(tx_patterns)), np.complex64)
    doppler = np.zeros(len(table), np.float32)
    own = has_own_edges(world, table.kind)
    if own.any() and not own.all():
        for some in (np.flatnonzero(own), np.flatnonzero(~own)):
            a[some], doppler[some] = coefficients(
                world,
                table.take(some),
                transmitter,
                receivers,
                diffraction=False,
                samples_per_source=samples_per_source,
                source=None if source is None else source[some],
            )
        return a, doppler
    diffraction = diffraction and not own.any()
    for start in range(0, len(table), PATHS_PER_LAUNCH):
        part = table.take(slice(start, start + PATHS_PER_LAUNCH))
        buffer = to_buffer(world, part, diffraction, valid=True)
        if source is not None:
            numbers = source[start : start + len(part)].astype(np.uint32)
            buffer._src_indices = world.engine.opaque(numbers, "UInt")
        calculator = FieldCalculator()
        if own.any():
            first = np.zeros(len(part), np.int64) if source is None else source[start:][: len(part)]
            tx_m, rx_m = transmitter.position_m[first], receivers.position_m[part.receiver]
            plan = edge_plan(world, part.kind, part.triangle, part.vertex, tx_m, rx_m)
            calculator = edge_calculator(world, plan)
        calculator(
            wavelength=world.engine.opaque([world.scene.wavelength[0]]),
            paths=buffer,
            samples_per_src=samples_per_source,
            diffraction=diffraction,
            src_positions=world.places(transmitter.position_m),
            tgt_positions=world.places(receivers.position_m),
            src_orientations=world.points(transmitter.orientation_rad),
            tgt_orientations=world.points(receivers.orientation_rad),
            src_antenna_patterns=tx_patterns,
            tgt_antenna_patterns=rx_patterns,
        )
        dr.eval(buffer.a, buffer.doppler)
        block = slice(start, start + len(part))
        for n in range(len(rx_patterns)):
            for m in range(len(tx_patterns)):
                value = buffer.a[n][m]
                a[block, n, m] = dr.real(value).numpy() + 1j * dr.imag(value).numpy()
        doppler[block] = np.broadcast_to(mi.Float(buffer.doppler).numpy(), len(part))
    return a, doppler


def antenna_patterns(world: World, antenna: Antenna) -> list[Any]:
    """The engine's pattern functions, one for each polarisation port."""
    return list(antenna_functions(world.engine, antenna, world.recipe.folder))


def to_buffer(world: World, table: PathTable, diffraction: bool, *, valid: bool) -> Any:
    """The paths of a table as the engine's buffer."""
    from sionna.rt.path_solvers.paths_buffer import PathsBuffer

    mi, engine = world.engine.mi, world.engine
    num, depth = table.kind.shape
    buffer = PathsBuffer(num, depth, diffraction)
    filled = table.triangle != NO_TRIANGLE
    index = np.where(filled, table.triangle, 0)
    shape = np.where(filled, world.triangles.shape[index], NO_TRIANGLE)
    primitive = np.where(filled, world.triangles.primitive[index], NO_TRIANGLE)

    def tensor(values: NDArray[Any], kind: str, dtype: type) -> Any:
        flat = engine.opaque(np.ascontiguousarray(values, dtype).ravel(), kind)
        return getattr(mi, {"Float": "TensorXf", "UInt": "TensorXu"}[kind])(flat, (num, depth))

    vertex = table.vertex - world.origin_m
    buffer._vertices_x = tensor(vertex[..., 0], "Float", np.float32)
    buffer._vertices_y = tensor(vertex[..., 1], "Float", np.float32)
    buffer._vertices_z = tensor(vertex[..., 2], "Float", np.float32)
    buffer._shapes = tensor(shape, "UInt", np.uint32)
    buffer._primitives = tensor(primitive, "UInt", np.uint32)
    buffer._interaction_types = tensor(table.kind, "UInt", np.uint32)
    probability = np.ones((num, depth)) if table.probability is None else table.probability
    buffer._probs = tensor(probability, "Float", np.float32)
    buffer._valid = engine.opaque(np.full(num, valid), "Bool")
    buffer._src_indices = engine.opaque(np.zeros(num, np.uint32), "UInt")
    buffer._tgt_indices = engine.opaque(table.receiver.astype(np.uint32), "UInt")
    if diffraction:
        buffer._diffracting_wedges = wedge_arrays(world, table.wedge)
    buffer._paths_counter = mi.UInt(num)
    return buffer


def _from_buffer(world: World, buffer: Any, table: PathTable) -> PathTable:
    num, depth = table.kind.shape
    first = world.first_triangle.numpy()
    shape, primitive = buffer.shapes.numpy(), buffer.primitives.numpy()
    filled = table.kind != 0
    triangle = first[np.where(filled, shape, 0).clip(max=len(first) - 1)] + primitive
    vertex = np.stack(
        [buffer.vertices_x.numpy(), buffer.vertices_y.numpy(), buffer.vertices_z.numpy()], axis=-1
    ).reshape(num, depth, 3)
    vertex = (vertex + world.origin_m).astype(np.float32)
    # Behind a path's last interaction the buffer holds leftovers of the image
    # method, which Sionna's diffraction distances would add up: repeat the last
    # vertex instead, so that the leftover segments have length zero.
    last = np.maximum(np.count_nonzero(filled, axis=1) - 1, 0)
    repeat = vertex[np.arange(num), last][:, None]
    return PathTable(
        receiver=table.receiver,
        kind=table.kind,
        triangle=np.where(filled, triangle, NO_TRIANGLE).astype(np.uint32),
        vertex=np.where(filled[..., None], vertex, repeat),
        wedge=table.wedge,
        chain=table.chain,
    )
