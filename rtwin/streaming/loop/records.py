"""What a run is told, and what it leaves: beliefs, steps, logs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import Decision

KNOWN = ("none", "learned", "true")
WAYS = ("known", "held")


@dataclass(frozen=True, eq=False)
class Belief:
    """What twins are told.

    Attributes:
        trace: Channels as a radio twin predicts them at the users' places.
        error_db: Error that was found in it [dB]; rates are believed with a margin for it.
        users: What is known of tastes and haste: one of KNOWN.
        ways: Whether the twin knows where users will walk in an interval, or holds the place of
            the last report: one of WAYS.
        report_s: Time between reports [s].
        delay_s: Of a report [s].
        refit: Whether the channel model is corrected by reports when its error leaves its band.
        level: Of abstraction of what is reported.
        share: Bytes of that level over those of raw reports.
        private: What the likes of users become before the twins are told, from counts [user,
            type] and the users' draws; None: they are told as they are. Below 0 counts as 0.
    """

    trace: LinkTrace
    error_db: float = 0.0
    users: str = "learned"
    ways: str = "known"
    report_s: float = 1.0
    delay_s: float = 0.0
    refit: bool = False
    level: int = 0
    share: float = 1.0
    private: Callable[[Ints, np.random.Generator], Floats] | None = None

    def __post_init__(self) -> None:
        if self.users not in KNOWN or self.ways not in WAYS:
            raise OutOfRangeError(
                f"users is {self.users!r}, ways {self.ways!r}; they must be one of "
                f"{', '.join(KNOWN)} and {', '.join(WAYS)}"
            )
        if not (self.report_s > 0 and self.delay_s >= 0 and self.error_db >= 0):
            raise OutOfRangeError(
                f"report_s {self.report_s:g}, delay_s {self.delay_s:g}, error_db "
                f"{self.error_db:g}; they must be > 0, >= 0 and >= 0"
            )


@dataclass(frozen=True)
class Step:
    """One interval as a row: what was decided, emulated, and what came.

    Attributes:
        interval, time_s: Which.
        groups: How many groups.
        accepted: Whether the new decision went out; False where the last one was kept.
        emulated_satisfaction, emulated_consumption, emulated_utility: As the twin expected.
        satisfaction, consumption, computing, utility: As it came; means over users.
        left_out: Share of users with no satisfaction.
        late: Share of the bits that came too late, mean over groups.
        demand_error: Root-mean-square error of the groups' demand over its mean.
        channel_error_db: Mean error of the believed bits of a block [dB].
        refitted: Whether the channel model was refitted after the interval.
        channel_age_s, behaviour_age_s: Age of what was known as the interval began [s].
        value: V.
        decision_s: Time that the decision took [s].
        report_bytes: That users reported in the interval.
    """

    interval: int
    time_s: float
    groups: int
    accepted: bool
    emulated_satisfaction: float
    emulated_consumption: float
    emulated_utility: float
    satisfaction: float
    consumption: float
    computing: float
    utility: float
    left_out: float
    late: float
    demand_error: float
    channel_error_db: float
    refitted: bool
    channel_age_s: float
    behaviour_age_s: float
    value: float
    decision_s: float
    report_bytes: float


@dataclass
class Log:
    """All that a run left.

    Attributes:
        steps: One for each interval.
        satisfaction, group, version, prb: Of each user, [interval][user]; the last two are those
            of its group.
        cell_prb: Blocks reserved in each cell, [interval][cell].
        demand_s, believed_demand_s: Of the groups, [interval][group].
        decisions: One for each interval.
    """

    steps: list[Step] = field(default_factory=list)
    satisfaction: list[Floats] = field(default_factory=list)
    group: list[Ints] = field(default_factory=list)
    version: list[Ints] = field(default_factory=list)
    prb: list[Ints] = field(default_factory=list)
    cell_prb: list[Floats] = field(default_factory=list)
    demand_s: list[Floats] = field(default_factory=list)
    believed_demand_s: list[Floats] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """The steps as plain rows."""
        return [asdict(step) for step in self.steps]

    def mean(self, name: str, warm_up: int = 0) -> float:
        """Mean of a column over the intervals after those for warming."""
        return float(np.mean([getattr(step, name) for step in self.steps[warm_up:]]))
