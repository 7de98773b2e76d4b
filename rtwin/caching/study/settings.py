"""What the caching study is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rtwin.caching.demand import WITHIN_DB
from rtwin.errors import OutOfRangeError
from rtwin.settings import AtLeast, Settings

PACE_S = 10.0  # between two requests of a user


MOST = 10_000_000
Number = Annotated[int, AtLeast(1, MOST)]


@dataclass(frozen=True)
class CachingStudy(Settings):
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
    """

    seeds: Number = 10
    slots: Number = 150
    history: Number = 1500
    warm_up: Number = 1000
    test: Number = 4000
    users: Number = 40
    within_db: float = WITHIN_DB
    trace: Path | None = None
    twin: Path | None = None
    ways: Path | None = None
    requests: Path | None = None
    other_slots: Annotated[tuple[int, ...], AtLeast(1, MOST)] = (50, 400)
    other_histories: Annotated[tuple[int, ...], AtLeast(1, MOST)] = (300, 6000)
    rounds: Number = 3
    ppo_steps: Annotated[int, AtLeast(0, 10 * MOST)] = 0
    control: bool = True
    workers: Number = 2

    def __post_init__(self) -> None:
        super().__post_init__()
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
