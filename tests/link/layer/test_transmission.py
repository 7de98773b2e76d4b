"""The outer loop meets its target; combining and what retransmissions cost."""

import numpy as np
import pytest

from rtwin.link.layer import BlockErrors, transmit

ERRORS = BlockErrors(2, 7000)


def steady(sinr_db, steps=400):
    return np.full((steps, len(np.atleast_1d(sinr_db)), ERRORS.count), 0.0) + np.atleast_1d(
        sinr_db
    ).reshape(1, -1, 1)


def test_the_outer_loop_meets_its_target_on_a_steady_and_on_a_fading_channel():
    sent = transmit(steady([3.0, 11.0, 19.0]), ERRORS)
    np.testing.assert_allclose(sent.first_error[100:].mean(axis=0), 0.1, atol=0.02)
    rng = np.random.default_rng(1)
    fading = steady([5.0, 12.0, 18.0], 3000) + 3.0 * rng.standard_normal((3000, 3, 1))
    sent = transmit(fading, ERRORS)
    np.testing.assert_allclose(sent.first_error[500:].mean(axis=0), 0.1, atol=0.02)
    # Without a loop, reports of a channel that has gone are believed.
    blind = transmit(fading, ERRORS, offset_step_db=0.0)
    assert (blind.first_error[500:].mean(axis=0) > 0.3).all()
    assert (sent.goodput * sent.mcs)[500:].mean() > 0


def test_goodput_pays_for_retransmissions():
    sent = transmit(steady(10.0), ERRORS, max_transmissions=1)
    np.testing.assert_allclose(sent.goodput, 1 - sent.first_error)
    np.testing.assert_allclose(sent.transmissions, 1.0)
    again = transmit(steady(10.0), ERRORS, max_transmissions=4)
    np.testing.assert_array_equal(again.mcs, sent.mcs)
    np.testing.assert_allclose(again.transmissions, 1 + again.first_error, atol=1e-3)
    assert again.lost.max() < 1e-6
    assert (again.goodput <= 1.0 / again.transmissions + 1e-12).all()


def test_combining_adds_sinrs_up():
    # Too weak by 5 dB for the slowest MCS: four transmissions bring 6 dB.
    needed = ERRORS.required_sinr_db(0.1)[0]
    sent = transmit(steady(needed - 5.0), ERRORS)
    assert sent.first_error.min() > 0.99
    assert sent.lost.max() < 0.1
    # At first, and with the sums of one to three: all fail but some of the last.
    np.testing.assert_allclose(sent.goodput, (1 - sent.lost) / sent.transmissions)
    assert (sent.transmissions > 3.0).all()


def test_nothing_arrives_and_reports_are_a_step_old():
    sinr_db = steady([20.0, -np.inf], 6)
    sent = transmit(sinr_db, ERRORS)
    assert (sent.mcs[:, 1] == -1).all()
    assert (sent.goodput[:, 1] == 0).all()
    falls = steady(20.0, 6)
    falls[3:] = 5.0
    sent = transmit(falls, ERRORS)
    assert sent.mcs[3, 0] == sent.mcs[2, 0]
    assert sent.first_error[3, 0] == 1.0
    assert sent.mcs[4, 0] < 8


@pytest.mark.parametrize("table", [1, 3])
def test_other_tables(table):
    errors = BlockErrors(table, 3000)
    sent = transmit(np.full((50, 1, errors.count), 40.0), errors)
    assert (sent.mcs == errors.count - 1).all()
    assert (sent.goodput > 0.999).all()
