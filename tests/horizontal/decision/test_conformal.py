"""Promised coverage and promised misses hold on new scenes, by simulation."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.horizontal.decision.conformal import (
    EVERY,
    conformal_scale,
    miss_threshold,
    needed_scenes,
    scene_quantile,
)


@pytest.mark.parametrize(("level", "scenes"), [(0.9, 9), (0.8, 4), (0.95, 19), (0.5, 1)])
def test_scenes_that_a_level_needs(level, scenes):
    assert needed_scenes(level) == scenes
    one_each = np.arange(scenes, dtype=float)
    assert scene_quantile(one_each, np.arange(scenes), level) == scenes - 1
    assert scene_quantile(one_each[1:], np.arange(scenes - 1), level) == np.inf


def test_one_score_per_scene_is_the_order_statistic():
    score = np.random.default_rng(0).normal(size=37)
    for level in (0.6, 0.75, 0.9):
        rank = int(np.ceil(level * 38))
        assert scene_quantile(score, np.arange(37), level) == np.sort(score)[rank - 1]


def test_cells_of_a_scene_count_as_one_scene():
    scene = np.repeat(np.arange(20), 50)
    score = np.concatenate([np.full(5000, 100.0), np.arange(1000) / 1000])
    where = np.concatenate([np.full(5000, 20), scene])
    assert scene_quantile(score, where, 0.8) < 1.0
    assert scene_quantile(score, where, 0.95) == 100.0


def drawn_scenes(rng, num, cells=40):
    """Errors whose size differs from scene to scene, as stated sigmas do not know."""
    size = np.exp(rng.normal(0, 0.7, (num, 1)))
    return np.abs(size * rng.normal(size=(num, cells)))


@pytest.mark.parametrize("num", [9, 30])
def test_coverage_on_new_scenes(num):
    rng, trials, level = np.random.default_rng(num), 500, 0.9
    held = 0
    for _ in range(trials):
        known = drawn_scenes(rng, num)
        limit = scene_quantile(known.ravel(), np.repeat(np.arange(num), known.shape[1]), level)
        held += bool(drawn_scenes(rng, 1)[0, 0] <= limit)
    # One cell of one new scene each time: the trials are independent.
    low, high = binom.ppf([1e-4, 1 - 1e-4], trials, level)
    assert held >= low
    assert held <= high + trials / (num + 1)  # a weight of 1 / (K + 1) may be too much


def test_quantile_that_ignores_scenes_would_not_hold():
    """The control: few scenes of many cells, and one whose errors are large."""
    rng, trials = np.random.default_rng(5), 400
    held = 0
    for _ in range(trials):
        known = drawn_scenes(rng, 9, 200)
        held += bool(drawn_scenes(rng, 1)[0, 0] <= np.quantile(known[0], 0.9))
    assert held < binom.ppf(1e-3, trials, 0.9)


def test_scales_by_class_and_the_fallback():
    rng = np.random.default_rng(1)
    scene = np.repeat(np.arange(40), 100)
    label = np.where(scene < 38, np.where(scene % 2, "moved", "gone"), "tilt")
    sigma = rng.uniform(0.5, 2.0, scene.size)
    error = sigma * rng.normal(size=scene.size) * np.where(label == "gone", 3.0, 1.0)
    found = conformal_scale(error, sigma, scene, label, 0.9)
    # The weight of the scene to come lifts 0.9 to 0.9 * 20 / 19 of the scores.
    assert found.of("gone") == pytest.approx(3 * norm.ppf(0.5 + 0.45 * 20 / 19), rel=0.06)
    assert found.of("moved") == pytest.approx(norm.ppf(0.5 + 0.45 * 20 / 19), rel=0.06)
    assert found.scale["tilt"] == np.inf
    assert found.num_scenes == {EVERY: 40, "gone": 19, "moved": 19, "tilt": 2}
    assert found.of("tilt") == found.of("never seen") == found.scale[EVERY]
    np.testing.assert_allclose(
        found.half_width_db([1.0, 2.0], "gone"), found.of("gone") * np.array([1, 2])
    )


def missing_scene(rng, cells=60):
    chance = rng.uniform(size=cells)
    return chance, rng.uniform(size=cells) < chance ** rng.uniform(0.5, 3.0)


@pytest.mark.parametrize(("num", "miss"), [(30, 0.1), (60, 0.05)])
def test_misses_on_new_scenes(num, miss):
    rng = np.random.default_rng(num)
    missed = []
    for _ in range(300):
        scenes = [missing_scene(rng) for _ in range(num)]
        threshold = miss_threshold(
            np.concatenate([c for c, _ in scenes]),
            np.concatenate([y for _, y in scenes]),
            np.repeat(np.arange(num), 60),
            miss,
        )
        assert threshold > 0
        chance, changed = missing_scene(rng)
        missed.append((changed & (chance < threshold)).sum() / max(changed.sum(), 1))
    assert np.mean(missed) <= miss + 3 * np.std(missed) / np.sqrt(len(missed))
    assert np.mean(missed) > miss / 4


def test_too_few_scenes_for_a_promise_update_everything():
    assert miss_threshold([0.9, 0.8], [True, True], [0, 1], 0.05) == 0.0
    assert miss_threshold(np.full(40, 0.5), np.zeros(40, bool), np.arange(40), 0.05) == 1.0


def test_impossible_numbers_are_refused():
    with pytest.raises(OutOfRangeError, match=r"level is 1\.0; it must lie between 0 and 1"):
        scene_quantile([1.0], [0], 1.0)
    with pytest.raises(ShapeError, match=r"\(2,\) and \(1,\)"):
        scene_quantile([1.0, 2.0], [0], 0.9)
    with pytest.raises(ShapeError, match=r"\(1, 1\) and \(1, 1\); both \[row\]"):
        scene_quantile([[1.0]], [[0]], 0.9)
    with pytest.raises(OutOfRangeError, match="sigma_db goes down to 0; it must be above 0"):
        conformal_scale([1.0], [0.0], [0], ["gone"])
