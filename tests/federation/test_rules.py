"""What every rule must do, and closed forms of each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rtwin.errors import OutOfRangeError
from rtwin.federation.defence import RULES, Trusted, default_rule, rules

FREE = [name for name, rule in RULES.items() if not rule.needs_root]
UPDATES = arrays.arrays(
    np.float64, (9, 4), elements=st.floats(-10, 10).map(lambda v: round(v, 3)), unique=True
)


def quadratic(target):
    """Losses on data whose best model is at a target, in one row and its mirror."""

    def loss(updates):
        off = updates - target
        return np.stack([(off**2).sum(axis=1), (off**2).sum(axis=1)], axis=1)

    return loss


def trusted(updates, target=None):
    target = updates.mean(axis=0) if target is None else target
    return Trusted(2, target, quadratic(target))


@pytest.mark.parametrize("name", RULES)
def test_equal_updates_return_themselves(name):
    updates = np.tile([1.0, -2.0, 0.5], (7, 1))
    assert RULES[name].apply(updates, trusted(updates)) == pytest.approx(updates[0])


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=20, deadline=None)
@given(updates=UPDATES, seed=st.integers(0, 99))
def test_order_does_not_matter(name, updates, seed):
    mixed = np.random.default_rng(seed).permutation(updates)
    known = trusted(updates)
    assert RULES[name].apply(mixed, known) == pytest.approx(
        RULES[name].apply(updates, known), abs=1e-6
    )


@pytest.mark.parametrize("name", FREE)
@settings(max_examples=20, deadline=None)
@given(updates=UPDATES, scale=st.sampled_from([0.5, 2.0, 8.0]))
def test_scale_and_place_do_not_matter(name, updates, scale):
    rule = RULES[name].apply
    here = rule(updates, Trusted(2))
    assert rule(scale * updates, Trusted(2)) == pytest.approx(scale * here, abs=1e-6)
    shift = np.array([1.0, -3.0, 0.0, 2.0])
    assert rule(updates + shift, Trusted(2)) == pytest.approx(here + shift, abs=1e-6)


def test_trimmed_by_nothing_is_the_mean():
    updates = np.random.default_rng(1).normal(size=(8, 3))
    assert rules.trimmed_mean(updates, 0.0) == pytest.approx(updates.mean(axis=0))
    ordered = np.sort(updates, axis=0)
    assert rules.trimmed_mean(updates, 0.25) == pytest.approx(ordered[2:-2].mean(axis=0))
    with pytest.raises(OutOfRangeError, match="less than half"):
        rules.trimmed_mean(updates, 0.5)


def test_median_of_three():
    assert rules.median(np.array([[3.0], [1.0], [2.0]])).tolist() == [2.0]


def test_krum_returns_a_member_of_the_crowd():
    rng = np.random.default_rng(1)
    updates = np.concatenate([rng.normal(size=(7, 5)), 50.0 + rng.normal(size=(3, 5))])
    found = rules.krum(updates, 3)
    assert any((found == row).all() for row in updates[:7])
    assert rules.multi_krum(updates, 3) == pytest.approx(updates[:7].mean(axis=0))


def test_geometric_median_of_points_on_a_line_is_their_median():
    along = np.array([1.0, 2.0]) / np.sqrt(5.0)
    places = np.array([-4.0, -1.0, 0.0, 2.5, 30.0])
    found = rules.geometric_median(places[:, None] * along, steps=500)
    assert found == pytest.approx(np.zeros(2), abs=1e-3)


def test_biweight_stays_within_the_honest():
    rng = np.random.default_rng(2)
    honest = rng.normal(size=(11, 6))
    lies = np.full((9, 6), 1e12)
    found = rules.biweight(np.concatenate([honest, lies]))
    assert (found >= honest.min(axis=0)).all()
    assert (found <= honest.max(axis=0)).all()


def test_trust_in_the_root_itself():
    root = np.array([3.0, 4.0])
    assert rules.fl_trust(np.tile(root, (5, 1)), root) == pytest.approx(root)
    assert rules.fl_trust(-np.tile(root, (5, 1)), root).tolist() == [0.0, 0.0]
    # Lengths do not count, directions do.
    mixed = np.array([[30.0, 40.0], [-4.0, 3.0]])
    assert rules.fl_trust(mixed, root) == pytest.approx(root)


def test_root_bound_takes_all_that_clean_data_cannot_tell_apart():
    rng = np.random.default_rng(3)
    honest = 0.01 * rng.normal(size=(10, 3))
    rows = rng.normal(size=(400, 3))

    def loss(updates):
        return (updates @ rows.T + 0.5 * rng_noise) ** 2

    rng_noise = np.random.default_rng(4).normal(size=400)
    lies = np.full((8, 3), 5.0)
    found = rules.root_bound(np.concatenate([honest, lies]), np.zeros(3), loss)
    assert np.abs(found).max() < 0.05
    with np.errstate(invalid="ignore"):
        assert np.isfinite(rules.root_bound(np.full((4, 3), np.inf), np.zeros(3), loss)).all()


def test_the_loss_that_root_bound_leaves_is_bounded():
    """Whatever is sent: at most SURE standard errors above the clean update's own."""
    rng = np.random.default_rng(5)
    rows, noise = rng.normal(size=(300, 4)), rng.normal(size=300)
    root = np.linalg.lstsq(rows, noise, rcond=None)[0]

    def loss(updates):
        return (updates @ rows.T - noise) ** 2

    for seed in range(30):
        sent = np.random.default_rng(seed).normal(size=(12, 4)) * 10.0 ** (seed % 5 - 3)
        found = rules.root_bound(sent, root, loss)
        over = loss(found[None])[0] - loss(root[None])[0]
        assert over.mean() <= rules.SURE * over.std() / np.sqrt(300) + 1e-12


def test_rules_with_a_root_say_that_they_need_one():
    updates = np.zeros((4, 2))
    for rule in RULES.values():
        if rule.needs_root:
            with pytest.raises(OutOfRangeError, match="clean root set"):
                rule.apply(updates, Trusted(1))
    assert not RULES[default_rule(False)].needs_root
    assert RULES[default_rule(True)].needs_root


@pytest.mark.parametrize("name", RULES)
def test_breakdown_point_of_the_name(name):
    """Below it liars without bound cannot do without bound; the mean has none."""
    honest = np.random.default_rng(1).normal(size=(20, 5))
    share = {"0": 0.0, "1/5": 0.15, "1/4": 0.2, "2/5": 0.35}.get(RULES[name].breakdown, 0.4)
    fakes = int(np.floor(20 * share / (1 - share)))
    updates = np.concatenate([honest, np.full((fakes, 5), 1e9)])
    found = RULES[name].apply(updates, Trusted(fakes, honest.mean(0), quadratic(honest.mean(0))))
    assert np.abs(found).max() < 1e3
    if name == "mean":
        broken = RULES[name].apply(np.concatenate([honest, np.full((1, 5), 1e9)]), Trusted(1))
        assert np.abs(broken).max() > 1e6
