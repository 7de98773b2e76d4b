"""A sum of which nobody sees the parts: fixed point and masks that cancel in pairs.

Every pair of stations shares a seed; one adds what it draws, the other takes it away. In
whole numbers modulo 2^32 the sum is the plain one, exactly. The server sees sums alone, so
that rules which look at single updates (Krum, FLTrust, ...) cannot be applied behind it;
rules over the sums of clusters can. Stations that drop out are not provided for: their
masks stay in the sum.

Source: K. Bonawitz et al., CCS 2017, without its recovery of drop-outs; checked by
tests/federation/test_privacy.py. The exchange of seeds (and its cryptography) is not ours:
a real federation takes that of a library.
"""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError

Words = NDArray[np.uint32]
FRACTION_BITS = 16


def fixed(updates: Floats, participants: int) -> Words:
    """Fixed point modulo 2^32, negative numbers as complements.

    Raises:
        OutOfRangeError: if the sum of so many could overflow.
    """
    limit = 2.0 ** (31 - FRACTION_BITS) / max(participants, 1)
    largest = float(np.abs(updates).max(initial=0.0))
    if not largest < limit:
        raise OutOfRangeError(
            f"an update has {largest:.3g}; of {participants} participants each must stay below "
            f"{limit:.3g}: clip them first"
        )
    return np.round(updates * 2.0**FRACTION_BITS).astype(np.int64).astype(np.uint32)


def masked_updates(updates: Floats, seed: int) -> Words:
    """What the stations send, [participant, weight]: each alone is noise.

    Args:
        updates: [participant, weight].
        seed: From which the pairs' seeds are drawn, in place of a key exchange.
    """
    count, size = updates.shape
    words = fixed(updates, count)
    for i in range(count):
        for k in range(i + 1, count):
            drawn = np.random.Philox(key=(seed, i * count + k))
            mask = np.random.Generator(drawn).integers(0, 2**32, size, np.uint32)
            words[i] += mask
            words[k] -= mask
    return words


def unfixed(total: Words) -> Floats:
    """Floats numbers of a sum in fixed point."""
    return total.astype(np.int32) / 2.0**FRACTION_BITS


def secure_sum(updates: Floats, seed: int) -> Floats:
    """The sum of masked updates, [weight]; equal to plain_fixed_sum to the bit."""
    return unfixed(masked_updates(updates, seed).sum(axis=0, dtype=np.uint32))


def plain_fixed_sum(updates: Floats) -> Floats:
    """The sum in the same fixed point without masks, [weight]."""
    return unfixed(fixed(updates, len(updates)).sum(axis=0, dtype=np.uint32))
