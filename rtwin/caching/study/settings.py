"""What the caching study is asked for."""

from dataclasses import dataclass
from pathlib import Path

from rtwin.caching.demand import WITHIN_DB
from rtwin.errors import OutOfRangeError

PACE_S = 10.0  # between two requests of a user


@dataclass(frozen=True)
class CachingStudy:
    """The study: which caches, which twins, on which users and stations.

    Attributes:
        seeds: Tastes, rankings, walks and requests that are drawn.
        slots: Of each station's cache.
        history: Requests that twins and policies know before.
        warm_up: Requests that are served, but not counted.
        test: Requests that are counted, the same for all.
        users: Users who walk; those of a link trace where one is given.
        within_db: How much weaker a second station may be [dB].
        trace: Link trace whose users and stations are taken, such as the streaming study's.
        twin: Radio map whose stations are taken; with `ways`.
        ways: GeoJSON file of ways to walk along, with `twin`.
        requests: Log of a gateway; a sanity check beside the study.
        other_slots, other_histories: What is varied beside that.
        rounds: Of the cross-entropy method.
        ppo_steps: Requests that MaskablePPO learns from, which takes minutes; 0: it is left out.
        control: Whether the control, memoryless drift, is run as well.
        workers: Processes.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    seeds: int = 10
    slots: int = 150
    history: int = 1500
    warm_up: int = 1000
    test: int = 4000
    users: int = 40
    within_db: float = WITHIN_DB
    trace: Path | None = None
    twin: Path | None = None
    ways: Path | None = None
    requests: Path | None = None
    other_slots: tuple[int, ...] = (50, 400)
    other_histories: tuple[int, ...] = (300, 6000)
    rounds: int = 3
    ppo_steps: int = 0
    control: bool = True
    workers: int = 2

    def __post_init__(self) -> None:
        for name in ("seeds", "slots", "history", "warm_up", "test", "users", "rounds", "workers"):
            if not 1 <= getattr(self, name) <= 10_000_000:
                raise OutOfRangeError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if not 0 <= self.ppo_steps <= 100_000_000:
            raise OutOfRangeError(f"ppo_steps is {self.ppo_steps}; it must be 0 or more")
        if min((*self.other_slots, *self.other_histories, 1)) < 1:
            raise OutOfRangeError("other slots and histories must be 1 or more")
        if self.trace is not None and self.twin is not None:
            raise OutOfRangeError("trace and twin are both given; give one of them")
        if (self.twin is None) != (self.ways is None):
            raise OutOfRangeError("twin and ways go together: a radio map, and ways to walk on it")

    @property
    def longest_history(self) -> int:
        """Requests before the test that are drawn."""
        return max(self.history, *self.other_histories, 1)

    @property
    def num_requests(self) -> int:
        """Requests that are drawn."""
        return self.longest_history + self.warm_up + self.test
