"""Files of rtwin's own: only what it made is ever replaced or removed.

Pictures, pages and tables carry a mark where their format has a place for who made
them. A file without it is somebody else's, whatever its name, and stays.
"""

import ctypes
import errno
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import rtwin
from rtwin.errors import StoreError

MARK = f"rtwin {rtwin.__version__}"
"""What a file says of who made it; `rtwin ` at its start is what counts."""
_PNG = b"\x89PNG\r\n\x1a\n"
_HEAD = 2**16
_MAX_JSON_BYTES = 2**30
WHITE_MARK = " \t\n"
"""Last line of a table of numbers, where whitespace alone has no meaning."""
# First bytes of a format, and what its head holds if rtwin made it.
_IN_HEAD: tuple[tuple[bytes, bytes], ...] = (
    (_PNG, b"tEXtSoftware\0rtwin "),
    (b"<?xml", b"<dc:title>rtwin "),
    (b"<!DOCTYPE html>", b'<meta name="generator" content="rtwin '),
    (b"glTF", b'"generator":"rtwin '),
    (b"MATLAB 5.0 MAT-file", b"rtwin "),
    (b"time_s,tx,rx,loss_db\n", b"time_s,tx,rx,loss_db\n"),
)


def made_by_rtwin(file: Path) -> bool:
    """Whether rtwin made a file; HDF5 is for rtwin.dataset.store to tell.

    Checked by tests/files/test_ownership.py.
    """
    if not file.is_file():
        return False  # a pipe or a device may never end
    try:
        size = file.stat().st_size
        with open(file, "rb") as handle:
            head = handle.read(_HEAD)
            handle.seek(max(0, size - 16 * _HEAD))
            tail = handle.read()
    except OSError:
        return False
    for magic, mark in _IN_HEAD:
        if head.startswith(magic):
            return mark in head
    if head.startswith(b"%PDF"):
        return _pdf_is_ours(tail)
    if head.startswith((b"II*\0", b"II+\0")):
        return b'<Item name="SOFTWARE">rtwin</Item>' in head + tail
    if head.lstrip().startswith(b"{"):
        return size <= _MAX_JSON_BYTES and _json_is_ours(file)
    return tail.endswith(b"\n" + WHITE_MARK.encode()) or (
        b"tx_position_m" in head[:_HEAD] and b"b_real" in head
    )


def _pdf_is_ours(tail: bytes) -> bool:
    """Whether the document's own information, not that of a picture in it, names rtwin."""
    found = re.findall(rb"/Info (\d+) 0 R", tail)
    if not found:
        return False
    about = re.search(rb"(?:^|\n)%s 0 obj(.*?)endobj" % found[-1], tail, re.DOTALL)
    return about is not None and b"/Creator (rtwin " in about.group(1)


def _json_is_ours(file: Path) -> bool:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(data, dict):
        return False
    return str(data.get("format", "")).startswith("rtwin-") or data.get("made_by") == "rtwin"


def check_name(path: Path) -> None:
    """Refuse names that the system takes for no file: too long, in a loop, with a zero byte.

    Raises:
        StoreError: if it is such a name.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        shown = str(path) if len(str(path)) <= 80 else str(path)[:77] + "..."
        raise StoreError(f"{shown}: {reason}; choose another name") from None


def check_regular(path: Path) -> None:
    """Refuse to read what is no file: a pipe waits for ever, a device may never end.

    Raises:
        StoreError: if there is no file of that name, or something else.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise StoreError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{path}: {reason}; give the name of a file") from None
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path}: is no regular file; give the name of a file")


def check_replaceable(file: Path) -> None:
    """Refuse to replace what rtwin did not make.

    Raises:
        StoreError: if there is a folder, a link or a file of somebody else, or it is no
            name of a file.
    """
    check_name(file)
    if not os.path.lexists(file):
        return
    if file.is_dir():
        raise StoreError(f"{file}: is a folder; give the name of a file")
    if file.is_file() and file.stat().st_size == 0:
        return  # nothing to lose, as a shell or tempfile makes it
    if not made_by_rtwin(file):
        raise StoreError(f"{file}: exists and was not made by rtwin; choose another name")


def check_results(folder: Path, names: Iterable[str], table: str) -> None:
    """Refuse a folder in which files of these names are not results of rtwin.

    Args:
        folder: Where results go.
        names: Of the files that are written there.
        table: Name of the one of them that is JSON and says who made all.
    Raises:
        StoreError: if there is a file of such a name and no such table beside it.
    """
    there = [name for name in names if os.path.lexists(folder / name)]
    if there and not made_by_rtwin(folder / table):
        raise StoreError(
            f"{folder / there[0]}: exists and is no result of rtwin; choose another folder"
        )


def with_png_mark(image: bytes) -> bytes:
    """A PNG that says who made it."""
    import struct
    import zlib

    text = b"tEXtSoftware\0" + MARK.encode("latin-1")
    end_of_header = 8 + 4 + 4 + 13 + 4
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return image[:end_of_header] + chunk + image[end_of_header:]


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two names are of one file, by links as well."""
    try:
        return one.resolve() == other.resolve() or os.path.samefile(one, other)
    except (OSError, ValueError, RuntimeError):  # no such file, no such name, a loop of links
        return False


def check_not_input(output: Path, *inputs: str | Path | None) -> None:
    """Refuse to write over what is read.

    Raises:
        StoreError: if the output is one of the inputs.
    """
    for given in inputs:
        if given is not None and is_same_file(output, Path(given)):
            raise StoreError(f"{output}: is what is read; give another name")


def replace_folder(made: Path, folder: Path, is_own: Callable[[str], bool]) -> None:
    """Put a finished folder in the place of an earlier one, which is gone thereafter.

    Files that the earlier one holds and rtwin did not write are in the new one as well,
    before it takes its place; at every moment there is a folder of that name with all of
    them where the system can exchange two names, as Linux and macOS can.

    Args:
        made: The finished folder, beside the other.
        folder: The place; may be missing.
        is_own: Whether rtwin wrote a file of the earlier folder, by its path in it.
    Raises:
        OSError: as the system puts it.
    """
    if not folder.exists():
        made.rename(folder)
        return
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            continue
        target = made / name
        if is_own(name.as_posix()) or os.path.lexists(target):
            continue
        if path.is_dir() and not path.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
    if _exchange(made, folder):
        shutil.rmtree(made, ignore_errors=True)
        return
    old = made.with_name(made.name + ".old")
    folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    here = -100 if sys.platform == "linux" else -2  # AT_FDCWD
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)
    call = getattr(ctypes.CDLL(None, use_errno=True), name, None) if name else None
    if call is None:
        return False
    swap = ctypes.c_uint(2)  # RENAME_EXCHANGE, RENAME_SWAP
    if call(here, os.fsencode(one), here, os.fsencode(other), swap) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))
