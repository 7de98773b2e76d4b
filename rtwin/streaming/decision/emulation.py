"""What the twins hand on to a decision, and what a decision is expected to bring."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.errors import ShapeError
from rtwin.streaming.behaviour import overlap
from rtwin.streaming.decision.demand import DemandModel, Viewers
from rtwin.streaming.decision.reservation import (
    CellProblem,
    Reservation,
    reserve_convex,
    reserve_exact,
)
from rtwin.streaming.decision.satisfaction import Quality
from rtwin.streaming.decision.value import Weights

RESERVATIONS = ("exact", "convex")


@dataclass(frozen=True, eq=False)
class Setting:
    """What does not change from one decision to the next.

    Attributes:
        demand: Model of what groups need.
        quality: Versions and satisfaction.
        weights: Of the value; its prices are those of the reservation.
        num_prb: Blocks of each cell.
        max_cycles: That the edge server has in an interval.
        reservation: One of RESERVATIONS.
    """

    demand: DemandModel
    quality: Quality = field(default_factory=Quality)
    weights: Weights = field(default_factory=Weights)
    num_prb: int = 106
    max_cycles: float = 1e12
    reservation: str = "exact"


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What twins say of the coming interval.

    Attributes:
        cell: Serving cell of each user as the interval begins, [user]; -1 none.
        bits: Bits per second of a block, believed, of each user from its cell, [row, user]; 0 in
            outage.
        taste: Believed share of each type, [user, type].
        haste: Believed haste, [user].
        num_cells: Number of cells.
        past_mbps: Traffic of the last interval by (cell, type), [cell, type]; None: none known.
    """

    cell: Ints
    bits: Floats
    taste: Floats
    haste: Floats
    num_cells: int
    past_mbps: Floats | None = None

    def __post_init__(self) -> None:
        num = len(self.cell)
        if self.bits.shape[1:] != (num,) or len(self.taste) != num or self.haste.shape != (num,):
            raise ShapeError(
                f"cell is of {num} users, bits {self.bits.shape}, taste {self.taste.shape}, haste "
                f"{self.haste.shape}; all must be of the same"
            )

    @property
    def served(self) -> NDArray[np.bool_]:
        """Users with a cell and some channel, [user]."""
        return (self.cell >= 0) & (self.bits.mean(axis=0) > 0)


