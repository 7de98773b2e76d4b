"""Radio maps between their cells: planes are exact, holes stay holes, errors are carried."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel import interpolate_path_gain
from rtwin.errors import ShapeError
from rtwin.units import from_db, to_db

X, Y = 10.0 + 2.0 * np.arange(6), -4.0 + 2.0 * np.arange(5)


def plane():
    level = -80.0 + 0.7 * X[None, :] - 1.3 * Y[:, None]
    return from_db(np.stack([level, level - 20.0]))


def at(gain, xy, error=None):
    error = np.zeros_like(gain) if error is None else error
    return interpolate_path_gain(gain, error, X, Y, np.atleast_2d(xy))


@given(st.floats(10, 20), st.floats(-4, 4))
def test_a_plane_in_decibel_is_met_exactly(x, y):
    found, _ = at(plane(), [x, y])
    wanted = -80.0 + 0.7 * x - 1.3 * y
    np.testing.assert_allclose(to_db(found[0]), [wanted, wanted - 20.0], atol=1e-9)


def test_cell_centres_keep_their_values():
    gain = np.random.default_rng(1).uniform(1e-12, 1e-8, (2, 5, 6))
    xy = np.stack(np.meshgrid(X, Y), axis=-1).reshape(-1, 2)
    found, _ = at(gain, xy)
    np.testing.assert_allclose(found.T.reshape(gain.shape), gain)


def test_a_point_in_an_unreached_cell_has_no_gain_and_others_ignore_the_hole():
    gain = plane()
    gain[0, 2, 3] = 0.0
    found, error = at(gain, [[X[3], Y[2]], [X[3] + 0.9, Y[2]], [X[3] + 1.1, Y[2]]])
    assert found[0, 0] == found[1, 0] == 0
    assert np.isnan(error[:2, 0]).all()
    # Beyond the edge of the hole its neighbour counts alone.
    assert to_db(found[2, 0]) == pytest.approx(to_db(gain[0, 2, 4]))
    assert (found[:, 1] > 0).all()


def test_outside_is_unknown_and_the_rim_belongs_to_the_map():
    found, error = at(plane(), [[9.1, 0], [8.9, 0], [20.9, 4.9], [0, 0], [np.nan, 0]])
    assert np.isfinite(found[[0, 2]]).all()
    assert np.isnan(found[[1, 3, 4]]).all()
    assert np.isnan(error[[1, 3, 4]]).all()
    assert to_db(found[0, 0]) == pytest.approx(-80.0 + 0.7 * X[0])


def test_the_error_is_the_weighted_mean_in_decibel():
    gain = plane()
    error = 0.1 * gain
    _, found = at(gain, [[11.3, 0.4]], error)
    np.testing.assert_allclose(found, 1.0 / np.log(10.0))  # 10 % are 0.434 dB everywhere
    error[:, :, 0] = 0.0
    _, found = at(gain, [[X[0] + 0.5, Y[1]]], error)
    np.testing.assert_allclose(found, 0.25 / np.log(10.0))


@given(st.integers(0, 2**32 - 1), st.floats(9, 21), st.floats(-5, 5))
def test_never_beyond_the_neighbours(seed, x, y):
    gain = np.random.default_rng(seed).uniform(0.1, 1.0, (1, 5, 6))
    found, _ = at(gain, [x, y])
    column, row = (x - X[0]) / 2, (y - Y[0]) / 2
    near = gain[
        0,
        np.clip([np.floor(row), np.ceil(row)], 0, 4).astype(int)[:, None],
        np.clip([np.floor(column), np.ceil(column)], 0, 5).astype(int),
    ]
    assert near.min() * (1 - 1e-12) <= found[0, 0] <= near.max() * (1 + 1e-12)


def test_a_map_of_one_cell():
    found, _ = interpolate_path_gain(
        np.full((1, 1, 1), 0.5), np.zeros((1, 1, 1)), [0.0], [0.0], [[0.2, 0.1]]
    )
    assert found[0, 0] == pytest.approx(0.5)


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match=r"\(2, 5, 6\)"):
        interpolate_path_gain(plane(), plane(), Y, X, [[0, 0]])
