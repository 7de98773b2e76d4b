"""Campaign files: what they say, and what is refused in one line."""

import copy

import pytest

from rtwin.calibration import list_campaigns, load_campaign
from rtwin.calibration.campaign.recipe import campaign_from_dict
from rtwin.errors import CampaignError

from ..conftest import TABLE


def changed(path, value):
    table = copy.deepcopy(TABLE)
    place = table
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return table


def test_shipped_campaigns_are_valid():
    assert {"duke", "kolakowski"} <= set(list_campaigns())
    for name in list_campaigns():
        campaign = load_campaign(name)
        assert campaign.licence
        assert campaign.source


def test_azimuths_of_compass_and_frame_agree():
    north, east = (
        campaign_from_dict(changed(("transmitter", 0, key), value), "x", ".").transmitter[0].yaw_deg
        for key, value in (("compass_deg", 0.0), ("azimuth_deg", 90.0))
    )
    assert north == east == 90.0


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("titel",), "x", "did you mean 'title'"),
        (("measurements", "quantity"), "rssi", "quantity"),
        (("measurements", "x"), None, "columns of positions"),
        (("measurements", "file"), "../points.csv", "inside the recipe's folder"),
        (("transmitter", 1, "name"), "a", "two transmitters"),
        (("transmitter", 0, "x_m"), None, "needs x_m and y_m"),
        (("validation", "held_out"), 1.0, "held_out"),
        (("fit",), {"parameters": ["colour"]}, "fit.parameters"),
    ],
)
def test_mistakes_are_one_line(path, value, words):
    with pytest.raises(CampaignError) as caught:
        campaign_from_dict(changed(path, value), "mine", ".")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_latitudes_need_an_origin():
    table = changed(("measurements", "x"), None)
    table["measurements"] |= {"latitude": "lat", "longitude": "lon"}
    del table["measurements"]["y"]
    with pytest.raises(CampaignError, match="origin"):
        campaign_from_dict(table, "mine", ".")


def test_no_such_campaign():
    shipped = ", ".join(list_campaigns())
    with pytest.raises(CampaignError, match=f"nowhere: no such campaign; shipped are {shipped}, "):
        load_campaign("nowhere")
