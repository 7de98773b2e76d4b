"""Edges are found by place: seams are none, meshes of two materials share theirs."""

import numpy as np
import pytest

from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, load_world, place
from rtwin.trace.diffraction.edges import find_edges
from rtwin.trace.diffraction.ranks import row_ranks
from rtwin.trace.world.planes import find_planes

from ...tables import box, wall

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def edges_of(*triangles):
    vertices = np.array(triangles, np.float32)
    normal = np.cross(vertices[:, 1] - vertices[:, 0], vertices[:, 2] - vertices[:, 0])
    normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return find_edges(vertices, find_planes(vertices, normal.astype(float))[0])


def sheet(low, high, y=0.0):
    """Two triangles of an upright rectangle between x, z corners."""
    a, b = [low[0], y, low[1]], [high[0], y, low[1]]
    c, d = [high[0], y, high[1]], [low[0], y, high[1]]
    return [a, b, c], [a, c, d]


def test_a_sheet_has_its_rim_and_no_seam():
    edges = edges_of(*sheet((0, 0), (2, 1)))
    assert len(edges) == 4
    assert edges.is_free.all()
    np.testing.assert_allclose(edges.turn_rad, 2 * np.pi)
    assert (edges.row < 0).sum() == 2  # the diagonal, from both sides


def test_a_pane_that_fills_its_hole_has_no_edges():
    """Whole walls around it, one of them longer than the pane: seams of one plane."""
    wall_around = [
        *sheet((0, 0), (1, 3)),
        *sheet((1, 0), (2, 1)),
        *sheet((1, 2), (2, 3)),
        *sheet((2, 0), (3, 3)),
    ]
    pane = sheet((1, 1), (2, 2))
    edges = edges_of(*wall_around, *pane)
    middle = edges.start_m + 0.5 * edges.length_m[:, None] * edges.direction
    inside = (np.abs(middle[:, [0, 2]] - 1.5) < 1.4).all(axis=1)
    assert not inside.any()
    # A hole that is left open has four.
    middle = edges_of(*wall_around)
    assert len(middle) > len(edges)


def test_a_box_has_twelve_right_angles():
    recipe = recipe_from_dict(
        {
            "title": "box",
            "frequency_hz": 3.5e9,
            "object": [box("box", [0, 0, 1], [2, 3, 2], yaw_deg=17)],
            "transmitter": [{"name": "tx", "position_m": [0, 0, 9]}],
        }
    )
    edges = load_world(recipe).triangles.edges
    assert len(edges) == 12
    np.testing.assert_allclose(edges.turn_rad, 1.5 * np.pi, atol=1e-5)
    along = np.cross(edges.normal[:, 0], edges.direction)
    # Both normals look out, and the frame is right-handed: the other face lies behind.
    centre = edges.start_m + 0.5 * edges.length_m[:, None] * edges.direction
    out = centre - [0, 0, 1]
    assert (np.einsum("ei,efi->ef", out, edges.normal) > 0).all()
    assert (np.einsum("ei,ei->e", along, out) < 0).all()


def test_walls_and_roof_of_two_materials_share_an_edge():
    roof = {"name": "roof", "material": "metal", "shape": "plane", "center_m": [0, 0, 5]}
    recipe = recipe_from_dict(
        {
            "title": "house",
            "frequency_hz": 3.5e9,
            "object": [
                wall("front", ([-2, -2], [2, -2]), 0, 5, "brick"),
                {**roof, "size_m": [4, 4]},
            ],
            "transmitter": [{"name": "tx", "position_m": [0, 0, 9]}],
        }
    )
    world = load_world(recipe)
    edges = world.triangles.edges
    shared = np.flatnonzero(~edges.is_free)
    assert len(shared) == 1
    names = {world.material_names[m] for m in world.triangles.material[edges.triangle[shared[0]]]}
    assert names == {"brick", "metal"}
    assert edges.turn_rad[shared[0]] == pytest.approx(1.5 * np.pi)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_wall_in_two_pieces_is_one(order):
    """A seam in the way changes nothing, whichever piece comes first."""
    pieces = {
        "a": wall("a", ([0, -4], [0, 1]), 0, 6, "brick"),
        "b": wall("b", ([0, 1], [0, 4]), 0, 6, "brick"),
    }

    def gains(objects):
        recipe = recipe_from_dict(
            {
                "title": "wall",
                "frequency_hz": 3.5e9,
                "object": objects,
                "transmitter": [{"name": "tx", "position_m": [-6, 0.5, 2]}],
                "receivers": {
                    "kind": "list",
                    "positions_m": [[5, 0.7, 2], [7, -2, 3], [-3, 2, 1]],
                    "keep_invalid": True,
                },
                "solver": {"diffraction": True, "edge_diffraction": True, "rays": 50_000},
            }
        )
        world = load_world(recipe)
        traced = Tracer(world).trace(place(world))
        keys = np.round(traced.delay_s * 299792458.0, 3)
        link = np.repeat(np.arange(3), traced.num_paths)
        return {
            (n, key): abs(a)
            for n, key, a in zip(link, keys, traced.a[:, 0, 0], strict=True)
            if abs(a) > 1e-7
        }

    whole = gains([wall("whole", ([0, -4], [0, 4]), 0, 6, "brick")])
    split = gains([pieces[name] for name in order])
    assert whole.keys() == split.keys()
    for key, gain in whole.items():
        # Where a path bends at the top, the two pieces have a part of the edge each.
        assert split[key] == pytest.approx(gain, rel=1e-3)


@pytest.mark.parametrize("wide", [1, 2**40])
def test_rows_are_numbered_as_numpy_would(wide):
    """By one number a row, also where the columns are too wide for one together."""
    rows = np.random.default_rng(3).integers(-3, 4, (500, 3)) * wide
    expected = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    np.testing.assert_array_equal(row_ranks(rows), expected)
    assert len(row_ranks(rows[:0])) == 0
