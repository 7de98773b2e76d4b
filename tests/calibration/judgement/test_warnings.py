"""Negative controls: a campaign that cannot be right is said to be wrong."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements, validate_twin
from rtwin.calibration.judgement.warnings import find_warnings, impossible_share

OUTDOOR = "outdoor"


def explained(data):
    found = validate_twin(data, link_inputs(data), OUTDOOR, 50.0, share=0.4, repeats=1, points=100)
    return found.explained


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


def test_nothing_is_odd_about_an_honest_campaign(data):
    assert find_warnings(data, OUTDOOR, 50.0, explained(data)) == []


def test_shuffled_levels_are_noticed(data):
    level = np.random.default_rng(0).permutation(data.level_db)
    shuffled = replace(data, level_db=level)
    share = explained(shuffled)
    assert share < 0.15
    assert any("hardly depend" in w for w in find_warnings(shuffled, OUTDOOR, 50.0, share))


def test_a_wrong_transmitter_is_named(data):
    a, b = data.transmitters
    wrong = replace(a, position_m=(320.0, -120.0, 20.0))
    found = find_warnings(replace(data, transmitters=(wrong, b)), OUTDOOR, 50.0, 0.6)
    assert len(found) == 1
    assert "transmitter 'a'" in found[0]


def test_impossible_values_are_noticed(data):
    odd = replace(data, set_aside={"above free space": 200})
    assert impossible_share(odd) == pytest.approx(200 / 1100)
    assert "above free space" in find_warnings(odd, OUTDOOR, 50.0, 0.6)[0]
