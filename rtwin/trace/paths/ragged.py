"""Rows that belong to links, some to each, handled together."""

from collections.abc import Iterator

import numpy as np

from rtwin.arrays import Ints

PAIRS_AT_ONCE = 500_000


def spread_out(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """All numbers from begin[n] to end[n], and which n each is of: n, number."""
    count = end - begin
    owner = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + begin[owner]


def runs_of(count: Ints, most: int) -> Iterator[slice]:
    """Runs of neighbours whose counts add up to no more than `most`; at least one in each."""
    total = np.cumsum(count)
    start = 0
    while start < len(count):
        before = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + most, side="right")))
        yield slice(start, stop)
        start = stop
