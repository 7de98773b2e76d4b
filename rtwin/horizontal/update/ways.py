"""One decision behind every update: which way to the new map, by cost, tolerance and trust.

    preserve   the twin agrees with the news
    kriging    what differs is spread over places
    library    rehearsed edits are weighed: milliseconds, nothing learned
    network    weighed edits and measurements, mixed as a network learned elsewhere; if asked for
    search     worlds are traced until one explains the measurements
    partial    an edit is known: what it touches is traced again, exactly
    full       an edit is known: everything is traced again

What ways cost is predicted, what they leave wrong they say themselves; `decide`
takes the cheapest that is good enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from rtwin.errors import OutOfRangeError, nearest
from rtwin.horizontal.decision import Evidence, Limits, Rung, TransmitterDecision, decide

How = Literal["preserve", "kriging", "library", "network", "search", "partial", "full"]
HOWS: tuple[How, ...] = get_args(How)
KNOWN: tuple[How, ...] = ("library", "partial", "full")
MEASURED: tuple[How, ...] = ("preserve", "kriging", "library", "network", "search")
ROUNDING_DB = 0.05  # of what the library keeps


@dataclass(frozen=True)
class Wish:
    """What an update may cost and leave wrong.

    Attributes:
        how: A way that is forced; None for the cheapest that is good enough.
        within_s: Most seconds that a way may take, as predicted.
        tolerance_db: Error of an updated cell that is acceptable [dB].
        network: Weights instead of those that come with rtwin, which then are a way for the
            decision, too.
    """

    how: How | None = None
    within_s: float = np.inf
    tolerance_db: float = 3.0
    network: Path | None = None

    def __post_init__(self) -> None:
        for name in ("within_s", "tolerance_db"):
            if not getattr(self, name) > 0:
                raise OutOfRangeError(f"{name} is {getattr(self, name)}; it must be above 0")

    def check(self, ways: Sequence[How]) -> None:
        """Raise OutOfRangeError unless the forced way is one of those that there are."""
        if self.how is not None and self.how not in ways:
            raise OutOfRangeError(f"how is '{self.how}'; {nearest(self.how, list(ways))}")

    @property
    def limits(self) -> Limits:
        """What decide takes as acceptable."""
        return replace(Limits(), tolerance_db=self.tolerance_db)


def choose(evidence: Evidence, rungs: Sequence[Rung], wish: Wish) -> TransmitterDecision:
    """The way to take: the forced one, or the cheapest acceptable of those quick enough.

    Args:
        evidence: What is known of the touched cells.
        rungs: The ways there are, with predicted costs; one is exact.
        wish: What the update may cost and leave wrong.
    Returns:
        Where nothing acceptable is quick enough, the most precise of the quick ones.
    """
    if wish.how is not None:
        forced = next((rung for rung in rungs if rung.name == wish.how), None)
        if forced is None:
            names = ", ".join(rung.name for rung in rungs)
            raise OutOfRangeError(f"'{wish.how}' cannot be done here; there are {names}")
        made = decide(evidence, (replace(forced, loss_db=0.0, is_learned=False),))
        return replace(made, rung=forced, reason=f"{forced.name}: as asked for")
    quick = [rung for rung in rungs if rung.seconds <= wish.within_s]
    if not quick:
        fastest = min(rungs, key=lambda rung: rung.seconds)
        raise OutOfRangeError(
            f"nothing is done within {wish.within_s:g} s; the quickest way, {fastest.name}, "
            f"takes {fastest.seconds:.2g} s"
        )
    if any(rung.loss_db <= wish.tolerance_db for rung in quick):
        try:
            return decide(evidence, quick, limits=wish.limits)
        except OutOfRangeError:
            pass  # those that are precise enough are not trusted
    best = min(quick, key=lambda rung: rung.loss_db)
    made = decide(evidence, (replace(best, loss_db=0.0, is_learned=False),))
    reason = f"{best.name}: {best.loss_db:.1f} dB expected, the best of what is quick enough"
    return replace(made, rung=best, reason=reason)
