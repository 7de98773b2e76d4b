"""Shares of a cell that a network decides: the same one for every cell, beside constant shares.

what is believed of a cell's users -> features of the cell -> factors on its constant shares
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints, Singles
from rtwin.experiments.network import NetworkView, demand_prb, floored_blocks

PER_SLICE = ("peak demand", "mean demand", "users", "lowest rate", "mean rate")
REACH = 2.0  # a wish of 1 multiplies a share by e^2, one of -1 divides it
_MOST = 3.0  # of a logarithm
_LEAST_RATE_MBPS = 0.02  # of a block: nothing
_NOTHING = 1e-3  # of a demand over a share


def num_features(num_slices: int) -> int:
    """Features of a cell."""
    return num_slices * len(PER_SLICE) + 1


def features(view: NetworkView, base: Sequence[float]) -> Singles:
    """What a decision on each cell looks at, [cell, slice * 5 + 1].

    For each slice, over the frames of the window: ln of the highest and of the mean believed
    demand over what the base gives, cut at +-3; its mean users in the cell over all of its users;
    ln of the lowest and of the mean rate of a block [Mbit/s], halved, 0 without users. And ln of
    the highest demand of all slices over the cell. Backlogs do not count: a window is much longer
    than anything waits.

    Args:
        view: What is believed of the window.
        base: Constant shares, [slice].
    """
    frames = ((view.cell, view.bits_per_prb), *view.frames)
    calm = replace(view, frames=(), backlog_bits=np.zeros(len(view.cell)))
    needed = np.array([demand_prb(replace(calm, cell=c, bits_per_prb=b)) for c, b in frames])
    given = np.maximum(np.array(base) * view.num_prb, 1.0)
    cell = np.array([c for c, _ in frames])
    rate = np.array([b for _, b in frames]) / (view.slot_s * 1e6)
    rate = np.maximum(rate, _LEAST_RATE_MBPS)
    # Frames, users -> cells, slices.
    own = view.ue_slice == np.arange(len(view.slices))[:, None]
    here = (cell == np.arange(view.num_cells)[:, None, None])[:, None] & own[:, None]
    there = here.sum(axis=(2, 3))
    lowest = np.where(here, rate, np.inf).min(axis=(2, 3))
    mean = np.exp(np.where(here, np.log(rate), 0.0).sum(axis=(2, 3)) / np.maximum(there, 1))
    users = there / len(frames) / np.array([s.num_ues for s in view.slices])
    found = np.stack(
        [
            _log(needed.max(axis=0) / given),
            _log(needed.mean(axis=0) / given),
            users,
            np.where(there > 0, np.log(np.where(there > 0, lowest, 1.0)) / 2.0, 0.0),
            np.where(there > 0, np.log(mean) / 2.0, 0.0),
        ],
        axis=-1,
    ).reshape(view.num_cells, -1)
    total = _log(needed.sum(axis=2).max(axis=0) / view.num_prb)
    return np.concatenate([found, total[:, None]], axis=1).astype(np.float32)


def _log(ratio: Floats) -> Floats:
    return np.clip(np.log(np.maximum(ratio, _NOTHING)), -_MOST, _MOST)


def blocks_of(base: Sequence[float], wish: ArrayLike, num_prb: int) -> Ints:
    """Whole blocks of wishes, [cell, slice]: the base's shares times e^(2 wish).

    Args:
        base: Constant shares, [slice].
        wish: From -1 to 1, [cell, slice]; 0 everywhere gives what constant shares do.
        num_prb: Blocks of a cell; shares that add up to more than all are scaled down.
    """
    shares = np.array(base) * np.exp(REACH * np.clip(np.asarray(wish, np.float64), -1.0, 1.0))
    shares /= np.maximum(shares.sum(axis=-1, keepdims=True), 1.0)
    return floored_blocks(shares, num_prb)


@dataclass(frozen=True, eq=False)
class LearnedShares:
    """A policy: one network for every cell, whose wishes multiply constant shares.

    It needs NumPy alone, whatever trained it, and fits any number of cells.

    Attributes:
        base: The constant shares, [slice].
        layers: Weights [out, in] and biases [out]; tanh between layers.
    Checked by tests/experiments/learned/test_shares.py.
    """

    base: tuple[float, ...]
    layers: tuple[tuple[Floats, Floats], ...]

    def __call__(self, view: NetworkView) -> Ints:
        """Blocks, [cell, slice]."""
        return blocks_of(self.base, self.wish(features(view, self.base)), view.num_prb)

    def wish(self, seen: Singles) -> Floats:
        """Wishes, [cell, slice], for the features of cells."""
        value = np.asarray(seen, np.float64)
        for number, (weight, bias) in enumerate(self.layers):
            value = value @ weight.T + bias
            if number < len(self.layers) - 1:
                value = np.tanh(value)
        return value
