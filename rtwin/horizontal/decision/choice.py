"""Preserve, update or re-trace: the cheapest way to a loss that is acceptable, and why.

A rung of the ladder is a way to the new map, with what it costs and what it is
expected to leave wrong. Rungs that trace exactly leave nothing and need no
trust; learned ones must earn it: features like those of training, intervals
narrow enough, few updates on updates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.settings import NotNegative, Settings


class Decision(IntEnum):
    """What happens to a cell."""

    PRESERVE = 0
    UPDATE = 1
    RETRACE = 2


@dataclass(frozen=True)
class Limits(Settings):
    """What is acceptable.

    Attributes:
        tolerance_db: Expected error of a cell that is updated without tracing [dB].
        drift_db: Standard deviation that chained updates may have added [dB].
        max_updates: Updates on updates since a cell was last traced.
        max_distance: Distance of features over the training's own quantile.
        max_displacement_m: How far a transmitter may move before it is traced anew [m].
        max_retrace_share: Share of the touched cells to be traced beyond which all are.
    """

    tolerance_db: NotNegative = 3.0
    drift_db: NotNegative = 4.0
    max_updates: NotNegative = 5
    max_distance: NotNegative = 1.0
    max_displacement_m: NotNegative = 0.5
    max_retrace_share: NotNegative = 0.25


@dataclass(frozen=True)
class Rung:
    """A way to the new map.

    Attributes:
        name: stale, analytic, partial, delta, learned, few rays, full and the like.
        seconds: Predicted cost, features and loading included [s].
        loss_db: Expected RMS error over the touched cells [dB]; 0 where it is exact.
        is_learned: Whether it rests on training or inference instead of tracing.
    """

    name: str
    seconds: float
    loss_db: float = 0.0
    is_learned: bool = False


@dataclass(frozen=True, eq=False)
class Drift:
    """What chained updates without tracing have added, [cell]; all zero after a trace."""

    variance_db2: Floats
    num_updates: Ints

    @staticmethod
    def none(num_cells: int) -> "Drift":
        """Of cells that were just traced."""
        return Drift(np.zeros(num_cells), np.zeros(num_cells, np.int64))

    def after(self, decision: NDArray[np.uint8], sigma_db: ArrayLike) -> "Drift":
        """Drift after a decision: updates add their variance, traced cells start anew."""
        updated, traced = decision == Decision.UPDATE, decision == Decision.RETRACE
        added = np.where(updated, np.square(np.asarray(sigma_db, np.float64)), 0.0)
        return Drift(
            np.where(traced, 0.0, self.variance_db2 + added),
            np.where(traced, 0, self.num_updates + updated),
        )


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one transmitter's cells before anything is done.

    Attributes:
        transmitter: Its name.
        is_candidate: Cells that the change can have touched, [cell].
        chance: Chance that a cell is off, [cell].
        sigma_db: Calibrated uncertainty of the learned update, [cell] dB.
        drift: Of the cells so far.
        displacement_m: How far the transmitter moved [m].
        distance: Of its features from those of training, over their quantile; above 1
            is unlike anything seen.
    """

    transmitter: str
    is_candidate: Bools
    chance: Floats
    sigma_db: Floats
    drift: Drift
    displacement_m: float = 0.0
    distance: float = 0.0


@dataclass(frozen=True, eq=False)
class TransmitterDecision:
    """What is done about one transmitter.

    Attributes:
        transmitter: Its name.
        rung: The way that was chosen; None where nothing is to be done.
        cells: Decision of each cell, [cell], uint8.
        reason: Why, in one sentence.
        seconds: Predicted cost [s].
        refused: Why cheaper rungs were not taken, by their name.
    """

    transmitter: str
    rung: Rung | None
    cells: NDArray[np.uint8]
    reason: str
    seconds: float
    refused: dict[str, str] = field(default_factory=dict)


def decide(
    evidence: Evidence, rungs: Sequence[Rung], threshold: float = 0.05, limits: Limits | None = None
) -> TransmitterDecision:
    """The cheapest rung whose predicted loss is acceptable.

    Args:
        evidence: Of one transmitter.
        rungs: The ways there are; one of them must be exact.
        threshold: Chance of change from which on a cell is touched, as
            rtwin.horizontal.decision.conformal.miss_threshold calibrates it.
        limits: What is acceptable.
    Raises:
        OutOfRangeError: if no rung is exact.
    Checked by tests/horizontal/decision/test_decision.py.
    """
    limits = limits or Limits()
    name, num = evidence.transmitter, len(evidence.is_candidate)
    cells = np.zeros(num, np.uint8)
    touched = evidence.is_candidate & (evidence.chance >= threshold)
    if not touched.any():
        possible = int(evidence.is_candidate.sum())
        why = f"no cell is likely enough to have changed ({possible} of {num} could have)"
        return TransmitterDecision(name, None, cells, why, 0.0)
    unsure = touched & (evidence.sigma_db > limits.tolerance_db)
    spent = touched & _spent(evidence.drift, evidence.sigma_db, limits)
    refused: dict[str, str] = {}
    ordered = sorted(rungs, key=lambda rung: rung.seconds)
    for rung in ordered:
        objection = _objection(rung, evidence, touched, unsure | spent, limits)
        if objection is None:
            break
        refused[rung.name] = objection
    else:
        names = ", ".join(rung.name for rung in ordered) or "none"
        raise OutOfRangeError(f"no rung is acceptable ({names}); add one that traces exactly")
    seconds = rung.seconds
    if rung.is_learned:
        cells[touched] = Decision.UPDATE
        cells[unsure | spent] = Decision.RETRACE
    else:
        cells[touched] = Decision.RETRACE
    share = 100 * touched.mean()
    loss = "exact" if rung.loss_db == 0 else f"{rung.loss_db:.1f} dB expected"
    why = f"{rung.name}: {loss} for {seconds:.2g} s over {share:.0f} % of the cells"
    if refused:
        first = next(iter(refused))
        why += f"; not {first}, {refused[first]}"
    else:
        dearer = [r for r in ordered if r is not rung]
        why += f"; {dearer[0].name} would cost {dearer[0].seconds:.2g} s" if dearer else ""
    return TransmitterDecision(name, rung, cells, why, seconds, refused)


def _spent(drift: Drift, sigma_db: Floats, limits: Limits) -> Bools:
    variance = drift.variance_db2 + np.square(sigma_db)
    return (np.sqrt(variance) > limits.drift_db) | (drift.num_updates >= limits.max_updates)


def _objection(
    rung: Rung, evidence: Evidence, touched: Bools, doubtful: Bools, limits: Limits
) -> str | None:
    """Why a rung is not acceptable, or None."""
    if rung.is_learned:
        if evidence.distance > limits.max_distance:
            return f"the scene is unlike those of training (distance {evidence.distance:.2g})"
        if evidence.displacement_m > limits.max_displacement_m:
            return f"the transmitter moved by {evidence.displacement_m:.2g} m"
        share = doubtful.sum() / touched.sum()
        if share > limits.max_retrace_share:
            return (
                f"{100 * share:.0f} % of the touched cells are too uncertain or updated too often"
            )
    if rung.loss_db > limits.tolerance_db:
        return f"{rung.loss_db:.1f} dB of error are expected"
    return None
