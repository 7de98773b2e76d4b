"""Policies that share out resource blocks: static, proportional to demand, optimised.

A policy is a function from a NetworkView to whole resource blocks, [cell, slice], or to a
Decision that says besides who is admitted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.experiments.network.cells import sums
from rtwin.experiments.network.reports import PRB_PRICE
from rtwin.experiments.network.services import LARGEST
from rtwin.experiments.network.view import Decision, NetworkView, decision_of
from rtwin.extras import needs

Policy = Callable[[NetworkView], Ints | Decision]
_NOTHING = 0.01  # of a block: solvers end that far from whole numbers
FILL = 1.5  # chosen on four worlds of the courtyard, see docs/experiments.md
_DEVIATIONS = 3.0  # above the mean: an epoch has tens of bursts, and few may be late


def demand_prb(view: NetworkView) -> Floats:
    """Resource blocks that each slice needs in each cell, as the view believes, [cell, slice].

    A user of a service is a source that sends its peak rate (a burst three
    standard deviations above the mean, in its latency budget) for part of the
    time, such that its mean rate comes out; a burst takes whole blocks. Many
    such sources need their mean plus three standard deviations, one needs its
    peak; what waits already must leave within a budget as well. A user whose
    mean rate would take more than a whole cell is beyond help and not counted. A
    user of whom no cell is known counts in every cell alike, as a typical one. Of an
    epoch that is shown in several frames, the one that needs most counts.

    Returns:
        Blocks, not rounded and not limited, [cell, slice].
    Source: Gaussian approximation of on-off sources, R. Guerin, H. Ahmadi and
    M. Naghshineh, IEEE JSAC 9(7), 1991; checked by tests/experiments/network/test_policies.py.
    """
    if view.frames:
        alone = replace(view, frames=())
        later = [replace(alone, cell=cell, bits_per_prb=bits) for cell, bits in view.frames]
        return np.max([demand_prb(frame) for frame in (alone, *later)], axis=0)
    services = [s.service for s in view.slices]
    burst = np.array([s.burst_bits for s in services])[view.ue_slice]
    highest = np.minimum(1.0 + _DEVIATIONS * np.array([s.spread for s in services]), LARGEST)
    mean = np.array([s.rate_mbps for s in services])[view.ue_slice] * 1e6
    peak = np.array([s.peak_mbps for s in services])[view.ue_slice] * 1e6 * highest[view.ue_slice]
    budget = np.array([max(s.latency_s, view.slot_s) for s in services])[view.ue_slice]
    known = (view.cell >= 0) & (view.bits_per_prb > 0)
    typical = float(np.median(view.bits_per_prb[known])) if known.any() else 0.0
    bits = np.where(known, view.bits_per_prb, typical)
    per_bit = np.ceil(burst / np.where(bits > 0, bits, np.inf)) * view.slot_s / burst
    per_bit = np.where(per_bit * mean > view.num_prb, 0.0, per_bit)
    num_slices = len(view.slices)
    # A row for every cell that a user may be in, and how likely that is.
    cells = np.arange(view.num_cells)[:, None]
    likely = np.where(known, cells == view.cell, 1.0 / view.num_cells).ravel()
    group = (cells * num_slices + view.ue_slice).ravel()
    size = view.num_cells * num_slices

    def add(values: Floats) -> Floats:
        return sums(group, likely * np.tile(values, view.num_cells), size)

    usual = add(per_bit * mean)
    spread = np.sqrt(add(per_bit**2 * mean * (peak - mean)))
    largest = np.zeros(size)
    np.maximum.at(largest, group, likely * np.tile(per_bit * peak, view.num_cells))
    needed = np.maximum(np.minimum(usual + _DEVIATIONS * spread, add(per_bit * peak)), largest)
    # What has piled up beyond the usual.
    excess = np.maximum(view.backlog_bits - mean * budget, 0.0)
    needed += add(per_bit * excess / np.maximum(budget, view.epoch_s))
    return needed.reshape(view.num_cells, num_slices)


def whole_blocks(blocks: Floats, num_prb: int) -> Ints:
    """Whole numbers near the given ones, [cell, slice], at most num_prb in a cell.

    Largest remainders are rounded up until the sum is that of the given ones,
    rounded up where there is room. A hundredth of a block is no block.
    """
    blocks = np.maximum(np.asarray(blocks, np.float64), 0.0)
    total = blocks.sum(axis=1, keepdims=True)
    scale = np.where(total > num_prb, num_prb / np.maximum(total, 1e-12), 1.0)
    blocks = blocks * scale
    whole = np.floor(blocks + 1e-9)
    wanted = np.minimum(np.ceil(blocks.sum(axis=1) - _NOTHING), num_prb)
    missing = np.maximum(wanted - whole.sum(axis=1), 0.0)
    rank = np.argsort(np.argsort(-(blocks - whole), axis=1, kind="stable"), axis=1)
    return (whole + (rank < missing[:, None])).astype(np.int64)


def floored_blocks(shares: Floats, num_prb: int) -> Ints:
    """Whole blocks of shares that add up to 1 at most, [cell, slice], rounded down, at least one.

    Where the single blocks of small slices would be too many, the largest slice gives them.
    """
    blocks = np.maximum(np.floor(shares * num_prb + 1e-9).astype(np.int64), 1)
    over = np.maximum(blocks.sum(axis=1) - num_prb, 0)
    blocks[np.arange(len(blocks)), blocks.argmax(axis=1)] -= over
    return blocks


@dataclass(frozen=True)
class StaticShares:
    """The same shares of every cell all the time.

    Attributes:
        shares: Share of each slice, [slice]; None: in proportion to the mean
            rates that all its users ask for.
    """

    shares: tuple[float, ...] | None = None

    def __call__(self, view: NetworkView) -> Ints:
        """Blocks, [cell, slice]."""
        rates = [s.service.rate_mbps * s.num_ues for s in view.slices]
        part = np.array(rates) / sum(rates)
        if self.shares is not None:
            if len(self.shares) != len(rates) or min(self.shares) < 0 or sum(self.shares) <= 0:
                raise OutOfRangeError(
                    f"shares are {self.shares}; there must be {len(rates)} of them, 0 or more"
                )
            part = np.array(self.shares)
        blocks = np.tile(part * view.num_prb, (view.num_cells, 1))
        if self.shares is None:
            # The smallest slice of all would get no block at all.
            blocks = np.maximum(blocks, 1.0)
        return whole_blocks(blocks, view.num_prb)


@dataclass(frozen=True)
class ProportionalToDemand:
    """All blocks of a cell, shared in proportion to what its slices are believed to need."""

    def __call__(self, view: NetworkView) -> Ints:
        """Blocks, [cell, slice]."""
        needed = demand_prb(view)
        total = needed.sum(axis=1, keepdims=True)
        even = np.full_like(needed, 1.0 / needed.shape[1])
        share = np.where(total > 0, needed / np.where(total > 0, total, 1.0), even)
        return whole_blocks(share * view.num_prb, view.num_prb)


@dataclass(frozen=True)
class Optimised:
    """Blocks that trade broken promises against blocks spent, solved in every epoch.

    minimise  sum_s weight_s max(0, 1 - n_s / d_s)^2 + price sum_s n_s / N
    with      sum_s n_s <= N, n_s >= 0

    for every cell, where d_s is what slice s is believed to need times a margin, and weights
    add up to 1, as they do in the reward. Where interference follows what cells reserve, needs
    are those under the interference of the decision: it starts from full cells and is made again
    until no cell changes, at most `rounds` times.

    Attributes:
        price: What all blocks of a cell cost, beside broken promises of everybody; the reward's.
        margin: Factor on the demand.
        rounds: How often a decision may be made again, under its own interference.
    Raises:
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/experiments/network/test_policies.py against a bisection of its own.
    """

    price: float = PRB_PRICE
    margin: float = 1.1
    rounds: int = 3

    def __call__(self, view: NetworkView) -> Ints:
        """Blocks, [cell, slice]."""
        blocks = self._decided(view)
        if view.believed is not None:
            before = np.full(view.num_cells, view.num_prb)
            for _ in range(self.rounds):
                if np.array_equal(before, blocks.sum(axis=1)):
                    break
                before, blocks = blocks.sum(axis=1), self._decided(view.under(blocks))
        return blocks

    def _decided(self, view: NetworkView) -> Ints:
        """Blocks under the interference that the view is shown with."""
        needed = self.margin * demand_prb(view) / view.num_prb
        weight = np.array([s.weight for s in view.slices])
        weight = np.tile(weight / max(weight.sum(), 1e-12), (view.num_cells, 1))
        return whole_blocks(self.solve(needed, weight) * view.num_prb, view.num_prb)

    def solve(self, needed: Floats, weight: Floats) -> Floats:
        """Shares of the cells, [cell, slice], for needs in shares of a cell."""
        problem, shares, inverse, root, most = self._problem(*needed.shape)
        wants = needed > 1e-9
        # sqrt(weight) goes into the square; slices without need have none.
        root.value = np.where(wants, np.sqrt(weight), 0.0)
        inverse.value = np.where(wants, root.value / np.where(wants, needed, 1.0), 0.0)
        most.value = np.where(wants, 1.0, 0.0)
        problem.solve(solver="CLARABEL")
        return np.maximum(np.asarray(shares.value, np.float64), 0.0) * wants

    @cached_property
    def _made(self) -> dict[tuple[int, int], Any]:
        return {}

    def _problem(self, num_cells: int, num_slices: int) -> Any:
        """The problem of all cells, made once for each size."""
        shape = (num_cells, num_slices)
        if shape not in self._made:
            with needs("optimised shares need cvxpy", "'rtwin[experiments]'"):
                import cvxpy as cp
            shares = cp.Variable(shape, nonneg=True)
            inverse, root, most = (cp.Parameter(shape, nonneg=True) for _ in range(3))
            # max(0, root - inverse * n)^2 = weight max(0, 1 - n / d)^2
            short = cp.pos(root - cp.multiply(inverse, shares))
            cost = cp.sum_squares(short) + self.price * cp.sum(shares)
            limits = [cp.sum(shares, axis=1) <= 1.0, shares <= most]
            self._made[shape] = cp.Problem(cp.Minimize(cost), limits), shares, inverse, root, most
        return self._made[shape]


@dataclass(frozen=True)
class Admitting:
    """Another policy for those users alone whom their cells are believed to hold.

    Who cannot be helped is turned away: a user whose mean rate would take a whole cell for
    longer than its promise forgives. Then, where the users of a cell need more than `fill` of it,
    the one goes whose need is greatest for what its promise weighs, and so on. Needs are those
    under the interference of what the other policy decides for everybody. Where somebody goes, it
    is asked once more.

    Attributes:
        policy: Decides blocks for those who stay; what it says of admission holds as well.
        fill: Share of a cell's blocks that may be needed; needs are of bursts that coincide, so
            cells hold more than their blocks.
    Checked by tests/experiments/network/test_admission.py.
    """

    policy: Policy
    fill: float = FILL

    def __call__(self, view: NetworkView) -> Decision:
        """Blocks, [cell, slice], and who is admitted, [ue]."""
        first = decision_of(self.policy(view))
        if first.admitted is not None:
            return first
        stay = self._stay(view.under(first.num_prb))
        again = first if stay.all() else decision_of(self.policy(view.of(stay)))
        return Decision(again.num_prb, stay)

    def _stay(self, view: NetworkView) -> Bools:
        """Who is admitted, [ue]."""
        frames = ((view.cell, view.bits_per_prb), *view.frames)
        mean = np.array([s.service.rate_mbps for s in view.slices])[view.ue_slice] * 1e6
        # A place of which nothing is known is not known to be bad.
        cells = np.array([cell for cell, _ in frames])
        most = np.array([bits for _, bits in frames]) * view.num_prb / view.slot_s
        lost = ((cells >= 0) & (most < mean)).mean(axis=0)
        forgiven = 1.0 - np.array([s.service.reliability for s in view.slices])[view.ue_slice]
        stay = lost <= forgiven
        alone: Floats | None = None  # asked for where a cell is too full
        while True:
            needed = demand_prb(view.of(stay)).sum(axis=1)
            over = np.flatnonzero(needed > self.fill * view.num_prb)
            if not len(over):
                return stay
            if alone is None:
                alone = self._alone(view)
            gone = False
            for cell in over:
                own = np.flatnonzero(stay & (cells == cell).any(axis=0))
                if len(own):
                    stay[own[np.argmax(alone[own])]] = False
                    gone = True
            if not gone:  # nobody who is known to be there
                return stay

    def _alone(self, view: NetworkView) -> Floats:
        """What each user needs by itself, for what its promise weighs, [ue]."""
        number = np.bincount(view.ue_slice, minlength=len(view.slices))
        weight = np.array([s.weight for s in view.slices]) / np.maximum(number, 1)
        users = np.eye(len(view.ue_slice), dtype=bool)
        need = np.array([demand_prb(view.of(one)).sum() for one in users])
        return need / np.maximum(weight[view.ue_slice], 1e-12)
