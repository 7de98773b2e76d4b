"""Updates of sites against least squares with all rows in one place."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.federation.sites import aggregate, disagreement, federate, settled_update
from rtwin.federation.sites.site_update import without_own

from .linear_site import LinearSite, drawn, parameter, pooled

TRUTH = {"brick": 0.8, "glass": -1.1, "wood": 0.4}


def three(seed=1, rows=20):
    rng = np.random.default_rng(seed)
    return [
        drawn("a", ["brick", "glass"], TRUTH, rows, rng),
        drawn("b", ["glass", "wood"], TRUTH, rows, rng),
        drawn("c", ["brick", "wood"], TRUTH, rows, rng),
    ]


def test_one_round_is_least_squares_of_all_rows():
    sites = three()
    shared = aggregate([site.update(np.zeros(2)) for site in sites])
    best, precision = pooled(sites)
    assert [p.target for p in shared.parameters] == ["brick", "glass", "wood"]
    assert np.allclose(shared.z, best)
    assert np.allclose(shared.precision, precision)


def test_rounds_end_there_as_well():
    sites = three()
    shared = federate(sites, starts=4, refined=2)
    assert np.allclose(shared.z, pooled(sites)[0], atol=1e-2)
    residual = sum(site.loss(shared.z[_places(site, shared)]) for site in sites)
    assert shared.loss == pytest.approx(residual + shared.z @ shared.z)


def _places(site, shared):
    names = [p.name for p in shared.parameters]
    return [names.index(p.name) for p in site.parameters]


def test_damped_rounds_end_there_too():
    sites, z = three(), np.zeros(3)
    for _ in range(25):
        updates = [site.update(z[places(site)]) for site in sites]
        shared = aggregate(updates, damping=1.0)
        assert shared.moved == pytest.approx(np.abs(shared.z - z).max())
        z = shared.z
    assert np.allclose(z, pooled(sites)[0], atol=1e-4)
    assert shared.moved < 1e-4


def places(site):
    return [["brick", "glass", "wood"].index(p.target) for p in site.parameters]


def test_the_prior_counts_once():
    """A site without rows changes nothing, however often it takes part."""
    rng = np.random.default_rng(3)
    site = drawn("a", ["brick"], TRUTH, 10, rng)
    empty = LinearSite("e", site.parameters, np.zeros((0, 1)), np.zeros(0))
    one = aggregate([site.update(np.zeros(1))])
    many = aggregate([s.update(np.zeros(1)) for s in (site, empty, empty)])
    assert np.allclose(one.z, many.z)
    assert np.allclose(one.precision, many.precision)


def test_together_they_see_what_each_alone_cannot():
    """Each site measures one combination of two parameters; two combinations make both known."""
    names = (parameter("brick"), parameter("glass"))
    truth = np.array([0.8, 0.3])
    sites = []
    for name, direction in (("sum", [1.0, 1.0]), ("difference", [1.0, -1.0])):
        a = np.tile(np.array(direction) * 3.0, (10, 1))
        sites.append(LinearSite(name, names, a, a @ truth))
    for site in sites:
        alone = federate([site], starts=2, refined=1)
        # The prior keeps the other combination: half of each parameter's variance.
        assert np.allclose(alone.width, np.sqrt(0.5), atol=0.01)
        assert np.abs(alone.z - truth).max() > 0.2
    both = federate(sites, starts=2, refined=1)
    assert np.allclose(both.z, truth, atol=0.02)
    assert (both.width < 0.1).all()


def test_own_parameters_are_solved_for():
    """Precision and pull of the shared ones are those of the whole, its own part integrated out."""
    rng = np.random.default_rng(5)
    a = rng.standard_normal((12, 5))
    whole, pull = a.T @ a, rng.standard_normal(5)
    shared = np.array([True, False, True, True, False])
    precision, part = without_own(whole, pull, shared)
    covariance = np.linalg.inv(whole)
    assert np.allclose(np.linalg.inv(precision), covariance[np.ix_(shared, shared)])
    assert np.allclose(np.linalg.solve(precision, part), (covariance @ pull)[shared])


def test_updates_from_different_places_are_refused():
    one, other, _ = three()
    with pytest.raises(OutOfRangeError, match="made elsewhere than the others"):
        aggregate([one.update(np.zeros(2)), other.update(np.ones(2))])
    with pytest.raises(OutOfRangeError, match="there are no updates"):
        aggregate([])
    with pytest.raises(OutOfRangeError, match="there are no sites"):
        federate([])


def test_other_priors_are_refused():
    rng = np.random.default_rng(1)
    site = drawn("a", ["brick"], TRUTH, 5, rng)
    other = LinearSite("b", (parameter("brick", prior=9.0),), site.a, site.y)
    with pytest.raises(OutOfRangeError, match="different priors for 'brick relative perm"):
        aggregate([site.update(np.zeros(1)), other.update(np.zeros(1))])


def test_bytes_are_those_of_the_numbers():
    site = three()[0]
    # Two parameters: three numbers of a symmetric matrix, two pulls, two of the place, a loss.
    assert site.update(np.zeros(2)).num_bytes == 4 * (3 + 2 + 2 + 1)
    shared = aggregate([site.update(np.zeros(2)) for site in three()])
    assert shared.sent_bytes == 3 * 32


def test_a_liar_disagrees_and_the_honest_do_not():
    rng = np.random.default_rng(11)
    names = ["brick", "glass"]
    chances = []
    for _ in range(150):
        sites = [drawn(str(k), names, TRUTH, 30, rng) for k in range(4)]
        rows = disagreement([settled_update(site, np.zeros(2)) for site in sites])
        chances.append(next(row["chance"] for row in rows if row["site"] == "0"))
    # Uniform if the distance is chi-squared: a mean of a half, a tenth below 0.1.
    assert np.mean(chances) == pytest.approx(0.5, abs=0.08)
    assert np.mean(np.array(chances) < 0.1) == pytest.approx(0.1, abs=0.08)
    liar = drawn("liar", names, {"brick": -1.5, "glass": 1.5}, 30, rng)
    rows = disagreement([site.update(np.zeros(2)) for site in (*sites, liar)])
    assert rows[0]["site"] == "liar"
    assert rows[0]["chance"] < 1e-6
    assert rows[0]["degrees"] == 2
