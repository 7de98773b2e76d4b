"""Chunks that threads pack and unpack are those of HDF5's own filters."""

from itertools import pairwise

import h5py
import numpy as np
import pytest

from rtwin.dataset.schema import Variable
from rtwin.dataset.store import ChunkThreads, create_variable

KINDS = (("|u1", (3,)), ("<u4", ()), ("<f4", (3, 3)), ("<f8", ()), ("<c8", (2, 1)), ("<i2", (4,)))


def values(dtype, shape, seed):
    numbers = np.random.default_rng(seed).integers(0, 100, shape)
    return (numbers * (1 + 0.5j if "c" in dtype else 1)).astype(dtype)


@pytest.mark.parametrize(("dtype", "tail"), KINDS)
@pytest.mark.parametrize("num", [0, 5, 120_000])
def test_both_ways(tmp_path, dtype, tail, num):
    variable = Variable("x", ("path", *(f"d{n}" for n in range(len(tail)))), dtype, "1", "")
    data = values(dtype, (num, *tail), 1)
    with h5py.File(tmp_path / "by_threads.h5", "w") as h5, ChunkThreads() as threads:
        made = create_variable(h5, variable, data.shape)
        cuts = [0, 1, 7, 65_000, num]
        pieces = [data[a:b] for a, b in pairwise(cuts)]
        passed = list(threads.copied(made, pieces))
        np.testing.assert_array_equal(np.concatenate(passed), data)
    with h5py.File(tmp_path / "by_threads.h5", "r") as h5:
        np.testing.assert_array_equal(h5["x"][...], data)
    with h5py.File(tmp_path / "by_hdf5.h5", "w") as h5, ChunkThreads() as threads:
        made = create_variable(h5, variable, data.shape, data)
        assert (made.chunks is None) == (data.nbytes <= 4096)
        found = list(threads.rows(made))
        np.testing.assert_array_equal(np.concatenate([*found, data[:0]]), data)
