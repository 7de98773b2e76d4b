"""Cells that serve queues slot by slot: sliced resource blocks, deadlines, delays.

Queues are first in, first out, and a bit that has waited for its whole budget
is dropped. For such a queue it is enough to know how much has arrived and how
much has left up to every slot: what must have left at the end of slot n is what
had arrived by the end of slot n - budget + 1. So a queue costs the same however
much waits in it, and delays are read from the two curves.
"""

from dataclasses import dataclass, fields

import numpy as np

from rtwin.arrays import Bools, Floats, Ints

SCHEDULERS = ("pf", "rr")
PF_MEMORY_S = 0.1
_LEAST_BITS = 1.0  # average of a user that was never served
_RR_STEP = 0.999


def sums(place: Ints, values: Floats, size: int) -> Floats:
    """Sums of values by their place, [size]."""
    return np.asarray(np.bincount(place, values, size), np.float64)


@dataclass(frozen=True)
class Served:
    """What happened in a row of slots.

    Attributes:
        arrived_bits, served_bits, dropped_bits: [ue].
        used_prb: Resource blocks used, summed over slots, [group].
        delay_bits: Bits served with a delay of 1, 2, ... slots, [group, delay].
        ue_slots: Slots in which a user was served, [ue].
        ue_requested_prb, ue_granted_prb: Blocks that would have emptied its queue, at most a
            cell's in each slot, and those it got, summed over slots, [ue].
    """

    arrived_bits: Floats
    served_bits: Floats
    dropped_bits: Floats
    used_prb: Floats
    delay_bits: Floats
    ue_slots: Floats
    ue_requested_prb: Floats
    ue_granted_prb: Floats

    def split(self, copies: int) -> "list[Served]":
        """The same of each copy of all users and groups."""
        if copies == 1:
            return [self]
        parts = [np.split(getattr(self, item.name), copies) for item in fields(self)]
        return [Served(*values) for values in zip(*parts, strict=True)]


