"""Fields of paths that diffract, once or several times, evaluated by rtwin in the engine."""

from typing import Any

from rtwin.channel import InteractionType
from rtwin.trace.fields.edge_plan import EdgePlan
from rtwin.trace.fields.transport import edge_arrays, edge_jones, material_arrays
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
    materials = material_arrays(world)

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
                    real, imag = edge_jones(
                        edge_arrays(world, plan, d),
                        ki,
                        ko,
                        materials,
                        wavelength,
                        transmits=world.recipe.solver.refraction,
                    )
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
