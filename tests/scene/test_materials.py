"""Material properties: values, ranges, overlaps, overrides."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.errors import MaterialRangeError, RecipeError
from rtwin.scene import ITU_TABLE, Material, MaterialSpec, material_properties

from .helpers import assert_one_line


def test_concrete_at_3_5_ghz():
    m = material_properties("concrete", None, 3.5e9)
    assert m.relative_permittivity == 5.24
    assert m.conductivity_s_per_m == pytest.approx(0.0462 * 3.5**0.7822)
    assert (m.thickness_m, m.scattering_coefficient, m.xpd_coefficient) == (0.1, 0.0, 0.0)


def test_a_material_is_a_smooth_slab_if_nothing_else_is_said():
    assert Material(3.0, 0.1) == Material(3.0, 0.1, 0.1, 0.0, 0.0, "lambertian", None, None, None)


def test_permittivity_may_depend_on_frequency():
    m = material_properties("medium_dry_ground", None, 10e9)
    assert m.relative_permittivity == pytest.approx(15 * 10**-0.1)


def test_first_range_in_table_order_wins():
    # 110-330 GHz stands before 100-400 GHz.
    assert material_properties("plasterboard", None, 120e9).relative_permittivity == 2.56
    assert material_properties("plasterboard", None, 105e9).relative_permittivity == 2.65
    assert material_properties("plasterboard", None, 100e9).relative_permittivity == 2.73


def test_out_of_range_is_an_error_with_advice():
    with pytest.raises(MaterialRangeError) as caught:
        material_properties("metal", None, 0.923e9)
    assert str(caught.value) == (
        "'metal' (ITU-R P.2040 table) covers 1-100 GHz, got 0.923 GHz; "
        'pass out_of_range="clamp" under [materials.metal] to use the 1 GHz values.'
    )
    with pytest.raises(MaterialRangeError) as caught:
        material_properties("wall", MaterialSpec(itu="concrete"), 104e9)
    assert_one_line(caught, "'concrete'", "covers 1-100, 110-330 GHz, got 104 GHz", "the 100 GHz")


@given(name=st.sampled_from(sorted(ITU_TABLE)), ghz=st.floats(1e-4, 1e4))
def test_clamp_takes_the_nearest_edge(name, ghz):
    spec = MaterialSpec(out_of_range="clamp")
    rows = ITU_TABLE[name]
    m = material_properties(name, spec, ghz * 1e9)
    if any(low <= ghz * 1e9 / 1e9 <= high for low, high, *_ in rows):
        assert m == material_properties(name, None, ghz * 1e9)
    else:
        edge = min((e for row in rows for e in row[:2]), key=lambda e: abs(e - ghz))
        row = next(r for r in rows if edge in r[:2])
        a, b, c, d = row[2:]
        assert m.relative_permittivity == pytest.approx(a * edge**b)
        assert m.conductivity_s_per_m == pytest.approx(c * edge**d)
    # Passive everywhere: what leaves a material is not more than what entered.
    assert m.relative_permittivity >= 1
    assert m.conductivity_s_per_m >= 0


@pytest.mark.parametrize("thickness_m", [1e-4, 0.5, 100.0])
def test_a_slab_may_be_thin_or_100_m_thick(thickness_m):
    assert MaterialSpec(thickness_m=thickness_m).thickness_m == thickness_m


@pytest.mark.parametrize("thickness_m", [0.0, -1.0, 100.5])
def test_a_slab_of_no_possible_thickness(thickness_m):
    with pytest.raises(ValueError, match="above 0 m and at most 100 m"):
        MaterialSpec(thickness_m=thickness_m)


def test_custom_numbers_hold_at_any_frequency():
    spec = MaterialSpec(
        relative_permittivity=5.2,
        conductivity_s_per_m=0.1,
        thickness_m=0.3,
        scattering_coefficient=0.2,
        xpd_coefficient=0.1,
        scattering_pattern="backscattering",
        alpha_r=3,
        alpha_i=4,
        lambda_=0.5,
    )
    assert material_properties("anything", spec, 1e12) == Material(
        5.2, 0.1, 0.3, 0.2, 0.1, "backscattering", 3, 4, 0.5
    )


def test_unknown_material_names_the_nearest():
    with pytest.raises(RecipeError) as caught:
        material_properties("marbel", None, 3.5e9)
    assert_one_line(caught, "unknown material 'marbel'; did you mean 'marble'?")


@pytest.mark.parametrize("ghz", [0.5, 1.0, 3.5, 5.8, 10.0, 28.0])
def test_fresh_water_against_another_model(ghz):
    """One relaxation as U. Kaatze measured it at 20 degrees Celsius (J. Chem. Eng. Data 34, 1989).

    Static permittivity 80.21, infinite frequency 5.6, relaxation time 9.36 ps.
    """
    m = material_properties("fresh_water", None, ghz * 1e9)
    omega = 2 * math.pi * ghz * 1e9
    debye = 5.6 + (80.21 - 5.6) / (1 + 1j * omega * 9.36e-12)
    assert m.relative_permittivity == pytest.approx(debye.real, rel=0.03)
    assert m.conductivity_s_per_m == pytest.approx(-debye.imag * omega * 8.854e-12, rel=0.04)


def test_water_out_of_range_and_vegetation_as_a_surface():
    with pytest.raises(MaterialRangeError) as caught:
        material_properties("fresh_water", None, 1e6)
    assert_one_line(caught, "'fresh_water' (ITU-R P.527) covers 0.01-1000 GHz, got 0.001 GHz")
    clamped = material_properties(
        "pond", MaterialSpec(itu="fresh_water", out_of_range="clamp"), 1e6
    )
    assert clamped == material_properties("fresh_water", None, 1e7)
    with pytest.raises(RecipeError) as refused:
        material_properties("vegetation", None, 3.5e9)
    assert_one_line(refused, "'vegetation' has no surface; give it to [[object]] tables of shape")
