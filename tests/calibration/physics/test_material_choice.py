"""What buildings are made of, on a courtyard where two are not what the drawing says."""

from dataclasses import replace

import numpy as np
import pytest
import tomlkit

from rtwin.calibration import calibrate, calibrated_recipe, read_result
from rtwin.calibration.campaign.recipe import FitSpec, campaign_from_dict
from rtwin.calibration.physics.material_choice import choose_materials
from rtwin.calibration.physics.model.campaign_scene import with_object_materials
from rtwin.calibration.physics.model.parameters import parameters_of
from rtwin.calibration.physics.model.synthetic_campaign import _table, true_gain
from rtwin.errors import CampaignError
from rtwin.scene import load_recipe

from ...tables import one_mast

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
    table = one_mast(material_choice=[{"candidates": ["brick", "brick"]}])
    with pytest.raises(CampaignError, match="twice"):
        campaign_from_dict(table, "t", ".")


def test_a_result_carries_what_was_chosen_and_where_masts_stand(chosen, tmp_path):
    """The whole way: campaign file, result, report, and the recipe that comes of it."""
    _, recipe, campaign, data = chosen
    folder = tmp_path / "yard"
    folder.mkdir()
    table = campaign.model_dump(mode="json", exclude_none=True)
    # Parameters that need no fields: what is asked for is the choice and the height.
    table["fit"] |= {"parameters": ["tx_height"], "starts": 2, "refined": 1, "height_sd_m": 0.5}
    table["fit"]["material_choice"] = [{"candidates": ["brick", "metal"], "objects": ["west"]}]
    (folder / "campaign.toml").write_text(tomlkit.dumps(table))
    lines = ["cell,x,y,z,rss"]
    for (x, y, z), level in zip(data.position_m, data.level_db, strict=True):
        lines.append(f"{data.transmitters[0].name},{x:.3f},{y:.3f},{z:.3f},{level:.2f}")
    (folder / "points.csv").write_text("\n".join(lines))
    out = calibrate("courtyard", folder, tmp_path / "out", points=80, repeats=1, curve=False)
    result = read_result(out)
    # The campaign's places are seen through more bounces here than they were measured with.
    row = result["choices"][0]
    assert row["objects"] == ["west"]
    assert row["drawn"] == "brick"
    assert result["objects"] == ({"west": row["chosen"]} if row["chosen"] != "brick" else {})
    names = [row["kind"] for row in result["identifiability"]]
    assert names.count("height_error_m") == 1
    page = (out / "report.html").read_text()
    assert "What objects are made of" in page
    made = calibrated_recipe(recipe, out)
    assert {item.name: item.material for item in made.object}["west"] == row["chosen"]
    for link in result["transmitters"]:
        place = result["places"].get(link["name"], link["position_m"])
        assert place == link["position_m"]
