"""Fields of paths that diffract, once or several times, evaluated by rtwin.

What an edge does to the two polarisations is uniform theory (rtwin.trace.diffraction).
A product of such coefficients fails where one edge stands in the transition zone of
another, which over roofs is the rule. So what several edges do together is the integral
over their openings (rtwin.channel.knife_edges), and each edge adds what its coefficient
has over a knife edge of its own:

    a ~ A / R * prod_m  M_m / (sqrt(L_m) A_m)

with R the length of the way, A of all edges, A_m of each alone. For one edge that is its
coefficient; for edges far apart the product; for small angles the knife edges of ITU-R
P.526. Where a wave runs along a face from one edge to the next (over a flat roof), the
coefficient of either edge vanishes or doubles and means nothing: there, and at edges
that the way leaves below it, the edge is a knife edge and nothing else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import InteractionType, knife_edges
from rtwin.trace.diffraction import NO_ROW, Matrix, SceneEdges, Wedge, edge_matrix, world_jones
from rtwin.trace.world import World

ALONG_FACE_RAD = 0.02


@dataclass(frozen=True)
class EdgePlan:
    """What the edges of some paths have to do with geometry and frequency alone."""

    row: NDArray[np.int64]  # [path, depth], of the scene's edges; NO_ROW where none
    before_m: Floats  # [path, depth], way from the edge before, or from the transmitter
    behind_m: Floats  # [path, depth]
    is_knife: NDArray[np.bool_]  # [path, depth], edges without a coefficient of their own
    scale: NDArray[np.complex128]  # [path], factor of all in place of the spreading [1/m]
    has_edge: tuple[bool, ...]  # [depth], whether any path diffracts there
    has_face: tuple[bool, ...]  # [depth], whether any path does something else there


def edge_rows(
    edges: SceneEdges,
    vertices_m: NDArray[np.float32],
    kind: NDArray[np.uint8],
    triangle: NDArray[np.uint32],
    vertex_m: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Which edge of the scene each diffraction is at, [path, depth]; NO_ROW elsewhere.

    Of the sides of its triangle that which passes nearest to the place.

    Args:
        edges: Of the scene.
        vertices_m: Corners of its triangles [m], [triangle, 3, 3].
        kind, triangle, vertex_m: Of the paths, [path, depth].
    """
    found = np.full(kind.shape, NO_ROW)
    at = np.nonzero(kind == InteractionType.DIFFRACTION)
    if not len(at[0]):
        return found
    met = triangle[at].astype(np.int64)
    corner = vertices_m[met].astype(np.float64)
    place = vertex_m[at].astype(np.float64)[:, None]
    way = np.roll(corner, -1, axis=1) - corner
    size = np.maximum((way**2).sum(axis=2), 1e-12)
    share = np.clip(((place - corner) * way).sum(axis=2) / size, 0.0, 1.0)
    distance = np.linalg.norm(place - corner - share[..., None] * way, axis=2)
    row = edges.row[met]
    distance[row == NO_ROW] = np.inf
    found[at] = row[np.arange(len(met)), distance.argmin(axis=1)]
    return found


