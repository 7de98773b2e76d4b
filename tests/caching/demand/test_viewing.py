"""Streaming's viewers and caching's clients are the same people on one network."""

import numpy as np
import pytest

from rtwin.caching import Network, run, weights
from rtwin.caching.demand import reach_of_trace, viewers_at
from rtwin.errors import OutOfRangeError
from rtwin.streaming import draw_catalogue, draw_population

from .test_reach import trace_of


@pytest.fixture(scope="module")
def reach():
    rng = np.random.default_rng(1)
    return reach_of_trace(trace_of(-80 + 6 * rng.normal(size=(900, 6, 3))))


@pytest.fixture(scope="module")
def joined(reach):
    videos, people = draw_catalogue(200, seed=1), draw_population(6, seed=1)
    return videos, people, viewers_at(videos, people, reach, seed=2)


def test_hashes_join_the_studies(joined, reach):
    videos, _, requests = joined
    assert requests.catalogue.hash == videos.hash
    assert requests.source["trace_hash"] == reach.trace_hash
    np.testing.assert_array_equal(requests.catalogue.kind, videos.kind)
    np.testing.assert_allclose(requests.catalogue.size_mb, videos.duration_s * 4.0 / 8)


def test_people_ask_by_taste_and_the_hasty_more_often(joined):
    videos, people, requests = joined
    for user in range(people.num_users):
        own = requests.item[requests.client == user]
        share = np.bincount(videos.kind[own], minlength=people.taste.shape[1]) / len(own)
        there = np.isin(np.arange(people.taste.shape[1]), videos.kind)
        taste = np.where(there, people.taste[user], 0)
        assert np.abs(share - taste / taste.sum()).max() < 4 * np.sqrt(0.25 / len(own))
    counts = np.bincount(requests.client, minlength=people.num_users)
    assert np.corrcoef(np.log(people.haste), counts)[0, 1] > 0.5


def test_caches_serve_them_and_draws_repeat(joined, reach):
    videos, people, requests = joined
    network = Network(weights(long=1.0), 3, requests.catalogue.num_items, 40)
    assert 0.2 < run(network, requests).hit.mean() < 1
    again = viewers_at(videos, people, reach, seed=2)
    np.testing.assert_array_equal(again.item, requests.item)
    with pytest.raises(OutOfRangeError, match="5 viewers for 6 users"):
        viewers_at(videos, draw_population(5, seed=1), reach)
