"""Policies tuned on worlds that they are not judged in: fair baselines, and fair margins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.experiments.network import (
    NetworkView,
    Optimised,
    Policy,
    Slice,
    SlicedNetwork,
    floored_blocks,
    run_together,
)

MARGINS = (0.7, 1.0, 1.4, 2.0)
_TOTALS = (0.3, 0.5, 0.75, 1.0)  # of a cell's blocks
_POWERS = (0.4, 0.7, 1.0)  # of the rates that slices ask for
_REFINED, _STEP = 12, 0.25  # further shares that are tried, and how far from the best


@dataclass(frozen=True)
class ConstantShares:
    """The same shares of every cell all the time; what is left of it stays free.

    Attributes:
        shares: Of each slice, [slice], together 1 at most.
    """

    shares: tuple[float, ...]

    def __call__(self, view: NetworkView) -> Ints:
        """Blocks, [cell, slice]."""
        return floored_blocks(np.tile(self.shares, (view.num_cells, 1)), view.num_prb)


def mean_rewards(
    networks: Sequence[SlicedNetwork], policies: Sequence[Policy], price: float
) -> list[float]:
    """Mean reward of each policy over several worlds."""
    earned = [
        [episode.reward for episode in run_together([n] * len(policies), policies, k, price)]
        for k, n in enumerate(networks)
    ]
    return [float(mean) for mean in np.mean(earned, axis=0)]


def tuned_shares(
    networks: Sequence[SlicedNetwork], slices: Sequence[Slice], price: float, seed: int = 0
) -> ConstantShares:
    """The constant shares that earn most in some worlds.

    Tried are shares in proportion to a power of the rates that slices ask for, of several sizes,
    and then what lies around the best of them.

    Checked by tests/experiments/ahead/test_tuning.py.
    """
    rates = np.array([s.service.rate_mbps * s.num_ues for s in slices])
    tried = [total * rates**power / (rates**power).sum() for total in _TOTALS for power in _POWERS]
    best, earned = _best(tried, networks, price)
    rng = np.random.default_rng(seed)
    for _ in range(_REFINED):
        other = best * np.exp(_STEP * rng.standard_normal(len(best)))
        found, more = _best([other / max(other.sum(), 1.0)], networks, price)
        if more > earned:
            best, earned = found, more
    return ConstantShares(tuple(best.tolist()))


def tuned_margin(networks: Sequence[SlicedNetwork], price: float) -> Optimised:
    """The optimiser with the margin of MARGINS that earns most in some worlds."""
    tried = [Optimised(price, margin) for margin in MARGINS]
    earned = mean_rewards(networks, tried, price)
    return tried[int(np.argmax(earned))]


def _best(
    tried: Sequence[Floats], networks: Sequence[SlicedNetwork], price: float
) -> tuple[Floats, float]:
    policies = [ConstantShares(tuple(shares.tolist())) for shares in tried]
    earned = mean_rewards(networks, policies, price)
    best = int(np.argmax(earned))
    return tried[best], earned[best]
