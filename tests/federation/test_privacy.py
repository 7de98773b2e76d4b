"""Clipping, noise, its account, secure sums, fewer bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rtwin.errors import OutOfRangeError
from rtwin.federation.privacy import (
    clipped,
    dequantised,
    epsilon_of,
    gaussian_sigma,
    masked_updates,
    noised_mean,
    plain_fixed_sum,
    quantised,
    secure_sum,
    sigma_for,
)

UPDATES = arrays.arrays(np.float64, (5, 6), elements=st.floats(-100, 100))


@given(updates=UPDATES, norm=st.floats(0.01, 1000))
def test_clipping_never_lengthens(updates, norm):
    found = clipped(updates, norm)
    before, after = np.linalg.norm(updates, axis=1), np.linalg.norm(found, axis=1)
    assert (after <= np.minimum(before, norm) * (1 + 1e-12) + 1e-12).all()
    kept = before <= norm
    assert (found[kept] == updates[kept]).all()


def test_noise_is_as_large_as_it_says():
    updates = np.zeros((10, 50_000))
    found = noised_mean(updates, 2.0, 3.0, np.random.default_rng(1))
    assert found.std() == pytest.approx(2.0 * 3.0 / 10, rel=0.01)
    with pytest.raises(OutOfRangeError, match="above 0"):
        clipped(updates, 0.0)


def test_account_of_a_single_release():
    """The textbook's noise keeps its epsilon, and the account finds less to be enough."""
    pytest.importorskip("dp_accounting")
    for epsilon in (0.25, 0.5, 1.0):
        assert epsilon_of(gaussian_sigma(epsilon, 1e-5), 1, 1e-5) <= epsilon
        assert sigma_for(epsilon, 1, 1e-5) < gaussian_sigma(epsilon, 1e-5)
        assert epsilon_of(sigma_for(epsilon, 1, 1e-5), 1, 1e-5) == pytest.approx(epsilon, rel=1e-3)


def test_account_of_rounds():
    """Anchors of the reference, and: noise of k rounds is that of one times root k."""
    pytest.importorskip("dp_accounting")
    assert epsilon_of(4.0, 30, 1e-3) == pytest.approx(5.2, abs=0.15)
    assert epsilon_of(8.0, 30, 1e-3) == pytest.approx(2.2, abs=0.15)
    assert epsilon_of(2.0, 16, 1e-5) == pytest.approx(epsilon_of(0.5, 1, 1e-5), rel=1e-6)
    assert epsilon_of(1.0, 100, 1e-3, 0.1) < epsilon_of(1.0, 100, 1e-3)
    with pytest.raises(OutOfRangeError, match="sigma"):
        epsilon_of(0.0, 1, 1e-5)


@given(updates=UPDATES, seed=st.integers(0, 2**31))
def test_secure_sum_is_the_plain_sum_exactly(updates, seed):
    assert (secure_sum(updates, seed) == plain_fixed_sum(updates)).all()
    assert secure_sum(updates, seed) == pytest.approx(updates.sum(axis=0), abs=5 * 2.0**-16)


def test_a_masked_update_is_noise():
    updates = np.zeros((4, 20_000))
    sent = masked_updates(updates, 1)
    assert sent.astype(np.float64).mean() == pytest.approx(2.0**31, rel=0.02)
    assert len(np.unique(sent[0])) > 19_000


def test_sums_that_would_overflow_are_refused():
    with pytest.raises(OutOfRangeError, match="clip them first"):
        secure_sum(np.full((4, 2), 9000.0), 1)


@given(updates=UPDATES, bits=st.integers(2, 16))
def test_quantised_is_within_a_step(updates, bits):
    numbers, step = quantised(updates, bits, np.random.default_rng(1))
    assert np.abs(numbers).max(initial=0) <= 2 ** (bits - 1) - 1
    assert (np.abs(dequantised(numbers, step) - updates) <= step * (1 + 1e-9)).all()


def test_quantised_is_true_on_average():
    updates = np.tile([[0.3, -0.7, 1.0]], (40_000, 1))
    numbers, step = quantised(updates, 3, np.random.default_rng(2))
    assert dequantised(numbers, step).mean(axis=0) == pytest.approx(updates[0], abs=5e-3)
    with pytest.raises(OutOfRangeError, match="2 to 16"):
        quantised(updates, 1, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("sigma", "rounds", "delta", "sampled"),
    [
        *((-1.0, 1, 0.1, 1.0), (0.0, 1, 0.1, 1.0), (1.0, 0, 0.1, 1.0), (1.0, 1, 0.0, 1.0)),
        *((1.0, 1, 1.0, 1.0), (1.0, 1, 0.1, 0.0), (1.0, 1, 0.1, 1.5)),
    ],
)
def test_accounts_that_make_no_sense(sigma, rounds, delta, sampled):
    words = f"sigma {sigma:g}, rounds {rounds}, delta {delta:g}, sampled {sampled:g}: sigma must"
    with pytest.raises(OutOfRangeError, match=words):
        epsilon_of(sigma, rounds, delta, sampled)
