"""Negative controls: a campaign that cannot be right is said to be wrong."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements, validate_twin
from rtwin.calibration.judgement import as_json
from rtwin.calibration.judgement.warnings import find_warnings, impossible_share, twin_warnings

OUTDOOR = "outdoor"


def validation(data):
    found = validate_twin(data, link_inputs(data), OUTDOOR, 50.0, share=0.4, repeats=1, points=100)
    return as_json(found)


GOOD = {"explained_variance": 0.6, "coverage_of_90_percent": 0.9, "scores": []}


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


def test_nothing_is_odd_about_an_honest_campaign(data):
    assert find_warnings(data, 50.0, validation(data)) == []


def test_shuffled_levels_are_noticed(data):
    level = np.random.default_rng(0).permutation(data.level_db)
    shuffled = replace(data, level_db=level)
    told = validation(shuffled)
    assert told["explained_variance"] < 0.15
    assert any("hardly depend" in w for w in find_warnings(shuffled, 50.0, told))


def test_a_wrong_transmitter_is_named(data):
    a, b = data.transmitters
    wrong = replace(a, position_m=(320.0, -120.0, 20.0))
    found = find_warnings(replace(data, transmitters=(wrong, b)), 50.0, GOOD)
    assert len(found) == 1
    assert "transmitter 'a'" in found[0]


def test_impossible_values_are_noticed(data):
    odd = replace(data, set_aside={"above free space": 200})
    assert impossible_share(odd) == pytest.approx(200 / 1100)
    assert "above free space" in find_warnings(odd, 50.0, GOOD)[0]


def test_intervals_that_hold_too_little_are_told():
    assert twin_warnings(GOOD) == []
    assert "hold 80 %" in twin_warnings({**GOOD, "coverage_of_90_percent": 0.8})[0]


@pytest.mark.parametrize(("errors", "named"), [([5, 6, 5.5, 11], "d"), ([5, 6, 5.5, 7], None)])
def test_a_transmitter_far_worse_than_the_others_is_named(errors, named):
    groups = {"transmitter": dict(zip("abcd", errors, strict=True))}
    told = {**GOOD, "scores": [{"model": "calibrated + discrepancy", "groups": groups}]}
    found = twin_warnings(told)
    assert [f"'{named}'" in line for line in found] == ([True] if named else [])
