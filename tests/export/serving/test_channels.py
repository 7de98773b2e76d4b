"""Answers from stored paths: losses, responses, places, times, and nodes that fit nothing."""

from itertools import pairwise

import numpy as np
import pytest

from rtwin.channel import cfr
from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import path_view
from rtwin.export.serving import NO_PATH_DB, StoredChannels, StoredPaths
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db


def node(number, place, model="constant_position_model"):
    return {"id": number, model: {"position": dict(zip("xyz", map(float, place), strict=True))}}


def init(nodes, **changes):
    told = {"frequency": 3500, "channel_bw": 60, "fft_size": 64, "subcarrier_spacing": 312500}
    return {**told, "mode": 2, "nodes": nodes, **changes}


@pytest.fixture(scope="module")
def still(standing):
    with open_dataset(standing) as dataset:
        view = path_view(dataset)
        places = [*dataset.read("tx_position_m"), *dataset.read("rx_position_m")]
        yield dataset, view, [node(n, place) for n, place in enumerate(places)]


@pytest.fixture(scope="module")
def walk(moving):
    with open_dataset(moving) as dataset:
        yield dataset, path_view(dataset)


def test_a_channel_is_the_response_of_the_stored_paths(still):
    dataset, view, nodes = still
    channels = StoredChannels(StoredPaths(view), init(nodes), 0.5)
    state = channels.response({"tx_node": 0, "rx_node": 4, "time": 5})["csi"][0]
    found = {one["id"]: one for one in state["rx_nodes"]}
    assert sorted(found) == [2, 3, 4, 5, 6]  # all receivers, no transmitter
    assert state["start_time"] == 5
    assert state["end_time"] > 10**15
    paths = dataset.paths(4, 5)  # receiver 2, transmitter 0
    wanted = cfr(paths, (np.arange(64) - 32) * 312500.0)[0, 0, 0, 0]
    one = found[4]
    assert one["wb_loss"] == pytest.approx(-to_db(np.mean(np.abs(wanted) ** 2)))
    csi = np.array(one["csi_real"]) + 1j * np.array(one["csi_imag"])
    assert np.mean(np.abs(csi) ** 2) == pytest.approx(1.0)
    # But for the delay of the first path, which is told apart.
    scaled = wanted / np.sqrt(np.mean(np.abs(wanted) ** 2))
    turned = csi * np.exp(-2j * np.pi * np.array(one["frequencies"]) * paths.delay_s.min())
    np.testing.assert_allclose(turned / turned[0], scaled / scaled[0], atol=1e-6)
    assert one["delay"] == round(paths.delay_s.min() * 1e9)
    assert one["frequencies"][:2] == [-32 * 312500, -31 * 312500]


def test_the_way_back_is_the_same_and_one_pair_is_one(still):
    _, view, nodes = still
    channels = StoredChannels(StoredPaths(view), init(nodes, mode=1), 0.5)
    there = channels.response({"tx_node": 0, "rx_node": 4})["csi"][0]
    back = channels.response({"tx_node": 4, "rx_node": 0})["csi"][0]
    assert [one["id"] for one in there["rx_nodes"]] == [4]
    for name in ("wb_loss", "delay", "csi_real"):
        assert back["rx_nodes"][0][name] == there["rx_nodes"][0][name]
    assert back["tx_node"]["id"] == 4


def test_what_the_twin_does_not_hold_is_beyond_hearing(still):
    _, view, nodes = still
    channels = StoredChannels(StoredPaths(view), init(nodes), 0.5)
    state = channels.response({"tx_node": 4, "rx_node": 5})["csi"][0]
    one = next(one for one in state["rx_nodes"] if one["id"] == 5)
    assert one["wb_loss"] == NO_PATH_DB
    away = np.linalg.norm(
        np.subtract(*([n["position"][axis] for axis in "xyz"] for n in (one, state["tx_node"])))
    )
    assert one["delay"] == round(away / SPEED_OF_LIGHT_M_S * 1e9)
    assert one["csi_real"] == [1.0] * 64


def test_a_walk_is_followed_in_time(walk):
    dataset, view = walk
    place, time_s = dataset.read("rx_position_m"), dataset.read("rx_time_s")
    nodes = [node(0, dataset.read("tx_position_m")[0]), node(1, place[0], "random_walk_model")]
    channels = StoredChannels(StoredPaths(view), init(nodes), 0.5)
    second = round(time_s[1] * 1e9)
    for time_ns, row in ((0, 0), (second - 1, 0), (second, 1), (10**12, len(place) - 1)):
        state = channels.response({"tx_node": 0, "rx_node": 1, "time": time_ns})["csi"][0]
        there = state["rx_nodes"][0]["position"]
        np.testing.assert_allclose([there[axis] for axis in "xyz"], place[row])
        assert state["end_time"] == (
            10**18 if row + 1 == len(place) else round(time_s[row + 1] * 1e9) - 1
        )
    ahead = StoredChannels(StoredPaths(view), init(nodes, mode=3, sub_mode=50), 0.5)
    states = ahead.response({"tx_node": 0, "rx_node": 1, "time": 0})["csi"]
    assert len(states) == len(place)
    for one, following in pairwise(states):
        assert following["start_time"] == one["end_time"] + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frequency": 5210}, "asks for 5210 MHz, the twin is one of 3500 MHz"),
        ({"fft_size": 0}, "fft_size is 0"),
        ({"nodes": []}, "0 nodes"),
        ({"nodes": [node(3, [500, 0, 1])]}, r"node 3 begins at \(500.00, 0.00, 1.00\) m"),
        ({"nodes": [node(3, [np.nan, 0, 1])]}, "node 3 begins at"),
        # On the wire a number that is 0 is left out.
        ({"nodes": [{"constant_position_model": {}}]}, r"node 0 begins at \(0.00, 0.00, 0.00\) m"),
        ({"nodes": [node(3, [500, 0, 1])]}, "or allow more than 0.5 m"),
        ({"nodes": [node(3, [-30, 10, 1.5], "random_walk_model")]}, "walks at random"),
    ],
)
def test_simulations_that_do_not_fit(still, change, words):
    _, view, nodes = still
    with pytest.raises(OutOfRangeError, match=words):
        StoredChannels(StoredPaths(view), init(**{"nodes": nodes, **change}), 0.5)


def test_requests_that_do_not_fit(still):
    _, view, nodes = still
    channels = StoredChannels(StoredPaths(view), init(nodes), 0.5)
    with pytest.raises(OutOfRangeError, match="node 99 was not told of"):
        channels.response({"tx_node": 0, "rx_node": 99})
    with pytest.raises(OutOfRangeError, match="channel to itself"):
        channels.response({"tx_node": 1, "rx_node": 1})
