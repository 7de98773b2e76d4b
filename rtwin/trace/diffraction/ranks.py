"""Rows of whole numbers, numbered."""

import numpy as np

from rtwin.arrays import Ints


def row_ranks(rows: Ints) -> Ints:
    """Rank of each row [row, column] among the distinct rows, first column first, [row].

    As np.unique does it, but by one number a row wherever that is wide enough, which takes
    a third of the time.
    """
    if not rows.size:
        return np.zeros(len(rows), np.int64)
    low, high = rows.min(axis=0), rows.max(axis=0)
    span = [int(h) - int(v) + 1 for v, h in zip(low, high, strict=True)]
    if np.prod(span, dtype=object) < 2**63:
        key = np.zeros(len(rows), np.int64)
        for column, least, size in zip(rows.T, low, span, strict=True):
            key = key * size + (column - least)
        rank = np.unique(key, return_inverse=True)[1]
    else:
        rank = np.unique(rows, axis=0, return_inverse=True)[1]
    return rank.reshape(-1).astype(np.int64)
