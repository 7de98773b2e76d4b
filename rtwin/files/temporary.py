"""Names under which files and folders are made before they take their place.

A process that is killed leaves what it was making. The name says which process that was, so that
whoever next writes the same target removes it.
"""

import contextlib
import hashlib
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from rtwin.errors import StoreError

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def temporary_beside(target: Path, suffix: str = "") -> Path:
    """A hidden name beside a target for what this process makes of it; nothing has that name.

    What processes of this machine that are gone left under such names is removed.

    Args:
        target: What will be made.
        suffix: End of the name, for writers that go by it.
    Raises:
        StoreError: if the target is `.`, `..` or the root.
    Checked by tests/files/test_temporary.py.
    """
    if target.name in ("", ".."):
        raise StoreError(f"{target}: is a folder without a name of its own; give a name")
    sweep(target.parent, target.name)
    name = target.with_name(f".{target.name}.{_HOST}-{os.getpid()}.tmp{suffix}")
    _remove(name)  # of a process that had the same number
    return name


@contextlib.contextmanager
def appearing(target: Path, suffix: str = "") -> Iterator[Path]:
    """A name to write a file under; it appears as the target if nothing goes wrong.

    Args:
        target: The file; replaced.
        suffix: End of the temporary name, for writers that go by it.
    """
    name = temporary_beside(target, suffix)
    try:
        yield name
        replace_whole(name, target)
    finally:
        _remove(name)


def replace_whole(temporary: Path, target: Path) -> None:
    """Move a finished file into place; a crash leaves the old file or the new one."""
    with open(temporary, "rb") as handle:
        os.fsync(handle.fileno())
    os.replace(temporary, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError:
        pass  # some file systems cannot sync folders
    finally:
        os.close(folder)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove what dead processes of this machine left in a folder.

    Args:
        folder: Where; may be missing.
        name: Of the target that it was for; None for all.
    """
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            found = _OF_A_PROCESS.fullmatch(path.name)
            if found is None or found["host"] != _HOST or name not in (None, found["target"]):
                continue
            if _is_gone(found["pid"]):
                _remove(path)


def is_temporary(path: Path) -> bool:
    """Whether a path has such a name, of whatever process."""
    return _OF_A_PROCESS.fullmatch(path.name) is not None


def target_of(path: Path) -> Path:
    """What a temporary file or folder was to become; the path itself, if it is none."""
    found = _OF_A_PROCESS.fullmatch(path.name)
    return path if found is None else path.with_name(found["target"])


_OF_A_PROCESS = re.compile(
    r"\.(?P<target>.+)\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)\.tmp(\.\w+)?", re.DOTALL
)


def _is_gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # somebody else's
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
