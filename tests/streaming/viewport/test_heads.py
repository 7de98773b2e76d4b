"""Head directions: files, frames, angles."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError, StoreError
from rtwin.streaming.viewport import Heads, angle_deg, facing, read_heads


def test_what_ships_is_whole():
    heads = read_heads()
    assert (heads.num_users, len(heads.user), len(np.unique(heads.video))) == (12, 55, 5)
    assert heads.direction.shape == (55, 600, 3)
    assert heads.step_s == pytest.approx(0.1, abs=1e-4)
    speed = angle_deg(heads.direction[:, 1:], heads.direction[:, :-1]) / 0.1
    # As of all 840 views, whose median is 18 and 95 % point 100 deg/s.
    assert 12 < np.median(speed) < 25


def test_frame_of_a_head_is_a_rotation():
    rng = np.random.default_rng(0)
    ahead = rng.normal(size=(50, 3))
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    ahead[0] = [0.0, 1.0, 0.0]
    frame = facing(ahead)
    assert np.allclose(frame @ frame.swapaxes(1, 2), np.eye(3), atol=1e-9)
    assert np.linalg.det(frame) == pytest.approx(np.ones(50))
    assert np.allclose(np.einsum("nij,nj->ni", frame, ahead), [0, 0, 1])
    assert np.allclose(frame[:, 0, 1], 0.0)


def test_angles_are_great_circles():
    assert angle_deg([0, 0, 1], [1, 0, 0]) == pytest.approx(90.0)
    assert angle_deg([0, 0, 1], [0, 0, -1]) == pytest.approx(180.0)
    tiny = 1e-6
    assert angle_deg([0, 0, 1], [tiny, 0, 1]) == pytest.approx(np.rad2deg(tiny), rel=1e-6)


def test_files_that_are_none_are_named(tmp_path):
    file = tmp_path / "heads.npz"
    with pytest.raises(StoreError, match=r"heads\.npz: cannot be read"):
        read_heads(file)
    np.savez(file, time_s=np.arange(5.0), user=["a"], video=["v"])
    with pytest.raises(StoreError, match="direction"):
        read_heads(file)
    direction = np.tile([0.0, 0.0, 2.0], (1, 5, 1))
    np.savez(file, time_s=np.arange(5.0), user=["a"], video=["v"], direction=direction)
    assert read_heads(file).direction[0, 0].tolist() == [0, 0, 1]
    np.savez(file, time_s=[0, 1, 4, 5, 6.0], user=["a"], video=["v"], direction=direction)
    with pytest.raises(StoreError, match="no even steps"):
        read_heads(file)


def test_columns_must_fit():
    with pytest.raises(ShapeError, match=r"direction \(2, 3, 3\)"):
        Heads(0.1, np.zeros(1, int), np.zeros(1, int), np.zeros((2, 3, 3)))
    with pytest.raises(OutOfRangeError, match="no unit vector"):
        Heads(0.1, np.zeros(1, int), np.zeros(1, int), np.zeros((1, 3, 3)))
