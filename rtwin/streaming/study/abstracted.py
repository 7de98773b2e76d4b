"""Levels of abstraction of what users report: how many bits a report takes, and what is left."""

from dataclasses import replace

import numpy as np

from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import Knowledge

# Of a report: two SINRs, eight shares of types, a haste. Raw: numbers of 32 bits.
_BITS = {0: 11 * 32, 1: 2 * 5 + 3 * (3 + 8) + 8, 2: 2 * 4 + 3 + 4}
_STEP_DB = {1: 3.0, 2: 6.0}
_TYPES = {1: 3, 2: 1}


def share_of(level: int) -> float:
    """Bits of a report of a level over those of a raw one; 1 for level 0.

    Raises:
        OutOfRangeError: if there is no such level.
    """
    if level not in _BITS:
        raise OutOfRangeError(f"level is {level}; there are {', '.join(map(str, _BITS))}")
    return _BITS[level] / _BITS[0]


def abstracted(knowledge: Knowledge, level: int) -> Knowledge:
    """What is left of knowledge at a level.

    Level 1: rates in steps of 3 dB, the three strongest types, haste in steps of a quarter;
    level 2: 6 dB, the strongest type alone, haste in steps of a half. Rates are rounded down.
    """
    share_of(level)
    if level == 0:
        return knowledge
    bits = np.maximum(knowledge.bits, 1e-9)
    step = 10.0 ** (_STEP_DB[level] / 10.0)
    rounded = step ** np.floor(np.log(bits) / np.log(step))
    order = np.argsort(-knowledge.taste, axis=1, kind="stable")
    rank = np.argsort(order, axis=1)
    kept = np.where(rank < _TYPES[level], knowledge.taste, 0.0)
    grain = 0.25 * level
    haste = np.exp(grain * np.rint(np.log(knowledge.haste) / grain))
    return replace(
        knowledge,
        bits=np.where(knowledge.bits > 0, rounded, 0.0),
        taste=kept / kept.sum(axis=1, keepdims=True),
        haste=haste,
    )
