"""Transmitters that stand elsewhere than the campaign says come back to where they are."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign.recipe import FitSpec, campaign_from_dict
from rtwin.calibration.physics.model.campaign_scene import world_of
from rtwin.calibration.physics.model.parameters import parameters_of
from rtwin.calibration.physics.model.path_model import build_model
from rtwin.calibration.physics.transmitter_places import find_places, prior_sd_m
from rtwin.errors import CampaignError

from ...tables import one_mast

FREE = ("relative_permittivity", "tx_position", "tx_height")


def displaced(data, shift):
    link = data.transmitters[0]
    moved = replace(link, position_m=tuple(float(v) for v in np.add(link.position_m, shift)))
    return replace(data, transmitters=(moved,))


def search(measured_yard, shift, rows, spec):
    recipe, campaign, data, _ = measured_yard
    world = world_of(recipe, campaign)
    data = displaced(data.take(rows), shift)
    model = build_model(world, data)
    parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
    return find_places(world, data, parameters, spec, draws=15)


def test_a_mast_comes_back(measured_yard):
    shift = np.array([2.0, -1.5, -1.0])
    found = search(
        measured_yard, shift, np.arange(0, 168, 2), FitSpec(parameters=FREE, position_sd_m=2.0)
    )
    left = found.shift_m[0] + shift
    assert np.hypot(*left[:2]) < 1.0
    rows = {row["kind"]: row for row in found.rows}
    assert rows["x_error_m"]["identified"]
    assert rows["x_error_m"]["low"] <= rows["x_error_m"]["fitted"] <= rows["x_error_m"]["high"]
    moved = found.moved(displaced(measured_yard[2], shift))
    assert np.allclose(
        moved.transmitters[0].position_m, np.add(measured_yard[2].transmitters[0].position_m, left)
    )


def test_only_the_height_moves_where_only_it_is_free(measured_yard):
    found = search(
        measured_yard, (0.0, 0.0, 1.0), np.arange(0, 168, 4), FitSpec(parameters=("tx_height",))
    )
    assert np.all(found.shift_m[0, :2] == 0)
    assert [row["kind"] for row in found.rows] == ["height_error_m"]


def test_where_nothing_is_measured_the_campaign_is_believed(measured_yard):
    """Three rows cannot place a mast: what they do not see stays."""
    found = search(
        measured_yard,
        (0.0, 0.0, 0.0),
        np.arange(3),
        FitSpec(parameters=("tx_height",), height_sd_m=0.5),
    )
    assert np.all(found.shift_m == 0)
    assert "cannot see" in found.rows[0]["verdict"]


def test_what_is_not_free_has_no_prior():
    assert np.all(prior_sd_m(FitSpec()) == 0)
    assert np.all(prior_sd_m(FitSpec(parameters=("tx_position",), position_sd_m=4)) == [4, 4, 0])


def test_impossible_widths_are_one_line():
    table = one_mast(position_sd_m=-1)
    with pytest.raises(CampaignError, match="position_sd_m"):
        campaign_from_dict(table, "t", ".")
