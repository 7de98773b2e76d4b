"""Videos and their types, drawn and given."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.streaming.behaviour import Catalogue, catalogue_of, draw_catalogue


def test_drawn_videos_are_like_the_real_ones():
    made = draw_catalogue(1000, seed=1)
    assert np.median(made.duration_s) == pytest.approx(np.exp(2.83), rel=0.1)
    end = np.exp(-made.hazard[np.arange(1000), made.duration_s])
    assert end.mean() == pytest.approx(2.38 / (2.38 + 3.64), abs=0.03)
    assert np.corrcoef(np.log(made.duration_s), end)[0, 1] < -0.6
    # Of those who leave, the mean is at the Beta distribution's.
    video = int(np.abs(made.duration_s - 60).argmin())
    duration = int(made.duration_s[video])
    stays = made.survival()[video, :duration]
    final = np.exp(-made.hazard[video, duration])
    mean = ((stays - final) / (1 - final)).sum() / duration
    assert mean == pytest.approx(1.25 / (1.25 + 1.98), abs=0.02)


def test_types_say_something_about_swiping(catalogue):
    assert catalogue.num_types == 8
    share = catalogue.survival().sum(axis=1) / catalogue.duration_s
    own = [share[catalogue.kind == k].mean() for k in range(8)]
    # The number of a type follows what is watched, up to what curves of 10 points keep of it.
    assert np.corrcoef(own, np.arange(8))[0, 1] > 0.9
    within = np.mean([share[catalogue.kind == k].var() for k in range(8)])
    assert within < 0.5 * share.var()


def test_haste_is_a_power_of_survival(catalogue):
    once, twice = catalogue.survival(1.0), catalogue.survival(2.0)
    assert np.allclose(twice, once**2)
    assert np.allclose(catalogue.survival(1e-12).sum(axis=1), catalogue.duration_s)


def test_hash_is_of_the_videos():
    assert draw_catalogue(20, 1).hash == draw_catalogue(20, 1).hash
    assert draw_catalogue(20, 1).hash != draw_catalogue(20, 2).hash


def test_long_videos_are_cut():
    row = np.full(200, 1 / 200)
    made = catalogue_of([row] + [np.array([0.5, 0.5])] * 9, num_types=2)
    assert made.duration_s[0] == 120
    assert np.exp(-made.hazard[0, 120]) == pytest.approx(80 / 200)


def test_what_is_impossible_is_said(catalogue):
    with pytest.raises(OutOfRangeError, match=r"adds? up to 0\.800|add up to 0\.800"):
        catalogue_of([np.array([0.4, 0.4])] * 9)
    with pytest.raises(OutOfRangeError, match="3 videos make no 8 types"):
        draw_catalogue(3)
    with pytest.raises(ShapeError, match="must be"):
        Catalogue(catalogue.duration_s, catalogue.hazard[:5], catalogue.kind)
    with pytest.raises(OutOfRangeError, match="hazard falls"):
        Catalogue(np.array([2]), np.array([[0.0, 1.0, 0.5]]), np.array([0]))
