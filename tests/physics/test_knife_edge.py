import numpy as np
import pytest
from scipy import special

from rtwin.channel import fresnel_integrals, knife_edge_loss_db, knife_edge_nu


@pytest.mark.parametrize(("nu", "loss_db"), [(0.0, 6.021), (1.0, 13.864), (2.4, 20.618)])
def test_exact_loss(nu, loss_db):
    np.testing.assert_allclose(knife_edge_loss_db(nu), loss_db, atol=5e-4)


def test_fresnel_integrals_agree_with_scipy():
    x = np.concatenate([np.linspace(-30, 30, 6001), np.logspace(-9, 3, 500)])
    sine, cosine = special.fresnel(x)
    np.testing.assert_allclose(fresnel_integrals(x), (cosine, sine), rtol=0, atol=1e-12)


def test_loss_from_scipy_integrals():
    nu = np.linspace(-8, 8, 161)
    s, c = special.fresnel(nu)
    expected = -20 * np.log10(np.hypot(1 - c - s, c - s) / 2)
    np.testing.assert_allclose(knife_edge_loss_db(nu), expected, atol=1e-9)


def test_the_approximation_of_p526_is_close():
    nu = np.linspace(-0.7, 20, 200)
    approximation = 6.9 + 20 * np.log10(np.sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1)
    np.testing.assert_allclose(knife_edge_loss_db(nu), approximation, atol=0.3)


def test_deep_shadow_keeps_its_precision():
    # The leading term of the asymptotic series is off by 3 / (2 pi^2 nu^4) at most.
    nu = np.array([1e2, 1e4, 1e6])
    leading = 20 * np.log10(np.sqrt(2) * np.pi * nu)
    np.testing.assert_allclose(knife_edge_loss_db(nu), leading, atol=1e-7)


def test_a_clear_line_loses_nothing_in_the_end():
    np.testing.assert_allclose(knife_edge_loss_db(-1e3), 0.0, atol=5e-3)


def test_diffraction_parameter():
    # 10 m above the middle of 1 km: 10 sqrt(2 x 1000 / (0.1 x 500 x 500)).
    frequency = 299792458.0 / 0.1
    np.testing.assert_allclose(
        knife_edge_nu([10.0, -10.0, 0.0], 500.0, 500.0, frequency),
        np.array([1, -1, 0]) * 10 * np.sqrt(0.08),
    )
