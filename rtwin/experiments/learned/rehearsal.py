"""Windows that copies play side by side, and what each cell earned more than its like.

Everything but the shares is the same for all copies: world, walk, traffic. What a copy earns
beyond the others is due to its shares alone.
"""

from collections.abc import Sequence

import numpy as np

from rtwin.arrays import Floats, Singles
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.experiments.learned.shares import blocks_of, features
from rtwin.experiments.network import EpochReport, SlicedNetwork


def cell_rewards(
    report: EpochReport, network: SlicedNetwork, presence: Floats, price: float
) -> Floats:
    """The reward of an epoch, by who is to blame, [cell]; together it is reward_of.

    A user whose promise was broken is the fault of the cells that served it, by time; one that no
    cell serves is that of all alike.

    Args:
        report: What happened.
        network: In which.
        presence: Share of the epoch that each user was served in each cell, [cell, ue].
        price: Of all blocks.
    Checked by tests/experiments/learned/test_rehearsal.py.
    """
    slices, num_cells = network.slices, network.num_cells
    reliability = np.array([s.service.reliability for s in slices])[network.ue_slice]
    weight = np.array([s.weight for s in slices])
    broken = (report.ue_drop_share > 1.0 - reliability + 1e-12).astype(np.float64)
    number = np.bincount(network.ue_slice, broken, len(slices))
    of_user = weight / max(weight.sum(), 1e-12) * report.sla_violation / np.maximum(number, 1.0)
    blame = presence + (1.0 - presence.sum(axis=0)) / num_cells
    spent = report.reserved_prb.sum(axis=1) / (network.num_prb * num_cells)
    return -blame @ (broken * of_user[network.ue_slice]) - price * spent


class Rehearsal:
    """Learners that decide for the cells of copies of a network, all in the same walk.

    Every walk is of one of the networks, drawn at random, with its users' channels exchanged at
    random and new traffic. A learner is a cell of a copy.

    Args:
        networks: Of several worlds, alike in slices, cells and settings; at least one.
        base: Constant shares, [slice].
        price: Of all blocks.
        copies: Side by side, two or more.
        seed: Of all that is drawn.
    Raises:
        ShapeError, OutOfRangeError: if networks differ in cells, or there are too few copies.
    Checked by tests/experiments/learned/test_rehearsal.py.
    """

    def __init__(
        self,
        networks: Sequence[SlicedNetwork],
        base: Sequence[float],
        price: float,
        copies: int = 16,
        seed: int = 0,
    ) -> None:
        cells = {network.num_cells for network in networks}
        if len(cells) != 1:
            raise ShapeError(f"networks have {sorted(cells)} cells; give some of as many each")
        if copies < 2:
            raise OutOfRangeError(f"copies is {copies}; two are needed, to compare them")
        self.networks, self.base = tuple(networks), tuple(base)
        self.price, self.copies = price, copies
        self.num_cells = cells.pop()
        self._rng = np.random.Generator(np.random.PCG64([seed, 0x7265]))
        self._network = self.networks[0]

    @property
    def num_learners(self) -> int:
        """Cells of all copies."""
        return self.copies * self.num_cells

    def reset(self) -> Singles:
        """Begin a walk; features of every learner, [copy * cell, feature]."""
        drawn = self.networks[int(self._rng.integers(len(self.networks)))]
        self._network = drawn.exchanged(self._rng.permutation(drawn.num_ues))
        self._network.reset(int(self._rng.integers(2**31)), copies=self.copies)
        return self._seen()

    def step(self, wish: Singles) -> tuple[Singles, Floats, bool]:
        """Play a window.

        Args:
            wish: Of every learner, [copy * cell, slice].
        Returns:
            Features of the next window (of a new walk, if this one is over); what each learner
            earned more than the mean of the same cell in the other copies, times the number of
            cells, [copy * cell], where interference follows what cells reserve all of the copy
            instead of the cell; and whether the walk is over.
        """
        network = self._network
        wishes = np.asarray(wish).reshape(self.copies, self.num_cells, -1)
        presence = network.presence()
        reports = network.step_together(
            [blocks_of(self.base, own, network.num_prb) for own in wishes]
        )
        earned = np.array([cell_rewards(r, network, presence, self.price) for r in reports])
        if network.settings.coupled:
            # What a cell reserves is heard in all others: each answers for all.
            earned = np.repeat(earned.sum(axis=1, keepdims=True), self.num_cells, axis=1)
        others = (earned.sum(axis=0) - earned) / (self.copies - 1)
        over = network.is_over
        seen = self.reset() if over else self._seen()
        return seen, ((earned - others) * self.num_cells).ravel(), over

    def _seen(self) -> Singles:
        view = self._network.view(np.zeros(self._network.num_ues))
        return np.tile(features(view, self.base), (self.copies, 1))