class Queues:
    """Queues of all users, and the scheduler that empties them.

    A group is the users of one slice in one cell; it has resource blocks of its
    own. In every slot a group's users are served in the order of their metric,
    each until its queue is empty, as far as whole blocks go. Where groups lend, blocks
    that a group leaves serve, in the same slot, those who still wait in others of its cell.

    Args:
        budget_slots: Slots that a bit may wait, that of its arrival included, [ue].
        slot_s: Length of a slot [s].
        scheduler: "pf" (proportional fair) or "rr" (longest unserved first).
        lenders: Groups of a cell, which lend each other what they leave; 1: none do.
        copies: How many times all users are there, with the same traffic: runs side by side.
            Whatever is of users or groups then has those of all copies, one after the other.
    Checked by tests/experiments/network/test_cells.py.
    """

    def __init__(
        self,
        budget_slots: Ints,
        slot_s: float,
        scheduler: str = "pf",
        copies: int = 1,
        lenders: int = 1,
    ) -> None:
        self._budget = budget_slots
        self._slot_s = slot_s
        self._is_pf = scheduler == "pf"
        self._copies = copies
        self._lenders = lenders
        self._rows = np.arange(len(budget_slots))
        num_ues = len(budget_slots) * copies
        # Arrivals of the past that may still wait, alike for all copies; the last row is the
        # present.
        self._curve = np.zeros((int(budget_slots.max()), len(budget_slots)))
        self._left = np.zeros(num_ues)
        self._average = np.full(num_ues, _LEAST_BITS)
        self._idle = np.zeros(num_ues)  # 1: just served

    @property
    def backlog_bits(self) -> Floats:
        """Bits that wait, [ue]."""
        return self._of_all(self._curve[-1]) - self._left

    def _of_all(self, values: Floats) -> Floats:
        """Values of users for all copies of them, [..., ue]."""
        return np.tile(values, self._copies)

    def serve(
        self,
        arrivals: Floats,
        group: Ints,
        num_prb: Floats,
        bits_per_prb: Floats,
        blocked_slots: Ints | None = None,
        cell_prb: float = np.inf,
        refused: Bools | None = None,
    ) -> Served:
        """Serve some slots.

        Args:
            arrivals: Whole bits of the users of one copy, [slot, ue].
            group: Group of each user, [ue]; -1 for a user that no cell serves.
            num_prb: Resource blocks of each group, [group].
            bits_per_prb: Whole bits that a block carries for a user in a slot, [ue].
            blocked_slots: Slots from the first on in which a user cannot be served, [ue].
            cell_prb: Blocks of a cell, the most that a user requests in a slot.
            refused: Users whose bits are turned away as they come, those that wait as well, [ue];
                they count neither as served nor as dropped.
        """
        num_slots, num_ues = len(arrivals), len(self._left)
        past = len(self._curve)
        curve = np.concatenate([self._curve, self._curve[-1] + arrivals.cumsum(axis=0)])
        due = self._of_all(
            curve[np.arange(num_slots)[:, None] + past - self._budget + 1, self._rows]
        )
        came = self._of_all(curve[past:])
        can = (group >= 0) & (bits_per_prb > 0)
        if refused is not None:
            can &= ~refused
        home = np.where(can, group, 0)
        # Nobody is sorted away from its group, so places in the sorted order keep their group.
        by_group = np.sort(home, kind="stable")
        first = np.searchsorted(by_group, by_group)
        limit = num_prb[by_group]
        carried = np.where(can, bits_per_prb, 1.0)
        carried_or_never = np.where(can, bits_per_prb, np.inf)
        open_from = np.zeros(num_ues, np.int64) if blocked_slots is None else blocked_slots
        blocked_until = int(open_from.max(initial=0))
        keep = 1.0 - self._slot_s / PF_MEMORY_S
        base = 2.0 * home
        gone, average, idle = self._left, self._average, self._idle
        left, served = np.zeros((2, num_slots, num_ues))
        total, given = np.zeros((2, num_ues))
        for slot in range(num_slots):
            waiting = came[slot] - gone
            need = np.ceil(waiting / carried_or_never)
            if slot < blocked_until:
                need *= slot >= open_from
            # Proportional fair puts the highest ratio of rate to average first: 1 / (1 + ratio).
            rank = average / (average + carried) if self._is_pf else idle
            order = (base + rank).argsort(kind="stable")
            asked = need[order]
            before = asked.cumsum() - asked
            before -= before[first]
            given[order] = np.minimum(np.maximum(limit - before, 0.0), asked)
            if self._lenders > 1:
                given += self._lent(
                    num_prb - sums(home, given, len(num_prb)), need - given, home, rank
                )
            sent = np.minimum(waiting, given * carried)
            gone = np.maximum(gone + sent, due[slot])
            if refused is not None:
                gone = np.where(refused, came[slot], gone)
            served[slot], left[slot] = sent, gone
            total += given
            if self._is_pf:
                average *= keep
                average += (1.0 - keep) * sent
            else:
                # Ever closer to 0, the place of who was served least lately.
                idle *= _RR_STEP
                idle[given > 0] = 1.0
        np.maximum(average, _LEAST_BITS, out=average)
        start = np.concatenate([self._left[None], left[:-1]])
        requested = np.ceil((came - start) / carried_or_never)
        delay = self._delays(curve, past, start + served, served, home, len(num_prb))
        dropped = (left - start - served).sum(axis=0)
        self._left = gone
        self._curve = curve[-past:]
        return Served(
            self._of_all(arrivals.sum(axis=0)),
            served.sum(axis=0),
            dropped if refused is None else np.where(refused, 0.0, dropped),
            sums(home, total, len(num_prb)),
            delay,
            (served > 0).sum(axis=0).astype(np.float64),
            np.minimum(requested, cell_prb).sum(axis=0),
            total,
        )

    def _lent(self, spare: Floats, need: Floats, home: Ints, rank: Floats) -> Floats:
        """Blocks that users get of what other groups of their cell leave, [ue].

        Args:
            spare: Blocks that each group leaves, [group].
            need: Blocks that each user still lacks, [ue].
            home: Group of each user, [ue].
            rank: Who is served first, 0 to 1, [ue].
        """
        cell = home // self._lenders
        of_cell = spare.reshape(-1, self._lenders).sum(axis=1)
        order = (2.0 * cell + rank).argsort(kind="stable")
        asked, place = need[order], cell[order]
        before = asked.cumsum() - asked
        before -= before[np.searchsorted(place, place)]
        found = np.zeros_like(need)
        found[order] = np.minimum(np.maximum(of_cell[place] - before, 0.0), asked)
        return found

    def _delays(
        self, curve: Floats, past: int, level: Floats, served: Floats, home: Ints, num_groups: int
    ) -> Floats:
        """Bits by the delay of the last bit that leaves with them, [group, delay - 1]."""
        longest = int(self._budget.max())
        slot, ue = np.nonzero(served)
        # One search for all users: their curves one after the other, each above the last.
        offset = ((curve[-1] - curve[0]).max() + 1.0) * self._rows
        stacked = (curve - curve[0] + offset).T.ravel()
        own = ue % len(self._rows)
        wanted = level[slot, ue] - curve[0][own] + offset[own]
        came = np.searchsorted(stacked, wanted) - own * len(curve)
        delay = np.clip(past + slot - came, 0, longest - 1)  # 0: left in the slot of its arrival
        place = home[ue] * longest + delay
        return sums(place, served[slot, ue], num_groups * longest).reshape(-1, longest)
