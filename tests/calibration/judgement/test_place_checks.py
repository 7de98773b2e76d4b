"""Transmitters in the wrong place or under another's name are named; right ones are not."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import load_measurements
from rtwin.calibration.judgement.place_checks import displaced, exchanged, place_warnings


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


def test_right_places_are_let_be(data):
    assert displaced(data, 50.0) == []
    assert exchanged(data, 50.0) == []


def test_exchanged_names_are_told(data):
    a, b = data.transmitters
    mixed = replace(data, transmitters=(replace(b, name="a"), replace(a, name="b")))
    assert exchanged(mixed, 50.0) == [("a", "b"), ("b", "a")]
    found = place_warnings(mixed, 50.0, 1)
    assert len(found) == 1
    assert "'a' like 'b'" in found[0]


def test_a_mast_far_off_is_told_where_it_fits(data):
    a, b = data.transmitters
    x, y, z = a.position_m
    wrong = replace(data, transmitters=(replace(a, position_m=(x + 250.0, y - 100.0, z)), b))
    found = displaced(wrong, 50.0)
    assert [one.name for one in found] == ["a"]
    assert found[0].off_m == pytest.approx(np.hypot(250, 100), rel=0.3)


def test_few_rows_are_not_judged(data):
    few = data.take(np.concatenate([np.flatnonzero(data.tx == n)[:20] for n in (0, 1)]))
    assert displaced(few, 50.0) == []
    assert exchanged(few, 50.0) == []