@dataclass(frozen=True, eq=False)
class Decision:
    """Groups and what they get.

    Attributes:
        group: Of each user, [user]; -1 for none.
        cell: Of each group, [group].
        mix: Share of each type in a group's list, [group, type].
        version: [group].
        prb: Blocks, [group].
        demand_s: Seconds of video that a group is believed to need, [group].
        believed_bits: Bits per second of a block that its worst member gets, believed, [group].
        satisfaction: Mean over all users, emulated.
        consumption: Share of all blocks.
        computing: Share of the edge server's cycles.
        utility: Q, emulated.
    """

    group: Ints
    cell: Ints
    mix: Floats
    version: Ints
    prb: Ints
    demand_s: Floats
    believed_bits: Floats
    satisfaction: float
    consumption: float
    computing: float
    utility: float

    @property
    def num_groups(self) -> int:
        """Number of groups."""
        return len(self.cell)


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of users and what they need, before anything is reserved.

    Attributes:
        group: Of each user, numbered through all cells, [user]; -1 for none.
        cell: Of each group, [group].
        mix, demand_s, believed_bits: As of a decision.
        weight: Sum over members of the overlap of tastes, over all users, [group].
    """

    group: Ints
    cell: Ints
    mix: Floats
    demand_s: Floats
    believed_bits: Floats
    weight: Floats


class Emulator:
    """What the twins expect of groups: the "what if" of the infrastructure's twin.

    Args:
        setting: What does not change.
        knowledge: What twins say of the coming interval.
    """

    def __init__(self, setting: Setting, knowledge: Knowledge) -> None:
        self.setting, self.knowledge = setting, knowledge
        self.viewers: Viewers = setting.demand.viewers(knowledge.haste)

    def groups(self, label: Ints) -> Groups:
        """Groups of users with the same label in the same cell.

        Args:
            label: [user]; -1 for users that nobody serves. Those without a channel are left out.
        """
        known = self.knowledge
        mine = (label >= 0) & known.served
        key = known.cell * (int(label.max(initial=0)) + 1) + label
        names, own = np.unique(key[mine], return_inverse=True)
        group = np.full(len(label), -1)
        group[mine] = own
        num = len(names)
        size = np.maximum(np.bincount(own, minlength=num), 1)
        cell = np.zeros(num, np.int64)
        cell[own] = known.cell[mine]
        mix = np.zeros((num, known.taste.shape[1]))
        np.add.at(mix, own, known.taste[mine])
        mix /= size[:, None]
        demand = self.setting.demand.demand_s(self.viewers, group, mix)
        worst = np.full((len(known.bits), num), np.inf)
        np.minimum.at(worst.T, own, known.bits[:, mine].T)
        alike = overlap(known.taste[mine], mix[own])
        weight = np.bincount(own, alike, minlength=num) / len(label)
        return Groups(group, cell, mix, demand, worst.mean(axis=0), weight)

    def problem(self, groups: Groups, cell: int) -> tuple[Ints, CellProblem]:
        """Rows of a cell's groups, and its reservation."""
        setting, rows = self.setting, np.flatnonzero(groups.cell == cell)
        seconds = groups.demand_s[rows] / setting.demand.interval_s
        rate = setting.quality.rates * 1e6 * seconds[:, None]
        bits = groups.believed_bits[rows][:, None]
        need = np.where(bits > 0, rate / np.where(bits > 0, bits, 1.0), np.inf)
        blocks = setting.num_prb * self.knowledge.num_cells
        return rows, CellProblem(
            need,
            groups.weight[rows],
            setting.num_prb,
            setting.weights.radio / blocks,
            setting.quality.cycles(groups.demand_s[rows]),
            setting.weights.computing / setting.max_cycles,
        )

    def reserve(self, groups: Groups, cell: int) -> tuple[Ints, Reservation]:
        """The reservation of a cell by the setting's method; cycles are shared evenly by cells."""
        rows, problem = self.problem(groups, cell)
        quality = self.setting.quality
        if self.setting.reservation == "convex":
            return rows, reserve_convex(problem, quality)[0]
        limit = self.setting.max_cycles / self.knowledge.num_cells
        return rows, reserve_exact(problem, quality, limit)

    def score_by_cell(self, groups: Groups) -> Floats:
        """Emulated worth of groups in each cell, prices taken off, [cell]."""
        cells = range(self.knowledge.num_cells)
        return np.array([self.reserve(groups, cell)[1].value for cell in cells])

    def decide(self, groups: Groups) -> Decision:
        """Reserve for groups."""
        prb, version = np.zeros((2, len(groups.cell)), np.int64)
        for cell in range(self.knowledge.num_cells):
            rows, found = self.reserve(groups, cell)
            prb[rows], version[rows] = found.prb, found.version
        return self.expected(groups, prb, version)

    def expected(self, groups: Groups, prb: Ints, version: Ints) -> Decision:
        """What blocks and versions are expected to bring."""
        setting, quality = self.setting, self.setting.quality
        need = quality.rates[version] * 1e6 * groups.demand_s / setting.demand.interval_s
        ratio = prb * groups.believed_bits / np.maximum(need, 1e-9)
        satisfaction = float((groups.weight * quality.satisfaction(ratio, version)).sum())
        consumption = float(prb.sum()) / (setting.num_prb * self.knowledge.num_cells)
        cycles = quality.cycles(groups.demand_s)[np.arange(len(prb)), version] * (prb > 0)
        computing = float(cycles.sum()) / setting.max_cycles
        weights = setting.weights
        return Decision(
            groups.group,
            groups.cell,
            groups.mix,
            version,
            prb,
            groups.demand_s,
            groups.believed_bits,
            satisfaction,
            consumption,
            computing,
            satisfaction - weights.radio * consumption - weights.computing * computing,
        )
