"""The ground in the engine, which knows slabs only: a slab beyond any depth has no back side.

The engine's materials ask one function for the coefficients of their slab. It is
replaced by one that gives Fresnel's coefficients where the thickness stands for a
half-space, and is the engine's own to the bit for every other. So all that the
engine computes knows half-spaces: paths, scattering, radio maps.
"""

from typing import Any

from rtwin.scene import Material

HALF_SPACE_M = 1e4  # the thickness that stands for it
_DEEP_M = 1e3  # far above what a slab may have


def engine_values(material: Material) -> dict[str, float]:
    """What the engine's material is set to, by the name of its property."""
    return {
        "relative_permittivity": material.relative_permittivity,
        "conductivity": material.conductivity_s_per_m,
        "thickness": HALF_SPACE_M if material.is_half_space else material.thickness_m,
        "scattering_coefficient": material.scattering_coefficient,
        "xpd_coefficient": material.xpd_coefficient,
    }


def teach_half_spaces() -> None:
    """Make the materials of the engine, which is loaded by now, know half-spaces; once is enough.

    Source: Fresnel, as ITU-R P.2040 section 2.2.2; checked by
    tests/trace/engine/test_half_space.py.
    """
    import drjit as dr
    from sionna.rt.radio_materials import radio_material
    from sionna.rt.utils.electromagnetics import fresnel_reflection_coefficients_simplified

    of_slab = radio_material.itu_coefficients_single_layer_slab
    if getattr(of_slab, "knows_half_spaces", False):
        return

    def coefficients(cos_theta: Any, eta: Any, d: Any, wavelength: Any) -> tuple[Any, ...]:
        deep = d > _DEEP_M
        r_te, r_tm, t_te, t_tm = of_slab(cos_theta, eta, dr.select(deep, 0.1, d), wavelength)
        te, tm = fresnel_reflection_coefficients_simplified(cos_theta, eta)
        nothing = type(t_te)(0.0)
        return (
            dr.select(deep, te, r_te),
            dr.select(deep, tm, r_tm),
            dr.select(deep, nothing, t_te),
            dr.select(deep, nothing, t_tm),
        )

    coefficients.knows_half_spaces = True  # type: ignore[attr-defined]
    radio_material.itu_coefficients_single_layer_slab = coefficients
