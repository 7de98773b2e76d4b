"""How long runs report how far they are: a callback with a stage, steps done and in all."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
Count = Callable[[int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Progress of a run that reports nothing."""


def uncounted(done: int, total: int) -> None:
    """Steps of a stage that reports nothing."""


def count_of(progress: Progress, stage: str) -> Count:
    """The callback that reports the steps of one stage."""
    return lambda done, total: progress(stage, done, total)


class Steps:
    """Counts (shard, transmitter) steps for the progress bar."""

    def __init__(self, progress: Progress, total: int, done: int, stage: str = "trace") -> None:
        self._progress, self._total, self._done, self._stage = progress, total, done, stage
        progress(stage, done, total)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        self._progress(self._stage, self._done, self._total)
