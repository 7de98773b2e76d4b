"""Fields of paths that diffract, once or several times, evaluated by rtwin in the engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.channel import InteractionType
from rtwin.trace.diffraction import NO_ROW, Matrix, Wedge, edge_matrix, world_jones
from rtwin.trace.fields.edge_plan import EdgePlan
from rtwin.trace.world import World


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


def _slab(world: World, triangle: Ints, wavelength: Any) -> Any:
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
