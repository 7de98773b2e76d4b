"""What goes into a page comes out of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rtwin.view.buffers import TYPES, Buffers, decode

ARRAYS = st.sampled_from(TYPES).flatmap(
    lambda kind: st.tuples(
        st.just(kind), arrays(kind, array_shapes(max_dims=3, max_side=6, min_side=0))
    )
)


@given(st.lists(ARRAYS, max_size=6))
def test_round_trip(given_arrays):
    buffers = Buffers()
    for number, (kind, values) in enumerate(given_arrays):
        buffers.add(str(number), kind, values)
    found = decode(buffers.encode(), buffers.entries)
    assert len(found) == len(given_arrays)
    for number, (kind, values) in enumerate(given_arrays):
        assert found[str(number)].dtype == np.dtype(f"<{kind}")
        np.testing.assert_array_equal(found[str(number)], values)
    # A typed array starts at a multiple of its element's size, or the browser refuses it.
    for entry in buffers.entries:
        assert entry["offset"] % 4 == 0


def test_numbers_that_do_not_fit():
    with pytest.raises(OverflowError, match="rows does not fit into u2"):
        Buffers().add("rows", "u2", [1, 70_000])
    with pytest.raises(OverflowError, match="rows does not fit into u1"):
        Buffers().add("rows", "u1", [-1])
