"""What liars send, in closed form."""

import numpy as np
import pytest

from rtwin.federation.defence import ATTACKS, KNOWS, Attacker, Scene, attacks, rules

RNG = np.random.default_rng(1)
BENIGN = RNG.normal(1.0, 0.5, (10, 4))
SCENE = Scene(np.zeros(4), np.array([1.0, 2.0, 0.0, -1.0]), BENIGN, 3)


@pytest.mark.parametrize("name", ATTACKS)
def test_all_fakes_send_alike(name):
    found = Attacker(name).updates(SCENE)
    assert found.shape == (3, 4)
    assert (found == found[0]).all()
    assert np.isfinite(found).all()
    assert name in KNOWS


def test_nobody_sends_nothing():
    assert Attacker("none").updates(SCENE).shape == (0, 4)
    assert Attacker("MPAF").updates(Scene(*list(vars(SCENE).values())[:3], 0)).shape == (0, 4)


def test_mpaf_moves_the_mean_linearly():
    def moved(factor):
        lies = np.tile(attacks.mpaf(SCENE, factor=factor), (3, 1))
        return rules.mean(np.concatenate([BENIGN, lies]))

    assert moved(4.0) - moved(0.0) == pytest.approx(2.0 * (moved(2.0) - moved(0.0)))
    assert moved(1.0) - moved(0.0) == pytest.approx(3 / 13 * SCENE.base)


def test_injection_settles_near_twenty():
    attacker = Attacker("FTI")
    for step in range(20):
        scene = Scene(-float(step) * SCENE.base, SCENE.base, BENIGN, 3)  # it moves away
        attacker.updates(scene)
    assert attacker.factor == pytest.approx(20.0, abs=1e-3)


def test_injection_shrinks_when_it_does_not_help():
    attacker = Attacker("FTI")
    for _ in range(20):
        attacker.updates(SCENE)
    assert attacker.factor == pytest.approx(0.0, abs=1e-3)


def test_a_little_is_enough():
    from scipy.stats import norm

    reach = norm.ppf((13 - 3 - (13 // 2 + 1 - 3)) / 10)
    expected = BENIGN.mean(axis=0) - reach * BENIGN.std(axis=0)
    assert attacks.a_little_is_enough(SCENE) == pytest.approx(expected)


def test_min_max_goes_to_the_rim():
    lie = attacks.min_max(SCENE)
    apart = np.linalg.norm(BENIGN[:, None] - BENIGN, axis=2).max()
    reach = np.linalg.norm(BENIGN - lie, axis=1).max()
    assert reach == pytest.approx(apart, rel=1e-4)


def test_edge_is_where_a_biweight_is_pulled_hardest():
    """d (1 - (d/3s)^2)^2 is greatest at d = 3 s / sqrt 5."""
    off = np.linspace(0.0, 3.0, 3001)
    pull = off * (1 - (off / 3.0) ** 2) ** 2
    assert off[np.argmax(pull)] == pytest.approx(attacks.EDGE, abs=1e-3)


def test_root_aware_lies_at_45_degrees():
    root = np.array([2.0, 0.0, 0.0, 0.0])
    lie = attacks.root_aware(Scene(SCENE.weights, SCENE.base, BENIGN, 3, root))
    assert lie @ root / np.linalg.norm(lie) / 2.0 == pytest.approx(np.sqrt(0.5))
    assert np.linalg.norm(lie) == pytest.approx(2.0)
    assert (lie[1:] * BENIGN.mean(axis=0)[1:] < 0).all()


def test_bound_aware_stays_within_the_bound():
    rows = RNG.normal(size=(200, 4))
    truth = rows @ BENIGN.mean(axis=0) + RNG.normal(size=200)

    def loss(updates):
        return (updates @ rows.T - truth) ** 2

    root = BENIGN.mean(axis=0)
    lie = attacks.bound_aware(Scene(SCENE.weights, SCENE.base, BENIGN, 3, root, loss))
    over = loss(lie[None])[0] - loss(root[None])[0]
    assert over.mean() <= rules.SURE * over.std() / np.sqrt(200)
    assert np.linalg.norm(lie - root) > 0.01


def test_edge_lies_so_many_robust_deviations_against_the_mean():
    benign = np.array([[1.0, -4.0], [2.0, -5.0], [3.0, -6.0], [4.0, -7.0], [90.0, -8.0]])
    lie = attacks.edge(Scene(np.zeros(2), None, benign, 2))
    # Medians 3 and -6; absolute deviations from them have the medians 1 and 1.
    assert lie == pytest.approx([3 - 3 / 5**0.5 * 1.4826, -6 + 3 / 5**0.5 * 1.4826])
