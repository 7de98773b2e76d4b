"""Which shards are still to be traced, and when a worker that has one counts as frozen."""

import time

from rtwin.errors import EngineError

LOST_AT_MOST = 3  # times that a shard goes to another worker
KEPT = "finished shards are kept, run the same command again to go on"
# A stopped process answers nothing and ends never; a slow one is slow like the others.
PATIENCE = 10.0  # times the slowest step so far
LEAST_S = 60.0
LONGEST_LOOK_S = 10.0


class Queue:
    """Which shards are still to be given out, and how often each was lost."""

    def __init__(self, todo: list[int]) -> None:
        self._waiting = list(reversed(todo))
        self._lost: dict[int, int] = {}
        self.unfinished = len(todo)

    def __len__(self) -> int:
        """Shards that nobody works on."""
        return len(self._waiting)

    def take(self) -> int:
        return self._waiting.pop()

    def finished(self) -> None:
        self.unfinished -= 1

    def give_back(self, number: int) -> None:
        """A shard that no fault of its own brought back."""
        self._waiting.append(number)

    def lost(self, number: int, reason: str) -> None:
        """A shard whose worker was lost over it; it is done again.

        Raises:
            EngineError: if that happened too often.
        """
        times = self._lost[number] = self._lost.get(number, 0) + 1
        if times > LOST_AT_MOST:
            raise EngineError(
                f"shard {number} was lost {times} times, the last time because {reason}; {KEPT}, "
                "with a smaller shard size if memory is short"
            )
        self.give_back(number)

    def times_lost(self, number: int) -> int:
        """How often a shard's worker was lost over it."""
        return self._lost.get(number, 0)


class Pace:
    """How long steps of each kind took, and so how long the next may take.

    Time counts only while this process looks: one that was itself stopped, or a
    machine that slept, must not take all workers for frozen.
    """

    def __init__(self) -> None:
        self._slowest: dict[str, float] = {}
        self._looked = time.monotonic()
        self._now = 0.0

    def now(self) -> float:
        """Seconds on a clock that is asked every few seconds, and stands still while it is not."""
        looked = time.monotonic()
        self._now += min(looked - self._looked, LONGEST_LOOK_S)
        self._looked = looked
        return self._now

    def took(self, kind: str, seconds: float) -> None:
        """A step of this kind is done."""
        self._slowest[kind] = max(seconds, self._slowest.get(kind, 0.0))

    def limit_s(self, kind: str, times_lost: int = 0) -> float:
        """How long a step may take [s]; infinite while none was finished.

        Each time that a shard was lost doubles it: perhaps it is a long one.
        """
        if kind not in self._slowest:
            return float("inf")
        return max(PATIENCE * self._slowest[kind], LEAST_S) * 2.0**times_lost
