"""Sums and extremes over the rows of ragged arrays.

A ragged array holds the values of all rows one after the other, beside the
size of each row. `reduceat` alone gives an empty row the value of its
neighbour; here an empty row gets the value that the caller names.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Ints


def row_offsets(row_size: Ints) -> Ints:
    """Where each row starts, and after the last one where it ends: [row + 1]."""
    offsets = np.zeros(row_size.size + 1, dtype=np.int64)
    np.cumsum(row_size, out=offsets[1:])
    return offsets


def segment_reduce(
    reduce: np.ufunc, values: NDArray[Any], row_size: Ints, empty: float
) -> NDArray[Any]:
    """A ufunc such as np.add or np.maximum reduced over each row.

    Args:
        reduce: The ufunc.
        values: Any unit, [value, ...]; the rows are cut along the first axis.
        row_size: Number of values of each row, [row]; adds up to the values.
        empty: Result for a row without a value.
    Returns:
        [row, ...], the unit of the values.
    Source: definition; checked by tests/channel/test_segments.py.
    """
    result = np.full((row_size.size, *values.shape[1:]), empty, dtype=values.dtype)
    filled = row_size > 0
    if filled.any():
        # Empty rows take no room, so the filled ones still touch each other.
        starts = row_offsets(row_size)[:-1][filled]
        result[filled] = reduce.reduceat(values, starts, axis=0)
    return result


def segment_sum(values: NDArray[Any], row_size: Ints) -> NDArray[Any]:
    """Sum over each row: [value, ...] -> [row, ...]; exactly 0 for an empty row."""
    return segment_reduce(np.add, values, row_size, 0)


def rank_in_row(row_size: Ints) -> Ints:
    """Position of each value in its row, counted from 0: [value]."""
    starts = row_offsets(row_size)[:-1]
    return np.arange(row_size.sum()) - np.repeat(starts, row_size)
