"""docs/calibration.md lists every key of a campaign, and no other."""

import re

import pytest

from rtwin.calibration.campaign import recipe

from .markdown import ROOT, table_after

PAGE = ROOT / "docs" / "calibration.md"
TABLES = [
    ("The campaign", recipe.Campaign),
    ("[origin]", recipe.CampaignOrigin),
    ("[[transmitter]]", recipe.CampaignTransmitter),
    ("[measurements]", recipe.MeasurementsSpec),
    ("[screen]", recipe.ScreenSpec),
    ("[validation]", recipe.ValidationSpec),
    ("[fit]", recipe.FitSpec),
    ("[[fit.material_choice]]", recipe.MaterialChoice),
]
OWN_TABLES = {"origin", "transmitter", "measurements", "screen", "validation", "fit"}


@pytest.mark.parametrize(("heading", "model"), TABLES, ids=[heading for heading, _ in TABLES])
def test_keys(heading, model):
    rows = table_after(PAGE, heading)
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row[0])]
    known = set(model.model_fields) - {"material_choice"}
    assert set(keys) == known - (OWN_TABLES if model is recipe.Campaign else set())
    assert len(keys) == len(set(keys))
    for row in rows:
        for key in re.findall(r"`(\w+)`", row[0]):
            assert (row[1] == "required") == model.model_fields[key].is_required(), key
