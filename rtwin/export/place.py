"""Putting exports in place: whole or not at all, files and folders alike."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtwin.dataset.store import plain_errors
from rtwin.errors import StoreError
from rtwin.temporary import appearing, temporary_beside

MARK = "rtwin.json"
"""Where a folder came from. A folder without it is somebody else's, and stays."""


def check_target(target: Path, source: Path, suffix: str, magic: bytes, overwrite: bool) -> None:
    """Make sure that an export may be put somewhere, before the work is done.

    Raises:
        StoreError: if the target is the source, has another suffix, is foreign,
            is there and overwrite is not set, or cannot be made.
    """
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
    if not (_is_our_file(target, magic) if suffix else _is_our_folder(target)):
        raise StoreError(f"{target}: exists and is not an export of rtwin; choose another name")
    if not overwrite:
        raise StoreError(f"{target}: exists; choose another name, or ask to overwrite it")


def _is_our_file(file: Path, magic: bytes) -> bool:
    with plain_errors(file), open(file, "rb") as handle:
        return handle.read(len(magic)) == magic


def _is_our_folder(folder: Path) -> bool:
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("made_by") == "rtwin"


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A name to write a file under; it appears as the target if nothing goes wrong."""
    with plain_errors(target), appearing(target, target.suffix) as temporary:
        yield temporary


@contextlib.contextmanager
def new_folder(target: Path, mark: dict[str, Any]) -> Iterator[Path]:
    """A folder to write into; it appears as the target if nothing goes wrong.

    A folder that stands there goes when the new one is complete, and comes back
    if that cannot take its place.
    """
    temporary = temporary_beside(target)
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        with plain_errors(target):
            temporary.mkdir()
            yield temporary
            text = json.dumps({"made_by": "rtwin", **mark}, indent=2, sort_keys=True)
            (temporary / MARK).write_text(text + "\n", encoding="utf-8")
            if target.exists():
                os.replace(target, old)
            try:
                os.replace(temporary, target)
            except OSError:
                if old.exists():
                    os.replace(old, target)
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
