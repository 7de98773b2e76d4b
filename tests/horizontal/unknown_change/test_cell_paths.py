"""What is stored of cells: segments through boxes, shares of objects, gains without them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtwin.horizontal import trace_state
from rtwin.horizontal.edits import edits_from_dict
from rtwin.horizontal.levels import FLOOR_DB, floored_db
from rtwin.horizontal.unknown_change.cell_paths import crosses_box
from rtwin.horizontal.unknown_change.synthesis import Synthesis, stored_twin

points = arrays(np.float64, (2, 3), elements=st.floats(-3, 3).map(lambda v: round(v, 2)))


@settings(max_examples=300)
@given(points)
def test_segments_through_a_box_as_their_points_say(ends):
    box = np.array([[-1.0, -1, -1], [1, 1, 1]])
    along = ends[0] + np.linspace(0, 1, 4001)[:, None] * (ends[1] - ends[0])
    inside = (np.abs(along) <= 1).all(axis=1).any()
    close = (np.abs(along) <= 1.01).all(axis=1).any()
    found = crosses_box(ends[0], ends[1], box)
    assert found >= inside
    assert found <= close


@pytest.fixture(scope="module")
def state(two_boxes):
    return trace_state(two_boxes(radio_map={"area": [-40, -40, 40, 40]}))


@pytest.fixture(scope="module")
def twin(state):
    return stored_twin(state, 0.5)


def test_stored_paths_give_the_map(state, twin):
    assert twin.gain_db.shape == (2, 256)
    for tx, paths in enumerate(twin.paths):
        np.testing.assert_allclose(
            paths.path_gain().reshape(state.grid.shape), state.maps["path_gain"][tx], rtol=1e-6
        )
    assert (twin.sigma_db == 0.5).all()
    assert twin.gain_db.min() >= FLOOR_DB


def test_shares_are_of_the_power_that_meets_an_object(state, twin):
    paths = twin.paths[0]
    share = paths.share(len(state.object_names))
    assert share.shape == (256, 4)
    row = state.object_names.index("metal_box")
    met = paths.bounces(row) > 0
    expected = np.bincount(paths.cell[met], paths.power[met], 256)
    total = paths.path_gain()
    np.testing.assert_allclose(
        share[total > 0, row], (expected / np.maximum(total, 1e-30))[total > 0]
    )
    few = np.array([7, 100, 3])
    np.testing.assert_allclose(paths.take(few).path_gain(), total[few])
    np.testing.assert_allclose(paths.take(few).share(4), share[few])


def test_paths_end_where_they_must(twin):
    paths = twin.paths[1]
    corners = paths.corners_m
    np.testing.assert_allclose(corners[:, 0], np.broadcast_to(paths.tx_m, (len(corners), 3)))
    np.testing.assert_allclose(corners[:, -1], paths.cell_m[paths.cell])
    assert np.isfinite(corners).all()


def test_what_an_object_gives_is_gone_with_it(state, twin):
    """Most cells lose exactly the paths that the object made; those in its shadow gain others."""
    row = state.object_names.index("metal_box")
    edits = edits_from_dict({"edit": [{"kind": "remove_object", "object": "metal_box"}]}).edit
    traced = Synthesis(twin).gain_db(edits, np.arange(256))
    for tx, paths in enumerate(twin.paths):
        assert paths.removable(row).any()
        expected = floored_db(paths.path_gain(~paths.removable(row)))
        lost = expected < twin.gain_db[tx] - 1
        assert lost.sum() >= 3
        assert np.mean(np.abs(expected - traced[tx]) < 0.05) > 0.7
        # Without it nothing gets darker than its own paths were worth.
        assert (traced[tx] >= expected - 0.05).mean() > 0.98


def test_impossible_worlds_are_no_worlds(twin):
    synthesis = Synthesis(twin)
    for edit in (
        {"kind": "remove_object", "object": "nobody"},
        {"kind": "move_transmitter", "transmitter": "mast", "to_m": [20.0, 12.0, 4.0]},
    ):
        assert synthesis.gain_db(edits_from_dict({"edit": [edit]}).edit, np.arange(4)) is None
    assert synthesis.num_traces == 0
    np.testing.assert_allclose(synthesis.gain_db((), np.arange(256)), twin.gain_db, atol=0.01)
