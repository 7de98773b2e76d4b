"""A process that dies at a chosen call to the file system, without a process of its own.

Killing a real process at each of hundreds of calls would mean starting the ray tracer hundreds of
times. Here the calls of one process are counted through Python's audit events, and at the chosen
one `Death` is raised. It is no Exception, and after it every further call of that kind raises it
again: no `finally` can tidy up, just as nothing tidies up after SIGKILL. What Python had buffered
may still reach a file that was being written; the torn kind of death therefore also cuts the file
that was about to be put in place in half. test_real_kills.py does the same with SIGKILL.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NAMED = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.mkdir": "mkdir",
    "os.rmdir": "rmdir",
    "os.link": "link",
    "os.symlink": "symlink",
    "os.truncate": "truncate",
    "os.chmod": "chmod",
}


class Death(BaseException):
    """The process is dead; nothing may catch this."""


@dataclass
class Reaper:
    """Counts the calls that change a folder, and ends the process's doings at one of them."""

    folder: Path | None = None  # watched; None: nothing is
    at: int = 0  # number of the call to die at, from 1; 0: never
    is_torn: bool = False
    is_dead: bool = False
    calls: list[str] = field(default_factory=list)
    strike: Callable[[], None] | None = None  # what dying is; default: Death

    def saw(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit event of Python."""
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & WRITING:
                self.call("open", path)
        elif event in NAMED:
            self.call(NAMED[event], args[0])

    def call(self, kind: str, path: Any) -> None:
        """A call that changes what is on disk."""
        if self.folder is None or not self.is_inside(path):
            return
        if self.is_dead:
            raise Death
        self.calls.append(kind)
        if len(self.calls) == self.at:
            self.die(kind, path)

    def is_inside(self, path: Any) -> bool:
        """Whether a path is one of the watched folder; a number stands for an open file."""
        if isinstance(path, int):
            with contextlib.suppress(OSError):
                return self.is_inside(os.readlink(f"/proc/self/fd/{path}"))
            return False
        place = os.path.abspath(os.fsdecode(path))
        return place.startswith(f"{self.folder}{os.sep}")

    def die(self, kind: str, path: Any) -> None:
        """The end, at this call; a torn one cuts the file that was to be renamed in half."""
        if self.is_torn and kind == "rename" and os.path.isfile(path):
            self.folder, watched = None, self.folder
            os.truncate(path, os.path.getsize(path) // 2)
            self.folder = watched
        self.is_dead = True
        if self.strike is not None:
            self.strike()
        raise Death


REAPER = Reaper()
_hooked: list[bool] = []


def watch() -> None:
    """See all calls from now on; hooks of Python stay for the life of the process."""
    if _hooked:
        return
    _hooked.append(True)
    sys.addaudithook(REAPER.saw)
    # Neither of these tells Python's auditors.
    fsync, create = os.fsync, h5py.h5f.create

    def watched_fsync(number: Any) -> None:
        REAPER.call("fsync", number if isinstance(number, int) else number.fileno())
        fsync(number)

    def watched_create(name: bytes, *args: Any, **options: Any) -> Any:
        REAPER.call("open", name)
        return create(name, *args, **options)

    os.fsync = watched_fsync
    h5py.h5f.create = watched_create


@contextlib.contextmanager
def watched(folder: Path, at: int = 0, is_torn: bool = False) -> Iterator[Reaper]:
    """Count the calls within; with `at`, the process dies at that one, as far as disks can tell."""
    watch()
    vars(REAPER).update(vars(Reaper(folder.resolve(), at, is_torn)))
    with pytest.MonkeyPatch.context() as patch:
        if at:
            # The number of a process that is gone, as that of a killed one is.
            patch.setattr(os, "getpid", lambda: _ended_process())
        try:
            yield REAPER
        except Death:
            assert REAPER.is_dead
        finally:
            REAPER.folder = None


def _ended_process(known: list[int] = []) -> int:  # noqa: B006 (one for all)
    if not known:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        known.append(process.pid)
    return known[0]
