"""The study of sites: who calibrates together, and what is said of values that rival."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.federation.sites import Shared
from rtwin.federation.studies import SitesStudy, sites, sites_results
from rtwin.federation.studies.sites import SITES, TOGETHER, SitesOutcome, drawn_truth, prior

from ..sites.linear_site import parameter


class Named:
    def __init__(self, name):
        self.name = name


def joint(names):
    asked = [place for place in SITES if place[0] in names]
    groups = sites._joint(asked, [Named(place[0]) for place in asked])
    return {name: [site.name for site in group] for name, group in groups.items()}


def test_scenes_with_several_sites_calibrate_together_before_all_do():
    every = [name for name, *_ in SITES]
    assert joint(every) == {
        "canyon together": every[:2],
        "munich together": every[2:],
        TOGETHER: every,
    }
    assert list(joint(every[:2])) == [TOGETHER]
    assert list(joint(every[:3])) == ["canyon together", TOGETHER]


def test_sites_of_a_scene_differ_in_frequency_and_share_one_textbook():
    scenes = {}
    for _, scene, mast, frequency_hz, _ in SITES:
        scenes.setdefault(scene, []).append((mast, frequency_hz))
    for places in scenes.values():
        assert len({f for _, f in places}) == len(places)
    assert set(prior()) == set(drawn_truth(1))


def test_sharp_values_that_rival_are_counted_and_not_called_seen():
    brick, marble = parameter("brick", 3.91), parameter("marble", 7.074)
    truth = drawn_truth(1)
    z = np.zeros(2)
    alone = Shared((brick, marble), z, np.diag([900.0, 1.0]), 1.0, rivals=((2.0, 6.5), ()))
    both = Shared((brick, marble), z, np.diag([900.0, 1.0]), 1.0, 4, 80, rivals=((), ()))
    found = {"canyon 3.5 GHz": alone, TOGETHER: both}
    results = sites_results(SitesStudy(), SitesOutcome(truth, found))
    first = results.tables[0].rows[0]
    assert first["parameter"] == "brick, permittivity"
    assert first["canyon 3.5 GHz"] == "one of 3 values"
    assert first[TOGETHER].startswith("3.91 (")
    assert len(results.tables[0].rows) == 2  # what no site has is left out
    seen = {row["calibrated"]: row["parameters seen"] for row in results.tables[1].rows}
    assert seen == {"canyon 3.5 GHz": 0, TOGETHER: 1}


def test_one_site_is_no_federation():
    with pytest.raises(OutOfRangeError, match="two or more of canyon"):
        SitesStudy(sites=("canyon 3.5 GHz",))
