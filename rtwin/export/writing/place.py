"""Putting exports in place: whole or not at all, files and folders alike."""

import contextlib
import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.dataset.inspection import is_hdf5
from rtwin.dataset.store import blocks, is_own_file, plain_errors
from rtwin.errors import StoreError
from rtwin.files import appearing, check_name, made_by_rtwin, replace_folder, temporary_beside

MARK = "rtwin.json"
"""Where a folder came from. A folder without it is somebody else's, and stays."""


def check_target(target: Path, source: Path, suffix: str) -> None:
    """Make sure that an export may be put somewhere, before the work is done.

    Whether an export that is there may be replaced, new_file and new_folder say.

    Raises:
        StoreError: if the target is the source, has another suffix, is foreign or
            cannot be made.
    """
    check_name(target)
    if target.resolve() == source.resolve() or target.resolve() in source.resolve().parents:
        raise StoreError(f"{target}: holds the twin itself; choose another name")
    if suffix and target.suffix != Path("x" + suffix).suffix:
        raise StoreError(f"{target}: the name must end in {suffix}; choose another name")
    with plain_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise StoreError(f"{target}: the folder cannot be written to; choose another place")
    if not (target.exists() or target.is_symlink()):
        return
    if bool(suffix) == target.is_dir():
        what = "a folder" if target.is_dir() else "no folder"
        wanted = f"a {suffix} file" if suffix else "a folder"
        raise StoreError(f"{target}: is {what}, but {wanted} is written; choose another name")
    if target.is_symlink():
        raise StoreError(f"{target}: is a link; name the place itself")
    if not suffix and not any(target.iterdir()):
        return  # an empty folder has nothing to lose
    if not (_is_our_file(target) if suffix else _is_our_folder(target)):
        raise StoreError(f"{target}: exists and is not an export of rtwin; choose another name")


def _is_our_file(file: Path) -> bool:
    return file.stat().st_size == 0 or made_by_rtwin(file) or is_own_file(file)


def _is_our_folder(folder: Path) -> bool:
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("made_by") == "rtwin"


def finished_folder(target: Path, mark: dict[str, Any]) -> dict[str, Any] | None:
    """What the export of a folder reported, if it was this very export and is whole.

    Raises:
        StoreError: if another one is there.
    """
    if not target.is_dir() or not any(target.iterdir()):
        return None
    try:
        about = json.loads((target / MARK).read_text(encoding="utf-8"))
        is_whole = all((target / name).exists() for name in about["files"])
        if is_whole and about["request"] == mark["request"]:
            return dict(about["report"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # of before, when marks said less
    raise _exists(target)


def _exists(target: Path) -> StoreError:
    return StoreError(f"{target}: exists; choose another name, or ask to overwrite it")


@contextlib.contextmanager
def new_file(target: Path, overwrite: bool) -> Iterator[Path]:
    """A name to write a file under; it appears as the target if nothing goes wrong.

    Raises:
        StoreError: at the end, if another export is there and overwrite is not set;
            the same one stays as it is.
    """
    with plain_errors(target):
        if overwrite or not target.exists() or target.stat().st_size == 0:
            with appearing(target, target.suffix) as temporary:
                yield temporary
            return
        temporary = temporary_beside(target, target.suffix)
        try:
            yield temporary
            if not _same_content(temporary, target):
                raise _exists(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(target: Path, mark: dict[str, Any]) -> Iterator[Path]:
    """A folder to write into; it appears as the target if nothing goes wrong.

    What rtwin wrote into a folder that stands there goes when the new one is
    complete; what somebody put beside it stays.

    Args:
        target: The folder.
        mark: What its rtwin.json says; the writer may add to it.
    """
    temporary = temporary_beside(target)
    try:
        with plain_errors(target):
            temporary.mkdir()
            yield temporary
            written = [p for p in sorted(temporary.rglob("*")) if not p.is_dir()]
            files = [MARK, *(path.relative_to(temporary).as_posix() for path in written)]
            about = {"made_by": "rtwin", "files": files, **mark}
            text = json.dumps(about, indent=2, sort_keys=True)
            (temporary / MARK).write_text(text + "\n", encoding="utf-8")
            replace_folder(temporary, target, _own_names(target))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _same_content(one: Path, other: Path) -> bool:
    if filecmp.cmp(one, other, shallow=False):
        return True
    if not (is_hdf5(one) and is_hdf5(other)):
        return False
    # HDF5 libraries do not always write the same content in the same order.
    with h5py.File(one) as first, h5py.File(other) as second:
        return _summary(first) == _summary(second)


def _summary(h5: h5py.File) -> dict[str, Any]:
    """Digests of all data and attributes by name, without references, which are places."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        texts = {k: repr(v) for k, v in item.attrs.items() if "_LIST" not in k}
        digest = hashlib.sha256()
        if isinstance(item, h5py.Dataset):
            digest.update(f"{item.shape} {item.dtype}".encode())
            for block in blocks(item):
                whole = np.asarray(block)
                is_text = whole.dtype == object
                digest.update(repr(whole.tolist()).encode() if is_text else whole.tobytes())
        found[name] = (texts, digest.hexdigest())

    note("", h5)
    h5.visititems(note)
    return found


def _own_names(folder: Path) -> Callable[[str], bool]:
    """Tells which files of an earlier export rtwin wrote."""
    try:
        names = json.loads((folder / MARK).read_text(encoding="utf-8"))["files"]
        return set(names).__contains__
    except (OSError, ValueError, KeyError, TypeError):
        # An export of before has no list: its mark was written last.
        mark = folder / MARK
        last = mark.stat().st_mtime_ns if mark.exists() else 0
        return lambda name: (folder / name).stat().st_mtime_ns <= last
