"""Which types of video a user likes: a Dirichlet distribution that forgets."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError

PRIOR = 0.5
KEEP = 0.9  # of what was counted, from one interval to the next


class Preference:
    """Counts of the types that a user chose, fading.

    p_k = (c_k + a) / sum (c + a), and c <- keep c + counts.

    Args:
        num_types: Types.
        prior: a, a number for all types or one for each.
        keep: Share of the counts that stays from one update to the next.
    Raises:
        OutOfRangeError: if a number is not possible.
    Checked by tests/streaming/behaviour/test_preference.py.
    """

    def __init__(self, num_types: int, prior: ArrayLike = PRIOR, keep: float = KEEP) -> None:
        self.prior = np.broadcast_to(np.asarray(prior, np.float64), (num_types,)).copy()
        if not (self.prior > 0).all() or not 0 <= keep <= 1:
            raise OutOfRangeError(
                f"prior is {self.prior.min():g} at least, keep {keep:g}; they must be above 0 and "
                "0 to 1"
            )
        self.keep, self.counts = keep, np.zeros(num_types)

    def update(self, counts: ArrayLike) -> None:
        """Take the counts of an interval, [type]."""
        new = np.asarray(counts, np.float64)
        if new.shape != self.counts.shape or not (new >= 0).all():
            raise ShapeError(f"counts are {new}; they must be {len(self.counts)} numbers >= 0")
        self.counts = self.keep * self.counts + new

    @property
    def mean(self) -> Floats:
        """Expected share of each type, [type]."""
        total = self.counts + self.prior
        return np.asarray(total / total.sum())


def overlap(one: Floats, other: Floats) -> Floats:
    """Histogram overlap of shares, sum over the last axis of the smaller; 1 where they agree."""
    return np.asarray(np.minimum(one, other).sum(axis=-1))
