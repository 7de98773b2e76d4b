"""A sliced network on a link trace: decisions go in, what users got comes out.

Time runs in epochs, decisions are made once in each. An epoch has slots, and a
link trace has rows; a row stands for all slots until the next one.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.experiments.network.cells import SCHEDULERS, Queues, Served
from rtwin.experiments.network.channels import channels_of
from rtwin.experiments.network.reports import EpochReport, report
from rtwin.experiments.network.services import Slice, Traffic
from rtwin.experiments.network.view import Decision, Frame, NetworkView, decision_of, load_of


@dataclass(frozen=True)
class SimulatorSettings:
    """How time runs and users are served.

    Attributes:
        epoch_s: Time between decisions [s].
        slot_s: Time between scheduling decisions [s]; an epoch has a whole number.
        scheduler: "pf" or "rr".
        handover_interruption_s: How long a handover stops a user's service [s], at
            most for a row of the trace.
        frame_s: What decisions are shown means over [s]; None: the epoch.
        coupled: Whether cells interfere with the share of their blocks that they reserve, epoch
            by epoch; otherwise as the trace was made.
        lending: Whether slices of a cell lend each other reserved blocks that they leave.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    epoch_s: float = 0.1
    slot_s: float = 1e-3
    scheduler: str = "pf"
    handover_interruption_s: float = 0.05
    frame_s: float | None = None
    coupled: bool = False
    lending: bool = False

    def __post_init__(self) -> None:
        if self.scheduler not in SCHEDULERS:
            raise OutOfRangeError(f"scheduler is {self.scheduler!r}; it must be pf or rr")
        slots = self.epoch_s / self.slot_s if self.slot_s > 0 else 0.0
        if not (np.isfinite(slots) and slots >= 1 and abs(slots - round(slots)) < 1e-6):
            raise OutOfRangeError(
                f"epoch_s is {self.epoch_s:g} and slot_s {self.slot_s:g}; an epoch must have a "
                "whole number of slots, one or more"
            )
        if not (np.isfinite(self.handover_interruption_s) and self.handover_interruption_s >= 0):
            raise OutOfRangeError(
                f"handover_interruption_s is {self.handover_interruption_s}; must be 0 or more"
            )

        if self.frame_s is not None and not self.slot_s <= self.frame_s < np.inf:
            raise OutOfRangeError(f"frame_s is {self.frame_s}; it must be a slot or more")

    @property
    def slots_per_epoch(self) -> int:
        """Slots of an epoch."""
        return round(self.epoch_s / self.slot_s)


