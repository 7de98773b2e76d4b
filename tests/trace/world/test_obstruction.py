"""Faces and metres inside, on boxes whose answer is known."""

import numpy as np
import pytest

from rtwin.scene import recipe_from_dict
from rtwin.trace import load_world, obstruction

BOXES = {
    "title": "Two boxes",
    "frequency_hz": 3.5e9,
    "object": [
        {
            "name": "a",
            "material": "brick",
            "shape": "box",
            "center_m": [10, 0, 5],
            "size_m": [4, 10, 10],
        },
        {
            "name": "b",
            "material": "brick",
            "shape": "box",
            "center_m": [20, 0, 2],
            "size_m": [2, 10, 4],
        },
    ],
    "transmitter": [{"name": "t", "position_m": [0, 0, 5]}],
}


@pytest.mark.parametrize(
    ("start", "end", "faces", "inside"),
    [
        ((0, 0, 1), (30, 0, 1), 4, 6.0),
        ((0, 0, 6), (30, 0, 6), 2, 4.0),  # over the low one
        ((0, 0, 11), (30, 0, 11), 0, 0.0),
        ((0, 9, 1), (30, 9, 1), 0, 0.0),
        ((0, 0, 1), (15, 0, 1), 2, 4.0),  # stops between them
    ],
)
def test_boxes(start, end, faces, inside):
    world = load_world(recipe_from_dict(BOXES))
    for a, b in ((start, end), (end, start)):
        found = obstruction(world, [a], [b])
        assert found.faces.tolist() == [faces]
        assert found.inside_m == pytest.approx([inside], abs=0.02)


def test_no_segments():
    found = obstruction(load_world(recipe_from_dict(BOXES)), np.zeros((0, 3)), np.zeros((0, 3)))
    assert found.faces.shape == found.inside_m.shape == (0,)
