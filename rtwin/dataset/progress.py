"""How long runs tell how far they are."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""


class Steps:
    """Counts (shard, transmitter) steps for the progress bar."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress, self._total, self._done = progress, total, done
        progress("trace", done, total)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        self._progress("trace", self._done, self._total)
