import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel.segments import rank_in_row, row_offsets, segment_reduce, segment_sum

row_sizes = st.lists(st.integers(0, 4), max_size=8).map(lambda v: np.array(v, dtype=np.int64))


@given(row_sizes)
def test_segment_sum_is_the_sum_of_each_row(row_size):
    values = np.arange(1.0, row_size.sum() + 1)
    rows = np.split(values, np.cumsum(row_size)[:-1]) if row_size.size else []
    assert segment_sum(values, row_size).tolist() == [row.sum() for row in rows]


def test_an_empty_row_is_not_its_neighbour():
    row_size = np.array([0, 2, 0, 0, 1, 0])
    values = np.array([3.0, 5.0, 7.0])
    assert segment_sum(values, row_size).tolist() == [0, 8, 0, 0, 7, 0]
    smallest = segment_reduce(np.minimum, values, row_size, np.inf)
    assert smallest.tolist() == [np.inf, 3, np.inf, np.inf, 7, np.inf]


def test_segment_sum_keeps_the_other_axes_and_the_type():
    values = np.arange(6).reshape(3, 2) * (1 + 1j)
    result = segment_sum(values, np.array([2, 0, 1]))
    assert result.dtype == values.dtype
    np.testing.assert_array_equal(result, np.array([[2, 4], [0, 0], [4, 5]]) * (1 + 1j))


@pytest.mark.parametrize(
    ("row_size", "offsets", "rank"), [([2, 0, 3], [0, 2, 2, 5], [0, 1, 0, 1, 2]), ([], [0], [])]
)
def test_offsets_and_ranks(row_size, offsets, rank):
    row_size = np.array(row_size, dtype=np.int64)
    assert row_offsets(row_size).tolist() == offsets
    assert rank_in_row(row_size).tolist() == rank