def has_own_edges(world: World, kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which paths [path, depth] the engine's calculator is not asked for, [path]."""
    own = world.recipe.solver.diffraction_model != "sionna"
    found: NDArray[np.bool_] = (kind == InteractionType.DIFFRACTION).any(axis=1) & own
    return found


def edge_plan(
    world: World,
    kind: NDArray[np.uint8],
    triangle: NDArray[np.uint32],
    vertex_m: NDArray[np.float32],
    tx_m: Floats,
    rx_m: Floats,
) -> EdgePlan:
    """The plan of paths [path, depth] between ends [path, 3] m."""
    edges = world.triangles.edges
    row = edge_rows(edges, world.triangles.vertices, kind, triangle, vertex_m)
    bends = row != NO_ROW
    num, depth = kind.shape
    count = np.count_nonzero(kind, axis=1)
    corner = np.empty((num, depth + 2, 3))
    corner[:, 0] = tx_m
    for d in range(depth + 1):
        there = (d < count)[:, None]
        some = vertex_m[:, d].astype(np.float64) if d < depth else rx_m
        corner[:, d + 1] = np.where(there, some, rx_m)
    step = np.diff(corner, axis=1)
    length = np.linalg.norm(step, axis=2)  # [path, depth + 1]
    total = length.sum(axis=1)
    # Ways between diffractions, through all mirrors and walls on them.
    before, behind = np.zeros((num, depth)), np.zeros((num, depth))
    run = np.zeros(num)
    for d in range(depth):
        run = run + length[:, d]
        before[:, d] = run
        run = np.where(bends[:, d], 0.0, run)
    run = length[:, depth].copy()
    for d in reversed(range(depth)):
        behind[:, d] = run
        run = np.where(bends[:, d], 0.0, run) + length[:, d]
    angles = _angles(edges, row, step)
    turn = np.abs(angles.phi_out - angles.phi_in) - np.pi
    bend = 2.0 * np.sin(0.5 * turn) * angles.sin_edge
    grazes = _along_a_face(angles, bends, edges, row)
    several = bends.sum(axis=1) > 1
    is_knife = bends & several[:, None] & (grazes | (turn < 0))
    scale = _factor(world, bends, is_knife, before, behind, bend, total)
    return EdgePlan(
        row=row,
        before_m=before,
        behind_m=behind,
        is_knife=is_knife,
        scale=scale,
        has_edge=tuple(bool(x) for x in bends.any(axis=0)),
        has_face=tuple(bool(x) for x in ((kind != 0) & ~bends).any(axis=0)),
    )


@dataclass(frozen=True)
class _Angles:
    phi_in: Floats  # [path, depth]
    phi_out: Floats
    sin_edge: Floats


def _angles(edges: SceneEdges, row: NDArray[np.int64], step: Floats) -> _Angles:
    unit = step / np.maximum(np.linalg.norm(step, axis=2, keepdims=True), 1e-12)
    some = np.where(row == NO_ROW, 0, row)
    if not len(edges):
        zero = np.zeros(row.shape)
        return _Angles(zero, zero, zero)
    e, n0 = edges.direction[some], edges.normal[some, 0]
    along = np.cross(n0, e)

    def angle(k: Floats) -> Floats:
        found = np.arctan2((k * n0).sum(axis=2), (k * along).sum(axis=2))
        found = np.where(found < -1e-3, found + 2 * np.pi, np.maximum(found, 0.0))
        limited: Floats = np.minimum(found, edges.turn_rad[some])
        return limited

    cosine = (unit[:, 1:] * e).sum(axis=2)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 1e-8))
    return _Angles(angle(-unit[:, :-1]), angle(unit[:, 1:]), sine)


