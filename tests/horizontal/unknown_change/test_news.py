"""Measurements of a twin that the twin and all other rows contradict."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign import Link, Measurements
from rtwin.calibration.statistics import believed, trust_table
from rtwin.errors import CampaignError
from rtwin.horizontal import stored_twin
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.unknown_change import check_news, explained

PER_TX = 40


@pytest.fixture(scope="module")
def twin(small_state):
    gain = small_state.maps["path_gain"]
    return stored_twin(small_state, np.ones(gain.shape), gain)


@pytest.fixture
def news(twin):
    """Rows of two phones in the twin's own world."""
    rng = np.random.default_rng(1)
    cell = [
        rng.choice(np.flatnonzero(level > FLOOR_DB + 10), PER_TX, replace=False)
        for level in twin.gain_db
    ]
    tx, cell = np.repeat(np.arange(len(cell)), PER_TX), np.concatenate(cell)
    links = tuple(
        Link(one.name, tuple(one.position_m), 0.0, 0.0, "iso", None, twin.recipe.frequency_hz)
        for one in twin.recipe.transmitter
    )
    num = len(tx)
    return Measurements(
        transmitters=links,
        devices=("left", "right"),
        tx=tx,
        device=np.arange(num) % 2,
        position_m=twin.cell_m[cell] + [1.0, -1.0, 0.0],
        level_db=twin.gain_db[tx, cell] + rng.normal(0, 1.5, num),
        censored=np.zeros(num, bool),
        count=np.ones(num, np.int64),
        uncertainty_db=np.full(num, 2.0),
    )


def spoiled(data, rows, shift_db):
    level = data.level_db.copy()
    level[rows] += shift_db
    return replace(data, level_db=level)


def test_honest_news_are_believed(twin, news):
    found = check_news(twin, news)
    assert len(found.rows) == len(news)
    assert not found.untrusted.any()
    assert believed(news, found) is news


def test_a_tenth_of_falsified_rows_is_found_and_named(twin, news):
    rng = np.random.default_rng(2)
    bad = rng.permutation(np.flatnonzero(news.device == 1))[: len(news) // 10]
    poisoned = spoiled(news, bad, 20 * rng.choice([-1, 1], len(bad)))
    found = check_news(twin, poisoned)
    assert np.isin(bad, found.rows[found.untrusted]).all()
    assert found.untrusted.sum() <= len(bad) + 1
    kept = believed(poisoned, found)
    assert len(kept) == len(news) - found.untrusted.sum()
    assert kept.set_aside == {"that everything else contradicts": found.untrusted.sum()}
    worst = trust_table(poisoned, found)["by_device"][0]
    assert (worst["name"], worst["untrusted"]) == ("right", len(bad))


def test_neighbours_who_see_a_change_are_believed(twin, news):
    middle = news.position_m[0]
    near = np.argsort(np.linalg.norm(news.position_m - middle, axis=1))[:20]
    found = check_news(twin, spoiled(news, near, -15.0))
    assert found.untrusted.sum() <= 3


def test_what_explains_a_row_speaks_for_it(twin, news):
    poisoned = spoiled(news, [3, 50], 20.0)
    found = check_news(twin, poisoned)
    assert found.rows[found.untrusted].tolist() == [3, 50]
    change = np.zeros(twin.gain_db.shape)
    assert explained(twin, poisoned, found, change).untrusted.sum() == 2
    change[news.tx[3]] = 18.0
    left = explained(twin, poisoned, found, change)
    assert left.rows[left.untrusted].tolist() == [50]


def test_where_the_twin_says_nothing_nobody_is_asked(twin, news):
    outside = replace(news, position_m=1e4 + news.position_m)
    assert len(check_news(twin, outside).rows) == 0
    few = check_news(twin, spoiled(news.take(np.arange(20)), [0], 40.0))
    assert not few.untrusted.any()
    links = tuple(replace(link, name=f"{link.name}-2") for link in news.transmitters)
    with pytest.raises(CampaignError, match="the twin has no transmitter 'mast-2'"):
        check_news(twin, replace(news, transmitters=links))
