"""Predictors on heads whose future is known."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.viewport import Fitted, Heads, angle_deg, moments_of
from rtwin.streaming.viewport.prediction import (
    CROWD,
    NETWORK,
    PERSISTENCE,
    RIDGE,
    VELOCITY,
    constant_velocity,
    persistence,
)

HORIZONS = (0.2, 1.0)


def heads_of(azimuth, video=None):
    """Level heads of given azimuths, [view, sample] rad."""
    direction = np.stack([np.sin(azimuth), np.zeros_like(azimuth), np.cos(azimuth)], axis=-1)
    num = len(azimuth)
    video = np.zeros(num, int) if video is None else video
    return Heads(0.1, np.arange(num), video, direction)


def error_of(guess, moments):
    return angle_deg(guess, moments.future).mean(axis=0)


def test_a_still_head_persists():
    heads = heads_of(np.tile([[0.3], [2.0]], 60))
    moments = moments_of(heads, np.array([0]), np.array([1]), HORIZONS)
    assert error_of(persistence(moments), moments) == pytest.approx([0, 0], abs=1e-9)
    assert moments.others == pytest.approx(
        np.broadcast_to([np.sin(1.7), 0, np.cos(1.7)], moments.others.shape)
    )


def test_a_steady_turn_goes_on():
    heads = heads_of(0.7 * 0.1 * np.arange(80)[None])
    moments = moments_of(heads, np.array([0]), np.array([0]), HORIZONS)
    assert error_of(persistence(moments), moments) == pytest.approx(np.rad2deg([0.14, 0.7]))
    guess = constant_velocity(moments, HORIZONS, 0.1)
    assert error_of(guess, moments) == pytest.approx([0, 0], abs=1e-6)
    # A viewer is none of its own others.
    assert (moments.others == 0).all()


def test_what_is_learned_does_not_depend_on_where_one_looks():
    rng = np.random.default_rng(1)
    azimuth = np.cumsum(rng.normal(0, 0.08, (8, 120)), axis=1)
    heads, turned = heads_of(azimuth), heads_of(azimuth + 1.9)
    every = np.arange(8)
    one = moments_of(heads, every, every, HORIZONS)
    other = moments_of(turned, every, every, HORIZONS)
    fitted = Fitted(one, HORIZONS, 0.1)
    for name in (PERSISTENCE, VELOCITY, RIDGE, CROWD, NETWORK):
        assert fitted.predict(name, one) == pytest.approx(fitted.predict(name, other), abs=1e-5)


def test_others_tell_what_the_past_cannot():
    # All viewers of a video look at one thing that jumps about.
    rng = np.random.default_rng(2)
    goal = np.repeat(rng.uniform(-1.5, 1.5, (6, 15)), 8, axis=1)
    azimuth = np.repeat(goal, 5, axis=0) + rng.normal(0, 0.02, (30, 120))
    heads = heads_of(azimuth, np.repeat(np.arange(6), 5))
    every = np.arange(30)
    known = every[every % 5 > 0]
    learn = moments_of(heads, known, known, HORIZONS)
    test = moments_of(heads, every[every % 5 == 0], known, HORIZONS)
    fitted = Fitted(learn, HORIZONS, 0.1)
    ridge, crowd = (error_of(fitted.predict(n, test), test)[1] for n in (RIDGE, CROWD))
    assert crowd < 0.5 * ridge


def test_what_is_impossible_is_said():
    heads = heads_of(np.zeros((1, 30)))
    one = np.array([0])
    with pytest.raises(OutOfRangeError, match=r"traces last 3 s"):
        moments_of(heads, one, one, (5.0,))
    with pytest.raises(OutOfRangeError, match=r"horizons are \[\]"):
        moments_of(heads, one, one, ())
    fitted = Fitted(moments_of(heads_of(np.zeros((9, 90))), np.arange(9), one, (0.5,)), (0.5,), 0.1)
    with pytest.raises(OutOfRangeError, match="predictor is 'oracle'"):
        fitted.predict("oracle", moments_of(heads, one, one, (0.5,)))
