"""Link traces with the link layer of their paths: what is written, and how it differs."""

import numpy as np
import pytest

from rtwin.dataset import (
    SampleSettings,
    file_info,
    open_link_trace,
    validate_file,
    write_link_trace,
)
from rtwin.dataset.tracks.sample import sample_twin
from rtwin.dataset.tracks.twin import Twin
from rtwin.errors import OutOfRangeError
from rtwin.link.layer import FadedLink
from rtwin.scene import Tracks, Walk, recipe_dict, recipe_from_dict


def sampled(recipe, tracks, **settings):
    twin = Twin("two_boxes", recipe, None, "0" * 64)
    return sample_twin(twin, tracks, Walk(), SampleSettings(method="paths", **settings))


@pytest.fixture(scope="module")
def tracks():
    """One user walks, one comes late."""
    time = 0.1 * np.arange(8)
    position = np.full((8, 2, 3), np.nan)
    position[:, 0] = np.stack([20 + 0.15 * np.arange(8), np.full(8, -20.0), np.full(8, 1.5)], 1)
    position[3:, 1] = [-25.0, -25.0, 1.5]
    return Tracks(time, ("walks", "late"), position)


@pytest.fixture(scope="module")
def traces(two_boxes, tracks, tmp_path_factory):
    place = tmp_path_factory.mktemp("faded")
    found = {}
    for link in ("simple", "paths"):
        trace = sampled(two_boxes(), tracks, link=link, demand_mbps=5.0)
        found[link] = write_link_trace(trace, place / f"{link}.h5")
    return found


def test_what_is_written_is_whole_and_read_again(traces):
    assert validate_file(traces["paths"]) == []
    assert validate_file(traces["simple"]) == []
    faded, simple = (open_link_trace(traces[link]) for link in ("paths", "simple"))
    assert faded.attributes["link"] == "paths"
    assert faded.attributes["link_settings"]
    np.testing.assert_array_equal(faded.sinr_db, simple.sinr_db)
    np.testing.assert_array_equal(faded.tx_load, simple.tx_load)
    assert simple.block_error_rate is None
    served = faded.state == 0
    assert served.any()
    assert (faded.of_serving("num_layers")[served] >= 1).all()
    assert ((faded.of_serving("block_error_rate")[served]) <= 1).all()
    assert (faded.rate_mbps[~served] == 0).all()
    assert (faded.cqi[:3, 1] == -1).all()
    # Fading moves the effective SINR of the walker about the mean, by decibels at most.
    heard = np.isfinite(faded.sinr_db) & np.isfinite(faded.effective_sinr_db)
    assert heard[:, 0].any()
    away = (faded.effective_sinr_db - faded.sinr_db.clip(-20, 45))[:, 0][heard[:, 0]]
    assert 0.05 < np.abs(away).mean() < 8.0


def test_info_tells_of_blocks_and_loads(traces):
    info = file_info(traces["paths"])
    assert info["link"] == "paths"
    assert 0 <= info["mean_lost_blocks"] <= info["mean_block_error_rate"] < 0.6
    assert len(info["mean_tx_load"]) == info["num_tx"]
    assert all(0 < load < 1 for load in info["mean_tx_load"]) or max(info["mean_tx_load"]) > 0
    assert file_info(traces["simple"])["link"] == "simple"


def test_ports_of_the_recipe_bring_layers(two_boxes, tracks):
    told = recipe_dict(two_boxes())
    for tx in told["transmitter"]:
        tx["antenna"] = {"polarization": "cross", "num_cols": 2}
    told["receivers"]["antenna"] = {"polarization": "cross"}
    recipe = recipe_from_dict(told, "two_boxes")
    trace = sampled(recipe, tracks, link="paths", interference_load=0.0)
    assert trace.num_layers.max() == 2
    one = FadedLink(max_layers=1)
    single = sampled(recipe, tracks, link="paths", interference_load=0.0, faded=one)
    assert single.num_layers.max() == 1
    assert single.rate_mbps.mean() < trace.rate_mbps.mean()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"link": "fast"}, "link is 'fast'"),
        ({"link": "paths", "method": "map"}, "needs paths"),
        ({"demand_mbps": 0.0}, "demand_mbps is 0"),
    ],
)
def test_impossible_settings(change, words):
    with pytest.raises(OutOfRangeError, match=words):
        SampleSettings(**change)