def _along_a_face(
    angles: _Angles, bends: NDArray[np.bool_], edges: SceneEdges, row: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Edges from or to which the way to a neighbouring edge runs along a face, [path, depth]."""
    grazes = np.zeros(bends.shape, bool)
    if not len(edges):
        return grazes
    limit = edges.turn_rad[np.where(row == NO_ROW, 0, row)]

    def near(phi: Floats) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.minimum(phi, limit - phi) < ALONG_FACE_RAD
        return found

    both = bends[:, 1:] & bends[:, :-1]
    along = both & (near(angles.phi_out)[:, :-1] | near(angles.phi_in)[:, 1:])
    grazes[:, :-1] |= along
    grazes[:, 1:] |= along
    return grazes


def _factor(
    world: World,
    bends: NDArray[np.bool_],
    is_knife: NDArray[np.bool_],
    before: Floats,
    behind: Floats,
    bend: Floats,
    total: Floats,
) -> NDArray[np.complex128]:
    """A / R over what is to be taken out for the coefficients that come in."""
    wavelength = float(world.scene.wavelength[0])
    scale = (1.0 / np.maximum(total, 1e-12)).astype(np.complex128)
    number = bends.sum(axis=1)
    for count in np.unique(number[number > 0]):
        rows = np.flatnonzero(number == count)
        place = np.nonzero(bends[rows])[1].reshape(len(rows), count)
        pick = (rows[:, None], place)
        if count > 1:
            way = np.concatenate([before[pick], behind[pick][:, -1:]], axis=1)
            scale[rows] *= knife_edges(way, bend[pick], wavelength)
        s, t = behind[pick], before[pick]
        own = ~is_knife[pick]
        each = np.where(own, np.sqrt((s + t) / np.maximum(s * t, 1e-12)), 1.0)
        scale[rows] *= each.prod(axis=1)
        if count > 1:
            alone = knife_edges(
                np.stack([t.ravel(), s.ravel()], axis=1), bend[pick].reshape(-1, 1), wavelength
            ).reshape(len(rows), count)
            scale[rows] /= np.where(own, alone, 1.0).prod(axis=1)
    return scale


def edge_calculator(world: World, plan: EdgePlan) -> Any:
    """The engine's field calculator for the paths of a plan, with rtwin's edges.

    Its loop over depths is unrolled: what no path does at a depth is not compiled.
    """
    import drjit as dr
    from sionna.rt.path_solvers.field_calculator import FieldCalculator
    from sionna.rt.utils.jones import jones_matrix_from_real_imag

    mi: Any = world.engine.mi
    diffraction = int(InteractionType.DIFFRACTION)

    class EdgeCalculator(FieldCalculator):  # type: ignore[misc, unused-ignore]
        def transport_electric_field(
            self,
            e_fields_tx: Any,
            wavelength: Any,
            paths: Any,
            samples_per_src: int,
            diffraction_enabled: bool,
            src_positions: Any,
            tgt_positions: Any,
        ) -> Any:
            num, target = (
                paths.buffer_size,
                dr.gather(mi.Point3f, tgt_positions, paths.target_indices),
            )
            source = dr.gather(mi.Point3f, src_positions, paths.source_indices)
            ki, active, kind, vertex, length = self.first_segment(paths, source, target)
            fields, total = list(e_fields_tx), mi.Float(length)
            doppler, solid_angle = dr.zeros(mi.Float, num), dr.full(mi.Float, 1.0, num)
            for d in range(len(plan.has_edge)):
                if not (plan.has_edge[d] or plan.has_face[d]):
                    break
                depth = dr.full(mi.UInt, d + 1, num)
                last = d + 1 == len(plan.has_edge)
                kind_next = (
                    dr.zeros(mi.UInt, num)
                    if last
                    else paths.get_interaction_type(depth + 1, active)
                )
                ends = kind_next == 0
                following = target
                if not last:
                    following = dr.select(ends, target, paths.get_vertex(depth + 1, active & ~ends))
                way = mi.Vector3f(following - vertex)
                length = dr.norm(way)
                ko = dr.select(active, way * dr.rcp(length), ki)
                shape = dr.reinterpret_array(mi.ShapePtr, paths.get_shape(depth, active))
                bends = active & (kind == diffraction)
                if plan.has_face[d]:
                    fields, _ = self._update_field(
                        shape,
                        paths,
                        depth,
                        False,
                        kind,
                        ki,
                        ko,
                        fields,
                        solid_angle,
                        0.0,
                        0.0,
                        active & ~bends,
                    )
                if plan.has_edge[d]:
                    real, imag = _jones(world, plan, d, ki, ko, wavelength)
                    matrix = jones_matrix_from_real_imag(real, imag)
                    fields = [dr.select(bends, matrix @ field, field) for field in fields]
                self._update_doppler_shift(shape, doppler, wavelength, ki, ko, active)
                total += dr.select(active, length, 0.0)
                ki, vertex, kind = ko, following, kind_next
                active &= ~ends
            factor = mi.Complex2f(
                world.engine.opaque(plan.scale.real), world.engine.opaque(plan.scale.imag)
            ) * dr.rsqrt(4.0 * dr.pi)
            return [_times(factor, field) for field in fields], total / 299792458.0, doppler, ki

    def _times(factor: Any, field: Any) -> Any:
        s = mi.Complex2f(field.x, field.z) * factor
        p = mi.Complex2f(field.y, field.w) * factor
        return mi.Vector4f(s.real, p.real, s.imag, p.imag)

    return EdgeCalculator()


def _jones(world: World, plan: EdgePlan, d: int, ki: Any, ko: Any, wavelength: Any) -> Any:
    """Jones matrices of the edges at one depth, in the engine's bases: real, imaginary."""
    import drjit as dr

    engine, edges = world.engine, world.triangles.edges
    mi = engine.mi
    row = np.where(plan.row[:, d] == NO_ROW, 0, plan.row[:, d])

    def vector(values: Floats) -> Any:
        columns = (np.ascontiguousarray(c, np.float32) for c in values.T)
        return mi.Vector3f(*(engine.opaque(column) for column in columns))

    def number(values: NDArray[Any]) -> Any:
        return engine.opaque(np.ascontiguousarray(values, np.float32))

    e = vector(edges.direction[row])
    wedge = Wedge(e, vector(edges.normal[row, 0]), number(edges.turn_rad[row] / np.pi))
    matrix = edge_matrix(
        wedge,
        ki,
        ko,
        dr.two_pi / wavelength,
        number(np.maximum(plan.before_m[:, d], 1e-6)),
        number(np.maximum(plan.behind_m[:, d], 1e-6)),
        tuple(_slab(world, edges.triangle[row, face], wavelength) for face in (0, 1)),
        transmits=world.recipe.solver.refraction,
    )
    if plan.is_knife[:, d].any():
        knife = engine.opaque(plan.is_knife[:, d], "Bool")
        one, zero = mi.Complex2f(1.0, 0.0), mi.Complex2f(0.0, 0.0)
        matrix = Matrix(
            dr.select(knife, one, matrix.ss),
            dr.select(knife, zero, matrix.sh),
            dr.select(knife, zero, matrix.hs),
            dr.select(knife, one, matrix.hh),
        )
    return world_jones(matrix, e, ki, ko)


def _slab(world: World, triangle: NDArray[np.int64], wavelength: Any) -> Any:
    """What the materials of some triangles reflect and let through, lane by lane."""
    import drjit as dr
    from sionna.rt.radio_materials import radio_material
    from sionna.rt.utils import complex_relative_permittivity

    material = world.triangles.material[triangle]
    omega = dr.two_pi * 299792458.0 / wavelength
    index = world.engine.opaque(material.astype(np.uint32), "UInt")

    def face(cosine: Any) -> Any:
        values: Any = None
        for m in np.unique(material):
            made = world.radio_materials[world.material_names[m]]
            eta = complex_relative_permittivity(
                made.relative_permittivity, made.conductivity, omega
            )
            slab = radio_material.itu_coefficients_single_layer_slab
            te, tm, *through = slab(cosine, eta, made.thickness, wavelength)
            kept = dr.sqrt(1.0 - dr.square(made.scattering_coefficient))
            some = (te * kept, tm * kept, *through)
            if values is None:
                values = some
                continue
            here = index == int(m)
            values = tuple(dr.select(here, new, old) for new, old in zip(some, values, strict=True))
        return values

    return face


def touches_faces(
    world: World,
    kind: NDArray[np.uint8],
    triangle: NDArray[np.uint32],
    vertex_m: NDArray[np.float32],
    is_asked: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether paths [path, depth] touch any of some triangles, both faces of edges counted.

    Args:
        is_asked: [triangle].
    """
    there = kind != 0
    found: NDArray[np.bool_] = (is_asked[np.where(there, triangle, 0)] & there).any(axis=1)
    rows = np.flatnonzero(has_own_edges(world, kind))
    if len(rows):
        edges = world.triangles.edges
        row = edge_rows(edges, world.triangles.vertices, kind[rows], triangle[rows], vertex_m[rows])
        both = is_asked[edges.triangle[np.where(row == NO_ROW, 0, row)]].any(axis=-1)
        found[rows] |= (both & (row != NO_ROW)).any(axis=1)
    return found


def other_materials(world: World, plan: EdgePlan) -> NDArray[np.int64]:
    """Material of the second face of each edge of the paths, [path, depth]; -1 where none."""
    edges = world.triangles.edges
    row = np.where(plan.row == NO_ROW, 0, plan.row)
    if not len(edges):
        return np.full(plan.row.shape, -1)
    both = world.triangles.material[edges.triangle[row]].astype(np.int64)
    return np.where((plan.row == NO_ROW)[..., None], -1, both)
