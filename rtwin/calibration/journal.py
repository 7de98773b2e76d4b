"""Steps of a calibration that are finished, on disk: a killed run goes on where it was.

Every step is a file of plain arrays that appears whole or not at all. Steps are
numbered in the order in which they are asked for, which a seed decides, so that
a run that goes on makes the same numbers as one that was never killed.
"""

import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset.store import plain_errors, write_whole
from rtwin.errors import StoreError
from rtwin.files import sweep, target_of

Arrays = dict[str, Floats]
_REQUEST = "request.txt"
_STEP = re.compile(r"request\.txt|[\w-]+-\d{5}\.npz")


@dataclass(eq=False)
class Journal:
    """Finished steps in a folder; without a folder nothing is remembered."""

    folder: Path | None = None
    name: str = "step"
    _count: list[int] = field(default_factory=lambda: [0])

    def part(self, name: str) -> "Journal":
        """The steps of one part of the work, numbered by themselves."""
        return Journal(self.folder, name)

    def step(self, work: Callable[[], Arrays]) -> Arrays:
        """What the next step makes: read if it is finished already, else made and written."""
        self._count[0] += 1
        if self.folder is None:
            return work()
        file = self.folder / f"{self.name}-{self._count[0]:05d}.npz"
        known = _read(file)
        if known is not None:
            return known
        made = {name: np.asarray(values, np.float64) for name, values in work().items()}
        image = io.BytesIO()
        np.savez(image, **made)  # type: ignore[arg-type]
        with plain_errors(file):
            write_whole(file, image.getvalue())
        return made

    def close(self) -> None:
        """Throw the steps away: the result is there."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                _clear(self.folder)
                self.folder.rmdir()


def open_journal(output: Path, request: str) -> Journal:
    """The journal beside a result that is being made.

    Args:
        output: The result's folder; the journal is a hidden folder beside it.
        request: Hash of everything that shapes the result. Steps of another
            request are thrown away.
    Raises:
        StoreError: if it cannot be written.
    Source: checked by tests/calibration/test_journal.py with a run that is killed.
    """
    folder = journal_folder(output)
    with plain_errors(folder):
        known = folder / _REQUEST
        sweep(folder)
        inside = list(folder.iterdir()) if folder.exists() else []
        if not known.is_file() and not all(map(_is_step, inside)):
            raise StoreError(f"{folder}: holds something else than steps; choose another name")
        if known.is_file() and known.read_text("utf-8") != request:
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(known, request.encode())
    return Journal(folder)


def journal_folder(output: Path) -> Path:
    """Where the steps of a result lie while it is made."""
    return output.parent / f".{output.name}.steps"


def _clear(folder: Path) -> None:
    """Remove the steps of a folder; what somebody else put there stays."""
    for file in folder.iterdir():
        if _is_step(file):
            file.unlink()


def _is_step(file: Path) -> bool:
    return _STEP.fullmatch(target_of(file).name) is not None


def _read(file: Path) -> Arrays | None:
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError):
        return None  # not there, or torn by a crash of the disk: made again
