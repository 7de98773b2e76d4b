"""Answers from a radio map: losses at any place of it, and what it cannot say."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.export.serving import NO_PATH_DB, MapCells, StoredChannels
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

from ..conftest import MASTS
from .test_channels import init, node


def nodes_at(*places):
    return [node(n, place) for n, place in enumerate([*MASTS, *places])]


def test_losses_are_those_of_the_map(cells):
    place = [15.0, 5.0, 1.5]
    channels = StoredChannels(MapCells(cells), init(nodes_at(place, [25.0, 15.0, 1.7])), 0.5)
    state = channels.response({"tx_node": 0, "rx_node": 2, "time": 3})["csi"][0]
    found = {one["id"]: one for one in state["rx_nodes"]}
    assert sorted(found) == [2, 3]
    assert found[2]["wb_loss"] == pytest.approx(-to_db(2e-8))
    assert found[3]["wb_loss"] == pytest.approx(-to_db(6e-8))
    away = np.linalg.norm(MASTS[0] - place)
    assert found[2]["delay"] == round(away / SPEED_OF_LIGHT_M_S * 1e9)
    assert found[2]["csi_real"] == [1.0] * 64
    assert state["end_time"] > 10**15
    back = channels.response({"tx_node": 2, "rx_node": 0})["csi"][0]["rx_nodes"]
    assert {one["id"]: one["wb_loss"] for one in back}[0] == found[2]["wb_loss"]
    # Where no ray came, and between what the map does not hold.
    for pair in ((1, 3), (0, 1), (2, 3)):
        heard = channels.response({"tx_node": pair[0], "rx_node": pair[1]})["csi"][0]["rx_nodes"]
        assert {one["id"]: one["wb_loss"] for one in heard}[pair[1]] == NO_PATH_DB


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ([31.0, 5.0, 1.5], r"node 2 begins at \(31.00, 5.00, 1.50\) m, .* x 0 to 30, y 0 to 20"),
        ([15.0, 5.0, 9.0], "z 1.5 m"),
        ([15.0, 5.0, np.nan], "not on the map"),
        ([np.nan, 5.0, 1.5], "not on the map"),
    ],
)
def test_places_that_the_map_does_not_know(cells, place, words):
    with pytest.raises(OutOfRangeError, match=words):
        StoredChannels(MapCells(cells), init(nodes_at(place)), 0.5)


def test_walks_and_other_carriers(cells):
    walks = [*nodes_at(), node(2, [15.0, 5.0, 1.5], "random_walk_model")]
    with pytest.raises(OutOfRangeError, match="node 2 walks at random"):
        StoredChannels(MapCells(cells), init(walks), 0.5)
    with pytest.raises(OutOfRangeError, match="asks for 5210 MHz"):
        StoredChannels(MapCells(cells), init(nodes_at(), frequency=5210), 0.5)
