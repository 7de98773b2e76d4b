"""Arrays written in pieces are the arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.export.writing.stream import RowWriter, write_npz


@settings(max_examples=30)
@given(st.lists(st.integers(0, 7), max_size=5), st.sampled_from(["<f4", "<c8", "<i8"]))
def test_pieces_make_the_whole(tmp_path_factory, sizes, dtype):
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(sum(sizes), 3, 2)).astype(dtype)
    for name in ("x.npz", "x.npy"):
        with RowWriter(folder / name, "key", whole.shape, dtype) as writer:
            for part in np.split(whole, np.cumsum(sizes)):
                writer.write(part)
        loaded = np.load(folder / name)
        found = loaded["key"] if name == "x.npz" else loaded
        np.testing.assert_array_equal(found, whole)
        assert found.dtype == dtype


def test_a_missing_row_is_an_error(tmp_path):
    with (
        pytest.raises(AssertionError),
        RowWriter(tmp_path / "x.npy", "x", (3, 2), "<f4") as writer,
    ):
        writer.write(np.zeros((2, 2)))


def test_archives_hold_no_date(tmp_path):
    write_npz(tmp_path / "a.npz", x=np.arange(3))
    write_npz(tmp_path / "b.npz", x=np.arange(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
