"""Spatial blocks: what is held out must not have neighbours a metre away in training."""

from typing import Literal

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign.measurements import Measurements
from rtwin.errors import OutOfRangeError

HoldOut = Literal["blocks", "random", "transmitters"]
_BLOCKS_ACROSS = 8
_PLACE_M = 1e-3  # places that are so near are one


def default_block_m(data: Measurements) -> float:
    """Side of the square blocks [m]: 50 m, or an eighth of a smaller area."""
    flat = data.position_m[:, :2]
    across = float(np.max(np.quantile(flat, 0.95, axis=0) - np.quantile(flat, 0.05, axis=0)))
    return min(50.0, max(across / _BLOCKS_ACROSS, 0.5))


def block_of(position_m: Floats, block_m: float) -> Ints:
    """Number of the square block that each point lies in, [row]."""
    cell = np.floor(position_m[:, :2] / block_m).astype(np.int64)
    _, number = np.unique(cell, axis=0, return_inverse=True)
    return np.asarray(number, np.int64).reshape(-1)


def hold_out(data: Measurements, block_m: float, share: float, seed: int) -> tuple[Ints, Ints]:
    """Rows to learn from and rows to judge by: whole blocks, drawn at random.

    All transmitters and devices of a block go the same way.
    """
    block = block_of(data.position_m, block_m)
    count = block.max(initial=-1) + 1
    chosen = np.random.default_rng(seed).permutation(count)[: max(1, round(share * count))]
    held = np.isin(block, chosen)
    return np.flatnonzero(~held), np.flatnonzero(held)


def splits(
    data: Measurements, kind: HoldOut, block_m: float, share: float, repeats: int, seed: int
) -> list[tuple[Ints, Ints]]:
    """Rows to learn from and rows to judge by, once for each draw.

    Args:
        kind: "blocks": whole blocks of places; "random": places at random, so that
            neighbours of what is judged are learned from; "transmitters": each in turn.
        block_m: Side of the blocks [m].
        share: Share of the blocks or places that is held out.
        repeats: How often blocks or places are drawn.
        seed: Of the first draw.
    Raises:
        OutOfRangeError: if there is another kind, or one transmitter alone to hold out.
    """
    if kind == "blocks":
        return [hold_out(data, block_m, share, seed + n) for n in range(repeats)]
    if kind == "random":
        return [hold_out(data, _PLACE_M, share, seed + n) for n in range(repeats)]
    if kind != "transmitters":
        raise OutOfRangeError(f"hold-out is {kind!r}; it must be blocks, random or transmitters")
    measured = np.unique(data.tx)
    if len(measured) < 2:
        raise OutOfRangeError("one transmitter was measured; holding it out leaves nothing")
    return [(np.flatnonzero(data.tx != n), np.flatnonzero(data.tx == n)) for n in measured]


def draw(data: Measurements, rows: Ints, per_transmitter: int | None, seed: int) -> Ints:
    """At most that many of the rows for each transmitter; None for all."""
    if per_transmitter is None:
        return rows
    rng = np.random.default_rng([seed, per_transmitter])
    parts = []
    for number in range(len(data.transmitters)):
        own = rows[data.tx[rows] == number]
        parts.append(rng.permutation(own)[:per_transmitter])
    return np.sort(np.concatenate(parts))


def folds(position_m: Floats, block_m: float, count: int, seed: int) -> Ints:
    """Fold of each row, whole blocks together, folds of about equal size, [row]."""
    block = block_of(position_m, block_m)
    sizes = np.bincount(block)
    order = np.random.default_rng(seed).permutation(len(sizes))
    fold, filled = np.zeros(len(sizes), np.int64), np.zeros(count)
    for number in order[np.argsort(-sizes[order], kind="stable")]:
        fold[number] = int(filled.argmin())
        filled[fold[number]] += sizes[number]
    return fold[block]
