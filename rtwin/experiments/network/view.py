"""What a decision may look at, and what it says."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import ShapeError
from rtwin.experiments.network.services import Slice

Frame = tuple[Ints, Floats]
"""Cell and bits of a block in a slot of each user, [ue] each, in a part of an epoch."""


@dataclass(frozen=True)
class NetworkView:
    """What a decision may look at: queues as they are, channels as somebody believes.

    Attributes:
        num_prb: Resource blocks of each cell.
        slot_s: Length of a slot [s].
        epoch_s: Time until the next decision [s].
        slices: The slices.
        ue_slice: Slice of each user, [ue].
        cell: Serving cell of each user as believed for the coming epoch, [ue]; -1 none.
        bits_per_prb: Bits of a block in a slot as believed, [ue]; 0 in outage. Where interference
            follows what cells reserve, those if all reserve everything.
        backlog_bits: Bits that wait, [ue].
        num_cells: Number of cells.
        frames: Cell and bits of each further part of the epoch, where it is shown in several.
        believed: Cell and bits of all parts for shares that cells reserve, [cell]; None where
            interference does not follow them.
    """

    num_prb: int
    slot_s: float
    epoch_s: float
    slices: tuple[Slice, ...]
    ue_slice: Ints
    cell: Ints
    bits_per_prb: Floats
    backlog_bits: Floats
    num_cells: int
    frames: tuple[Frame, ...] = ()
    believed: Callable[[Floats], tuple[Frame, ...]] | None = None

    def of(self, users: Bools) -> "NetworkView":
        """The same of some users alone, [ue]; blocks are decided as if there were no others."""
        believed = self.believed

        def fewer(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
            return tuple((cell[users], bits[users]) for cell, bits in frames)

        return replace(
            self,
            ue_slice=self.ue_slice[users],
            cell=self.cell[users],
            bits_per_prb=self.bits_per_prb[users],
            backlog_bits=self.backlog_bits[users],
            frames=fewer(self.frames),
            believed=None if believed is None else lambda load: fewer(believed(load)),
        )

    def under(self, num_prb: ArrayLike) -> "NetworkView":
        """The same, with what blocks carry if cells reserve so many, [cell, slice]."""
        if self.believed is None:
            return self
        (cell, bits), *later = self.believed(load_of(np.asarray(num_prb), self.num_prb))
        return replace(self, cell=cell, bits_per_prb=bits, frames=tuple(later))


@dataclass(frozen=True, eq=False)
class Decision:
    """What a policy says of the coming epoch.

    Attributes:
        num_prb: Whole resource blocks, [cell, slice].
        admitted: Who is admitted, [ue]; None: everybody. What a user asks for that is not, is
            turned away until the next decision, and so is what waits of it.
    """

    num_prb: ArrayLike
    admitted: Bools | None = None

    def of_users(self, num_ues: int) -> Bools:
        """Who is admitted, [ue].

        Raises:
            ShapeError: if it is said of another number of users.
        """
        if self.admitted is None:
            return np.ones(num_ues, bool)
        admitted = np.asarray(self.admitted)
        if admitted.shape != (num_ues,) or admitted.dtype != bool:
            raise ShapeError(
                f"admitted has shape {admitted.shape} of {admitted.dtype}; it must be "
                f"({num_ues},) of bool"
            )
        return admitted


def decision_of(said: ArrayLike | Decision) -> Decision:
    """What a policy has said as a decision; blocks alone admit everybody."""
    return said if isinstance(said, Decision) else Decision(said)


def load_of(num_prb: Floats | Ints, most: int) -> Floats:
    """Share of its blocks that each cell reserves, [..., cell]."""
    return np.minimum(num_prb.sum(axis=-1) / most, 1.0)