class SlicedNetwork:
    """Users of several slices on the channels of a link trace.

    Args:
        trace: What the users really get.
        slices: The slices; their users are the trace's, in order.
        settings: How time runs and users are served.
        knowledge: The link trace that decisions are shown, of the same users
            and times; default: the trace itself.
        knowledge_error_db: Standard deviation of what the knowledge says of an
            SINR [dB], one or [time]. Decisions are shown the bits of a block that cost as much
            on average: 1 / E(1 / bits) over Gaussian errors of that size.
    Raises:
        OutOfRangeError: if there are more users in slices than in the trace, or
            the trace is shorter than an epoch, or interference shall follow what cells reserve
            in a trace that does not tell how.
        ShapeError: if the knowledge is of other users, transmitters or times.
    Checked by tests/experiments/network/test_simulator.py.
    """

    def __init__(
        self,
        trace: LinkTrace,
        slices: Sequence[Slice],
        settings: SimulatorSettings | None = None,
        knowledge: LinkTrace | None = None,
        knowledge_error_db: ArrayLike = 0.0,
    ) -> None:
        self.slices = tuple(slices)
        self.settings = settings or SimulatorSettings()
        counts = np.array([s.num_ues for s in self.slices], np.int64)
        if not 1 <= counts.sum() <= trace.num_ues:
            raise OutOfRangeError(
                f"slices have {counts.sum()} users, the trace {trace.num_ues}; "
                "take fewer users or sample more"
            )
        self.num_ues, self.num_cells = int(counts.sum()), trace.num_tx
        self.num_prb = int(trace.attributes["num_prb"])
        self.ue_slice = np.repeat(np.arange(len(counts)), counts)
        self._channels = channels_of(trace, self.num_ues, self.settings.coupled)
        self._truth = self._true(trace)
        error_db = np.asarray(knowledge_error_db, np.float64)
        if error_db.shape not in ((), (trace.num_steps,)):
            raise ShapeError(
                f"knowledge_error_db has shape {error_db.shape}; it must be one number or one "
                f"for each of {trace.num_steps} times"
            )
        if not (np.isfinite(error_db).all() and (error_db >= 0).all()):
            raise OutOfRangeError(f"knowledge_error_db is {error_db}; must be 0 or more")
        if knowledge is not None:
            same = knowledge.num_tx == trace.num_tx and knowledge.num_ues == trace.num_ues
            if not (same and np.array_equal(knowledge.time_s, trace.time_s)):
                raise ShapeError(
                    f"knowledge has {knowledge.num_steps} times, {knowledge.num_ues} users and "
                    f"{knowledge.num_tx} transmitters; it must have the trace's times, "
                    f"{trace.num_ues} users and {trace.num_tx} transmitters"
                )
        self._belief = self._channels
        if knowledge is not None:
            self._belief = channels_of(knowledge, self.num_ues, self.settings.coupled)
        self._error_db = error_db[:, None] if error_db.ndim else error_db
        self._shown = self._belief.bits(self.settings.slot_s, self._error_db)
        self._row_s, self._num_rows = trace.step_s, trace.num_steps
        self.num_epochs = int(self._num_rows * self._row_s / self.settings.epoch_s + 1e-6)
        if self.num_epochs < 1:
            raise OutOfRangeError(
                f"the trace lasts {self._num_rows * self._row_s:g} s, an epoch "
                f"{self.settings.epoch_s:g} s; sample a longer one"
            )
        self._interruption = round(self.settings.handover_interruption_s / self.settings.slot_s)
        services = [self.slices[s].service for s in self.ue_slice]
        self._services = services
        budget = np.array([s.latency_s for s in services]) / self.settings.slot_s
        self._budget = np.maximum(np.floor(budget + 1e-9), 1).astype(np.int64)
        self._reliability = np.array([s.reliability for s in services])
        self.reset(0)

    def _true(self, trace: LinkTrace) -> tuple[Ints, Floats, Bools]:
        """Serving cell [row, ue], whole bits of a block in a slot [row, ue], handovers."""
        rate = trace.of_serving("rate_mbps")[:, : self.num_ues]
        bits = np.floor(rate * 1e6 * self.settings.slot_s / self.num_prb)
        return self._channels.cell, bits, trace.handover[:, : self.num_ues].astype(bool)

    def _bits_under(self, blocks: Sequence[Floats], rows: Ints) -> Floats:
        """Whole bits of a block in a slot of all copies with these blocks, [row, copy and ue]."""
        if not self.settings.coupled:
            return np.tile(self._truth[1][rows], (1, len(blocks)))
        load = load_of(np.array(blocks), self.num_prb)
        bits = self._channels.bits(self.settings.slot_s, load=load, rows=rows)
        return np.moveaxis(bits, 0, 1).reshape(len(rows), -1)

    def cqi_under(self, num_prb: ArrayLike, rows: Ints) -> NDArray[np.int8]:
        """True channel quality of users in some rows, [row, ue].

        Args:
            num_prb: Blocks that cells reserve, [cell, slice].
            rows: Rows of the trace.
        """
        return self._channels.cqi(load_of(np.asarray(num_prb), self.num_prb), rows)

    def reset(self, seed: int, first_epoch: int = 0, copies: int = 1) -> None:
        """Empty all queues and draw new traffic.

        Args:
            seed: Seed of the traffic.
            first_epoch: Epoch of the trace to start from.
            copies: Runs side by side, for step_together.
        """
        rng = np.random.Generator(np.random.PCG64([seed, 0x736C]))
        self._traffic = Traffic(self._services, self.settings.slot_s, rng)
        lenders = len(self.slices) if self.settings.lending else 1
        self._queues = Queues(
            self._budget, self.settings.slot_s, self.settings.scheduler, copies, lenders
        )
        self.epoch = first_epoch

    def is_alike(self, other: "SlicedNetwork") -> bool:
        """Whether users, settings and what they really get are the same."""
        same = (self.slices, self.settings, self.num_epochs) == (
            (other.slices, other.settings, other.num_epochs)
        )
        return same and all(
            np.array_equal(a, b)
            for a, b in zip(
                (*self._truth, *self._channels.powers),
                (*other._truth, *other._channels.powers),
                strict=True,
            )
        )

    def exchanged(self, order: Ints) -> "SlicedNetwork":
        """This network with the channels of its users exchanged, [ue]; to be reset."""
        other = copy(self)
        cell, bits, handover = self._truth
        other._truth = cell[:, order], bits[:, order], handover[:, order]
        other._channels = self._channels.exchanged(order)
        other._belief = self._belief.exchanged(order)
        other._shown = self._shown[:, order]
        return other

    def presence(self) -> Floats:
        """Share of the coming epoch that each user is really served in each cell, [cell, ue]."""
        cell = self._truth[0][self._rows_of_epoch()]
        return (cell == np.arange(self.num_cells)[:, None, None]).mean(axis=1)

    @property
    def is_over(self) -> bool:
        """Whether the trace has no further epoch."""
        return self.epoch >= self.num_epochs

    def view(self, backlog_bits: Floats | None = None) -> NetworkView:
        """What the next decision may look at; the queues' own backlog unless one is given."""
        rows = np.unique(self._rows_of_epoch())
        frame_s = self.settings.frame_s or self.settings.epoch_s
        number = min(max(1, round(self.settings.epoch_s / frame_s)), len(rows))
        cell = self._belief.cell[rows]

        def framed(bits: Floats) -> tuple[Frame, ...]:
            # Where the belief says outage part of the time, the mean counts it as 0.
            parts = zip(np.array_split(cell, number), np.array_split(bits, number), strict=True)
            return tuple((where[0], part.mean(axis=0)) for where, part in parts)

        def believed(load: Floats) -> tuple[Frame, ...]:
            error_db = self._error_db[rows] if self._error_db.ndim else self._error_db
            return framed(self._belief.bits(self.settings.slot_s, error_db, load, rows))

        frames = framed(self._shown[rows])
        return NetworkView(
            num_prb=self.num_prb,
            slot_s=self.settings.slot_s,
            epoch_s=self.settings.epoch_s,
            slices=self.slices,
            ue_slice=self.ue_slice,
            cell=frames[0][0],
            bits_per_prb=frames[0][1],
            backlog_bits=self._queues.backlog_bits if backlog_bits is None else backlog_bits,
            num_cells=self.num_cells,
            frames=frames[1:],
            believed=believed if self.settings.coupled else None,
        )

    def _rows_of_epoch(self) -> Ints:
        """Row of the trace of each slot of the coming epoch."""
        slots = self.settings.slots_per_epoch
        time = (self.epoch * slots + np.arange(slots)) * self.settings.slot_s
        return np.minimum((time / self._row_s + 1e-9).astype(np.int64), self._num_rows - 1)

    def step(self, num_prb: ArrayLike | Decision) -> EpochReport:
        """Run an epoch with resource blocks for every slice.

        Args:
            num_prb: Whole resource blocks, [cell, slice]; at most all of a cell. Or a decision
                that says besides who is admitted; otherwise everybody is.
        Raises:
            ShapeError: if the shape is another one.
            OutOfRangeError: if a cell gives away more than it has, or the trace is over.
        """
        return self.step_together([num_prb])[0]

    def step_together(self, num_prb: Sequence[ArrayLike | Decision]) -> list[EpochReport]:
        """Run an epoch of all copies that reset has made, each with blocks of its own.

        The reports are those of as many networks, and come three to four times sooner.
        """
        said = [decision_of(one) for one in num_prb]
        refused = [~one.of_users(self.num_ues) for one in said]
        return self._epoch_of([self._allowed(one.num_prb) for one in said], refused)

    @property
    def backlogs_bits(self) -> list[Floats]:
        """Bits that wait, [ue], of each copy."""
        waiting = self._queues.backlog_bits
        return np.split(waiting, len(waiting) // self.num_ues)

    def _allowed(self, num_prb: ArrayLike) -> Floats:
        """Whole blocks that may be given away, [cell, slice]."""
        blocks = np.asarray(num_prb, np.float64)
        wanted = (self.num_cells, len(self.slices))
        if blocks.shape != wanted:
            raise ShapeError(f"num_prb has shape {blocks.shape}; it must be {wanted}")
        total = blocks.sum(axis=1)
        if not ((blocks >= 0).all() and (total <= self.num_prb).all()):
            raise OutOfRangeError(
                f"num_prb adds up to {total.max():g} in a cell, lowest is {blocks.min():g}; "
                f"it must be 0 or more and {self.num_prb} in all at most"
            )
        if self.is_over:
            raise OutOfRangeError(f"the trace has {self.num_epochs} epochs and is over; reset")
        return np.floor(blocks)

    def _epoch_of(self, blocks: Sequence[Floats], refused: Sequence[Bools]) -> list[EpochReport]:
        """Run an epoch of all copies that the queues hold, each with its blocks and users."""
        arrivals = self._traffic.arrivals(self.settings.slots_per_epoch)
        rows = self._rows_of_epoch()
        cell, _, handover = self._truth
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        bits = self._bits_under(blocks, rows[first])
        away = np.concatenate(refused)
        copies, num_groups = len(blocks), self.num_cells * len(self.slices)
        given = np.concatenate([one.ravel() for one in blocks])
        shift = np.repeat(np.arange(copies) * num_groups, self.num_ues)
        pieces: list[list[Served]] = [[] for _ in blocks]
        stops = np.append(first[1:], len(rows))
        for start, stop, carried in zip(first, stops, bits, strict=True):
            row = rows[start]
            group = np.where(cell[row] >= 0, cell[row] * len(self.slices) + self.ue_slice, -1)
            group = np.tile(group, copies)
            # A handover in the row before an epoch that starts in the middle of it has passed.
            fresh = handover[row] & (start > 0 or self._starts_row())
            served = self._queues.serve(
                arrivals[start:stop],
                np.where(group >= 0, group + shift, -1),
                given,
                carried,
                np.tile(np.where(fresh, self._interruption, 0), copies),
                self.num_prb,
                away if away.any() else None,
            )
            for own, part in zip(pieces, served.split(copies), strict=True):
                own.append(part)
        self.epoch += 1
        waiting = np.split(self._queues.backlog_bits, copies)
        return [
            report(
                own,
                one,
                self.ue_slice,
                self._reliability,
                self.settings.epoch_s,
                self.settings.slot_s,
                backlog,
                nobody,
            )
            for own, one, backlog, nobody in zip(pieces, blocks, waiting, refused, strict=True)
        ]

    def _starts_row(self) -> bool:
        time = self.epoch * self.settings.epoch_s / self._row_s
        return abs(time - round(time)) < 1e-6
