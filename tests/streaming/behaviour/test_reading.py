"""Swipe data in files."""

import numpy as np
import pytest

from rtwin.errors import StoreError
from rtwin.streaming.behaviour import read_swipes


def test_distributions_are_read(tmp_path):
    rows = [np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.5, 0.5])] * 8
    np.savez(
        tmp_path / "s.npz",
        row_size=[len(r) for r in rows],
        probability=np.concatenate(rows).astype(np.float32),
    )
    found = read_swipes(tmp_path / "s.npz")
    assert found.duration_s.tolist() == [3, 1] * 8
    assert np.exp(-found.hazard[0, :4]) == pytest.approx([1.0, 0.9, 0.7, 0.4])
    assert read_swipes(tmp_path / "s.npz", 9, seed=1).num_videos == 9


def test_logs_are_read(tmp_path):
    lines = ["user,video,watched_s,duration_s"]
    lines += [f"u,v{v},{w},10" for v in range(8) for w in (2.5, 2.5, 10, 10)]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    found = read_swipes(tmp_path / "log.csv")
    assert found.num_videos == 8
    # Four views and a uniform one: left in second 2 are two and an eleventh.
    gone = 1 - np.exp(-found.hazard[0])
    assert gone[3] - gone[2] == pytest.approx((2 + 1 / 11) / 5)


@pytest.mark.parametrize(
    "text", ["user,video\n1,2\n", "user,video,watched_s,duration_s\na,b,x,3\n", ""]
)
def test_other_files_are_refused_in_a_line(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(StoreError, match="cannot be read"):
        read_swipes(tmp_path / "log.csv")


def test_broken_arrays_are_refused(tmp_path):
    (tmp_path / "s.npz").write_bytes(b"no zip")
    with pytest.raises(StoreError, match="cannot be read"):
        read_swipes(tmp_path / "s.npz")
    np.savez(tmp_path / "t.npz", row_size=[3, 3], probability=np.ones(4) / 3)
    with pytest.raises(StoreError, match="adds up to 6"):
        read_swipes(tmp_path / "t.npz")
    with pytest.raises(StoreError, match="cannot be read"):
        read_swipes(tmp_path / "missing.npz")
