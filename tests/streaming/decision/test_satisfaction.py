"""The sigmoid, its tangent and its envelope."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import Quality

QUALITY = Quality()
RATIO = np.linspace(0, 4, 4001)


def test_tangent_solves_its_equation():
    x = QUALITY.tangent
    s = float(QUALITY.sigmoid(x))
    slope = (float(QUALITY.sigmoid(x + 1e-6)) - float(QUALITY.sigmoid(x - 1e-6))) / 2e-6
    assert slope * x == pytest.approx(s, rel=1e-6)
    assert x > QUALITY.knee


def test_envelope_is_concave_and_touches():
    over = QUALITY.envelope(RATIO)
    assert (over >= QUALITY.sigmoid(RATIO) - 1e-12).all()
    assert (np.diff(over, 2) < 1e-9).all()
    beyond = QUALITY.tangent <= RATIO
    assert np.array_equal(over[beyond], QUALITY.sigmoid(RATIO)[beyond])


def test_better_versions_are_worth_more():
    assert (np.diff(QUALITY.worth) > 0).all()
    assert QUALITY.worth[-1] == 1.0
    assert QUALITY.satisfaction(50.0, 3) == pytest.approx(1.0)
    assert QUALITY.satisfaction(0.0, 3) == 0.0


def test_the_best_version_needs_no_transcoding():
    cycles = QUALITY.cycles(np.array([10.0, 20.0]))
    assert (cycles[:, -1] == 0).all()
    assert cycles[1, 0] == 2 * cycles[0, 0] == 20.0 * 1e6 * QUALITY.rates[0] * 100.0


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="must ascend"):
        Quality((2.0, 1.0))
    with pytest.raises(OutOfRangeError, match="steepness 0"):
        Quality(steepness=0.0)
