"""3GPP TR 38.901: values worked out by hand from tables 7.4.1-1, 7.4.2-1 and 7.3-1."""

import numpy as np
import pytest

from rtwin.channel import (
    free_space_path_loss_db,
    tr38901_element_gain_db,
    tr38901_los_probability,
    tr38901_path_loss_db,
)


def test_macro_by_hand():
    # d3D = 102.7 m: 28 + 22 log10(d) + 20 log10(3.5) and 13.54 + 39.08 log10(d) + ...
    d = np.hypot(100.0, 23.5)
    sight = tr38901_path_loss_db("uma", 100.0, 25.0, 1.5, 3.5e9, True)
    assert sight == pytest.approx(28 + 22 * np.log10(d) + 20 * np.log10(3.5))
    hidden = tr38901_path_loss_db("uma", 100.0, 25.0, 1.5, 3.5e9, False)
    assert hidden == pytest.approx(13.54 + 39.08 * np.log10(d) + 20 * np.log10(3.5))


@pytest.mark.parametrize("scenario", ["uma", "umi"])
def test_no_step_at_the_break_point(scenario):
    break_m = 4 * 9.0 * 0.5 * 3.5e9 / 299792458.0
    near, far = (
        tr38901_path_loss_db(scenario, break_m + e, 10.0, 1.5, 3.5e9, True) for e in (-1e-6, 1e-6)
    )
    assert near == pytest.approx(far, abs=0.01)


@pytest.mark.parametrize("scenario", ["uma", "umi", "inh"])
def test_hidden_is_never_below_sight_and_both_grow(scenario):
    d = np.geomspace(1, 2000, 60)
    sight, hidden = (
        tr38901_path_loss_db(scenario, d, 10.0, 1.5, 3.5e9, los) for los in (True, False)
    )
    assert (hidden >= sight).all()
    assert (np.diff(sight) > 0).all()
    assert np.abs(sight[:20] - free_space_path_loss_db(np.hypot(d, 8.5), 3.5e9)[:20]).max() < 10


def test_probability_of_sight():
    assert tr38901_los_probability("uma", 18.0) == 1.0
    assert tr38901_los_probability("uma", 100.0) == pytest.approx(0.18 + np.exp(-100 / 63) * 0.82)
    assert tr38901_los_probability("umi", 100.0) == pytest.approx(0.18 + np.exp(-100 / 36) * 0.82)
    assert tr38901_los_probability("inh", 1.0) == 1.0
    assert (np.diff(tr38901_los_probability("inh", np.linspace(0.1, 60, 400))) <= 1e-12).all()


def test_element():
    assert tr38901_element_gain_db(0.0, 90.0) == 0.0
    assert tr38901_element_gain_db(32.5, 90.0) == pytest.approx(-3.0)
    assert tr38901_element_gain_db(180.0, 90.0) == -30.0
