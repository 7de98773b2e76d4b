"""Putting HDF5 files in place whole or not at all, and what may be replaced."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py

from rtwin.dataset.inspection import (
    is_snapshot_name,
    open_checked,
    open_container,
    read_attributes,
    snapshot_files,
)
from rtwin.errors import RtwinError, StoreError
from rtwin.files import appearing, check_name, temporary_beside

try:
    import fcntl
except ImportError:  # not on Windows; there, nobody is kept from writing twice
    fcntl = None  # type: ignore[assignment]


def file_image(build: Callable[[h5py.File], None]) -> bytes:
    """An HDF5 file as bytes, built in memory."""
    # HDF5 takes open files of one name for the same, in memory as well.
    with h5py.File(f"image-{id(build)}", "w", driver="core", backing_store=False) as file:
        build(file)
        file.flush()
        return bytes(file.id.get_file_image())


def write_image(target: Path, build: Callable[[h5py.File], None]) -> None:
    """Build an HDF5 file in memory and put it in place whole.

    HDF5 may crash the process when a write fails under it (a full disk), so
    what fits into memory reaches the disk as plain bytes.
    """
    write_whole(target, file_image(build))


def write_whole(target: Path, image: bytes) -> None:
    """Put a file of these bytes in place whole."""
    with appearing(target) as temporary:
        temporary.write_bytes(image)


@contextmanager
def sole_writer(folder: Path, target: Path) -> Iterator[None]:
    """Keep other writers out of a folder; the lock is gone with the process.

    Raises:
        StoreError: if another process writes there; the line names the target.
    """
    with plain_errors(target):
        lock = open(folder / "lock", "w")  # noqa: SIM115 (held while the folder is)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StoreError(
                    f"{target}: another rtwin is writing it; wait for that one"
                ) from error
        yield
    finally:
        lock.close()


def reserve_space(folder: Path, size: int) -> None:
    """Fail now, cleanly, if the disk cannot take `size` more bytes.

    Raises:
        OSError: as the system puts it.
    """
    probe = temporary_beside(folder / "space")
    try:
        with open(probe, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(size, 1))
    finally:
        probe.unlink(missing_ok=True)


@contextmanager
def plain_errors(path: Path, advice: str = "choose another place") -> Iterator[None]:
    """Turn the many ways of h5py and the system to say "cannot write" into one line."""
    try:
        yield
    except RtwinError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        if "No space left" in str(error) or "errno = 28" in str(error):
            reason = "no space left on the disk"
        elif isinstance(error, FileExistsError):  # what mkdir says of a file in its way
            reason = f"{error.filename} is a file, not a folder"
        raise StoreError(f"{path}: {reason}; {advice}") from error
    except RuntimeError as error:  # h5py raises these when a flush fails while closing
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path}: writing failed ({reason}); {advice}") from error


RESUME = "what was finished is kept, run the same command again to go on"


def prepare_target(file: Path, kind: str, request: str | None, overwrite: bool) -> bool:
    """Make sure that a file may be written; True if it is there already, finished.

    Raises:
        StoreError: if it is a folder or not one of rtwin's files, holds
            something else and overwrite is not set, or its folder cannot be made.
    """
    check_name(file)
    if file.is_dir():
        raise StoreError(f"{file}: is a folder; give the name of a file")
    with plain_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(file.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "")
    _check_no_snapshot(file)
    if not file.exists():
        return False
    if not is_own_file(file):
        raise StoreError(f"{file}: exists and is not one of rtwin's files; choose another name")
    try:
        with open_checked(file, kind) as old:
            same = request is not None and old.attrs.get("request_hash") == request
    except StoreError:
        same = False
    if not same and not overwrite:
        raise StoreError(
            f"{file}: exists and holds something else; choose another name, or overwrite it "
            "(--overwrite)"
        )
    return same


def prepare_place(file: Path, kind: str, overwrite: bool) -> None:
    """Refuse an impossible place before the work; a file of ours that is there, prepare_target.

    Raises:
        StoreError: as prepare_target.
    """
    check_name(file)
    if file.is_dir() or not file.exists() or not is_own_file(file):
        prepare_target(file, kind, None, overwrite)


def _check_no_snapshot(file: Path) -> None:
    """Refuse to write among the snapshots of a twin, or over one that lies elsewhere."""
    among = is_snapshot_name(file) and snapshot_files(file.parent)
    if among or (file.exists() and "snapshot" in _attributes(file)):
        raise StoreError(
            f"{file}: is a place for snapshots of a twin, which are written once; "
            "choose another name"
        )


def _attributes(file: Path) -> Mapping[str, object]:
    try:
        with open_container(file) as h5:
            return read_attributes(str(file), h5)
    except StoreError:
        return {}


def is_own_file(file: Path) -> bool:
    """Whether a file may be replaced at all: never one that rtwin did not write."""
    return str(_attributes(file).get("format", "")).startswith("rtwin-")
