"""Blocks on a channel that changes: link adaptation with an outer loop, and HARQ.

Nothing is drawn: a step of time stands for many blocks, of which the share that fails is known.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.link.layer.block_errors import BlockErrors

NO_MCS = -1


class Transmission(NamedTuple):
    """What became of the blocks of each step, [step, ...].

    Attributes:
        mcs: Modulation and coding scheme; -1 where nothing is sent.
        first_error: Share of the first transmissions that fail.
        lost: Share of the blocks that fail in all transmissions.
        transmissions: Mean number of transmissions of a block.
        goodput: Share of what the MCS carries that gets through, retransmissions counted as sent.
    """

    mcs: NDArray[np.int64]
    first_error: Floats
    lost: Floats
    transmissions: Floats
    goodput: Floats


def transmit(
    sinr_db: NDArray[np.floating[Any]],
    errors: BlockErrors,
    target: float = 0.1,
    max_transmissions: int = 4,
    offset_step_db: float = 1.0,
) -> Transmission:
    """Send blocks in every step, adapted to the report of the step before.

    The outer loop takes an offset off what is reported: after each step it grows by
    offset_step_db times (share that failed - target), so that in the long run the target is met.
    A block that fails is sent again in the next steps, and its effective SINRs add up (Chase
    combining): the share that still fails is the block error rate at the sum.

    Args:
        sinr_db: Effective SINR of every MCS [dB], [step, ..., mcs]; -inf where nothing arrives.
        errors: Block error rates.
        target: Of the first transmissions.
        max_transmissions: Of a block, 1 or more.
        offset_step_db: Of the outer loop.
    Source: Pedersen et al., Frequency Domain Scheduling for OFDMA with Limited and Noisy
    Channel Feedback, VTC 2007 (outer loop); Chase, Code Combining, IEEE Trans. Commun. 33(5),
    1985; checked by tests/link/layer/test_transmission.py.
    """
    required_db = errors.required_sinr_db(target)
    shape = sinr_db.shape[:-1]
    mcs = np.zeros(shape, np.int64)
    first = np.ones(shape)
    offset_db = np.zeros(shape[1:])
    for step in range(shape[0]):
        told = sinr_db[max(step - 1, 0)] - offset_db[..., None]
        # What is too weak for all is sent as robustly as can be.
        chosen = np.maximum(errors.fastest(told, required_db), 0)
        own = np.take_along_axis(sinr_db[step], chosen[..., None], axis=-1)[..., 0]
        first[step] = errors(chosen, own)
        mcs[step] = chosen
        sent = np.isfinite(own)
        offset_db = np.where(sent, offset_db + offset_step_db * (first[step] - target), offset_db)
        np.clip(offset_db, -20.0, 20.0, out=offset_db)
    return _with_harq(sinr_db, mcs, first, errors, max_transmissions)


def _with_harq(
    sinr_db: NDArray[np.floating[Any]],
    mcs: NDArray[np.int64],
    first: Floats,
    errors: BlockErrors,
    max_transmissions: int,
) -> Transmission:
    steps = np.arange(len(mcs))
    total = np.zeros(mcs.shape)
    failing = np.ones(mcs.shape)
    transmissions = np.zeros(mcs.shape)
    for attempt in range(max_transmissions):
        later = sinr_db[np.minimum(steps + attempt, len(mcs) - 1)]
        own = np.take_along_axis(later, mcs[..., None], axis=-1)[..., 0]
        total += 10.0 ** (own / 10.0)
        transmissions += failing
        with np.errstate(divide="ignore"):
            combined = first if attempt == 0 else errors(mcs, 10.0 * np.log10(total))
        failing = np.minimum(failing, combined)
    heard = np.isfinite(np.take_along_axis(sinr_db, mcs[..., None], axis=-1)[..., 0])
    return Transmission(
        np.where(heard, mcs, NO_MCS),
        np.where(heard, first, 1.0),
        np.where(heard, failing, 1.0),
        transmissions,
        np.where(heard, (1.0 - failing) / transmissions, 0.0),
    )
