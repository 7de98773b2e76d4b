"""What buildings are made of, on a courtyard where two are not what the drawing says."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign import FitSpec, campaign_from_dict
from rtwin.calibration.choice import choose_materials
from rtwin.calibration.parameters import parameters_of
from rtwin.calibration.scene import with_object_materials
from rtwin.calibration.synthetic import _table, true_gain
from rtwin.errors import CampaignError
from rtwin.scene import load_recipe

REAL = {"west": "metal", "office": "wood"}
HOUSES = ["west", "office", "east", "north_east"]
CANDIDATES = ["brick", "concrete", "wood", "metal"]


@pytest.fixture(scope="module")
def chosen():
    recipe = load_recipe("courtyard", max_depth=2)
    table = _table(recipe, 1, 1)
    table["fit"]["material_choice"] = [
        {"candidates": CANDIDATES, "objects": HOUSES},
        {"candidates": ["asphalt_concrete", "metal"], "objects": ["north_house_*"]},
    ]
    campaign = campaign_from_dict(table, "yard", ".")
    data, gain = true_gain(with_object_materials(recipe, REAL), campaign, 260, 1)
    rows = np.flatnonzero(np.isfinite(gain))
    noise = np.random.default_rng(2).normal(0, 2.0, len(rows))
    data = replace(data.take(rows), level_db=gain[rows] - 20.0 + noise)
    parameters = parameters_of(FitSpec(parameters=()), {}, (), ())
    return choose_materials(recipe, campaign, data, parameters), recipe, campaign, data


def test_no_wrong_material_is_called_seen(chosen):
    found = chosen[0]
    rows = {tuple(row["objects"]): row for row in found.rows}
    for name in HOUSES:
        row = rows[(name,)]
        true = REAL.get(name, row["drawn"])
        if row["identified"]:
            assert row["chosen"] == true, row
        else:
            assert row["chosen"] == row["drawn"]
            assert "stays as drawn" in row["verdict"]
    # The building beside the mast is seen beyond doubt.
    assert found.materials.get("west") == "metal", found.rows


def test_what_no_path_touches_is_said(chosen):
    found = chosen[0]
    hidden = [row for row in found.rows if not row["power_share"]]
    for row in hidden:
        assert row["chosen"] == row["drawn"]
        assert "no path" in row["verdict"]


def test_a_recipe_takes_the_chosen_materials(chosen):
    found, recipe, _, _ = chosen
    made = with_object_materials(recipe, found.materials)
    own = {item.name: item.material for item in made.object}
    for name, material in found.materials.items():
        assert own[name] == material


def test_names_that_nothing_has_are_one_line(chosen):
    _, recipe, campaign, data = chosen
    fit = campaign.fit.model_copy(
        update={
            "material_choice": (
                campaign.fit.material_choice[0].model_copy(update={"objects": ("tower",)}),
            )
        }
    )
    wrong = campaign.model_copy(update={"fit": fit})
    with pytest.raises(CampaignError, match="names no object; there are"):
        choose_materials(recipe, wrong, data, ())


def test_candidates_are_named_once():
    table = {
        "title": "t", "frequency_hz": 3e9, "transmitter": [{"name": "a", "x_m": 0, "y_m": 0,
        "height_m": 9}], "measurements": {"file": "p.csv", "x": "x", "y": "y"},
        "fit": {"material_choice": [{"candidates": ["brick", "brick"]}]},
    }  # fmt: skip
    with pytest.raises(CampaignError, match="twice"):
        campaign_from_dict(table, "t", ".")
