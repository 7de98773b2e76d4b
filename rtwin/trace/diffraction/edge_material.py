"""The engine's material with rtwin's edges: whatever asks for a diffraction gets ours.

The engine asks the material of an edge's first face for the Jones matrix of a
diffraction: in paths, in stored and frozen paths, and in the kernel of Monte Carlo
radio maps. So one method holds for all of them.
"""

from functools import cache
from typing import Any

from rtwin.trace.diffraction.uniform_theory import Slab, edge_matrix, wedge_of_normals, world_jones


def rough_slab(eta: Any, thickness: Any, scattering: Any, wavelength: Any) -> Slab:
    """What faces reflect and let through; of a rough one's reflection what it does not scatter."""
    import drjit as dr
    from sionna.rt.radio_materials import radio_material

    kept = dr.sqrt(1.0 - dr.square(scattering))

    def face(cosine: Any) -> tuple[Any, Any, Any, Any]:
        slab = radio_material.itu_coefficients_single_layer_slab
        te, tm, through_te, through_tm = slab(cosine, eta, thickness, wavelength)
        return te * kept, tm * kept, through_te, through_tm

    return face


@cache
def edge_material(*, transmits: bool) -> Any:
    """Class of radio materials whose edges follow rtwin.trace.diffraction.

    Args:
        transmits: Whether waves pass the faces.
    """
    import drjit as dr
    import mitsuba as mi
    from sionna.rt import RadioMaterial
    from sionna.rt.utils.jones import jones_matrix_from_real_imag

    class EdgeMaterial(RadioMaterial):  # type: ignore[misc, unused-ignore]
        def _diffraction_matrix(
            self, to_world: Any, ki_local: Any, ko_local: Any, si: Any, eta: Any, wavenumber: Any
        ) -> Any:
            face = rough_slab(eta, self._d, self._s, dr.two_pi / wavenumber)
            upright = mi.Vector3f(0.0, 0.0, 1.0)
            wedge = wedge_of_normals(si.dn_du, upright, si.dn_dv)
            matrix = edge_matrix(
                wedge,
                ki_local,
                ko_local,
                wavenumber,
                si.dp_du.y,
                si.dp_du.x,
                (face, face),
                transmits=transmits,
            )
            real, imag = world_jones(
                matrix, to_world @ si.dn_du, to_world @ ki_local, to_world @ ko_local
            )
            return jones_matrix_from_real_imag(real, imag)

    return EdgeMaterial
