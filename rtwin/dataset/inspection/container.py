"""Opening an HDF5 file of a stranger without following where it points.

HDF5 can name other files: external links, external storage and virtual datasets
bring the bytes of any readable file in, and soft links can run in circles. None
of rtwin's files has any of them, so a file with one is refused before anything
of it is read.
"""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from rtwin.errors import StoreError
from rtwin.files import check_regular

# What h5py raises where a file is damaged, differs by version and by what is damaged.
DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    IndexError,
)
MAX_OBJECTS = 100_000
_SPARE_BYTES = 512 * 2**20  # for everything else that happens while texts are read
MAX_DEPTH = 8
MAX_RATIO = 1100  # of bytes in memory to bytes on disk; gzip reaches 1032
UNPACKED_BYTES = 16 * 2**20  # that a dataset may have whatever it takes on disk
FILTERS = frozenset(
    {
        h5py.h5z.FILTER_DEFLATE,
        h5py.h5z.FILTER_SHUFFLE,
        h5py.h5z.FILTER_FLETCHER32,
        h5py.h5z.FILTER_LZF,
    }
)


@contextlib.contextmanager
def texts_bounded(size: int) -> Iterator[None]:
    """Bound what HDF5 takes for texts that are read within.

    A text says its own length, up to 4 GiB, and HDF5 takes so much memory before it looks
    where the text is. No text is longer than its file. Other threads must not need much
    memory at the same time: the bound is the whole process's. Linux alone can bound it so.

    Args:
        size: Bytes of the file.
    """
    try:
        taken = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = taken + _SPARE_BYTES + 4 * size
        if soft != resource.RLIM_INFINITY:
            bound = min(bound, soft)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    except (OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def open_container(path: str | Path) -> h5py.File:
    """Open an HDF5 file for reading if everything in it is in it.

    Raises:
        StoreError: if it is no regular file, not HDF5, damaged, or holds a link, a
            dataset or a filter that would lead out of it, or more than fits.
    Checked by tests/dataset/inspection/test_container.py.
    """
    path = Path(path)
    check_regular(path)
    try:
        file = h5py.File(path, "r")
    except DAMAGE as error:
        if is_hdf5(path):
            raise StoreError(f"{path}: an HDF5 file that is cut off or damaged") from error
        raise StoreError(f"{path}: not a readable HDF5 file") from error
    try:
        problem = next(_problems(file, path.stat().st_size), None)
    except DAMAGE as error:
        problem = f"an HDF5 file that is cut off or damaged ({first_line(error)})"
    if problem is not None:
        file.close()
        raise StoreError(f"{path}: {problem}")
    return file


def is_hdf5(path: Path) -> bool:
    """Whether a path is a regular file with the signature of HDF5."""
    try:
        return path.is_file() and bool(h5py.is_hdf5(path))
    except (OSError, ValueError, UnicodeError):  # names that no file system takes
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that name; names that no file system takes are none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def first_line(error: BaseException) -> str:
    """What an error says, in one line of bounded length."""
    return (" ".join(str(error).split()) or type(error).__name__)[:120]


def _problems(file: h5py.File, size: int) -> Iterator[str]:
    """What forbids to read a file, in words; the walk ends at the first."""
    todo: list[tuple[str, h5py.h5g.GroupID, int]] = [("", file.id, 0)]
    seen, count = set(), 0
    while todo:
        prefix, group, depth = todo.pop()
        if depth > MAX_DEPTH:
            yield f"groups are nested deeper than {MAX_DEPTH}; the file is damaged or foreign"
        for raw in group:
            name = prefix + raw.decode(errors="replace")
            count += 1
            if count > MAX_OBJECTS:
                yield f"holds more than {MAX_OBJECTS} objects; the file is damaged or foreign"
            link = group.links.get_info(raw)
            if link.type != h5py.h5l.TYPE_HARD:
                yield (
                    f"{printable(name)} is a link out of its place; rtwin follows none: "
                    "copy what it points to into the file"
                )
            found = h5py.h5o.open(group, raw)
            if isinstance(found, h5py.h5d.DatasetID):
                yield from _dataset_problems(printable(name), found, size)
            elif isinstance(found, h5py.h5g.GroupID):
                info = h5py.h5o.get_info(found)
                if info.addr in seen:
                    yield f"{printable(name)} holds itself or is there twice; the file is damaged"
                seen.add(info.addr)
                todo.append((name + "/", found, depth + 1))


def _dataset_problems(name: str, dataset: h5py.h5d.DatasetID, size: int) -> Iterator[str]:
    made = dataset.get_create_plist()
    if made.get_external_count() > 0:
        yield f"{name} lies in another file (external storage); rtwin reads no file but this one"
    if made.get_layout() == h5py.h5d.VIRTUAL:
        yield f"{name} is made of other files (virtual dataset); rtwin reads no file but this one"
    for number in range(made.get_nfilters()):
        code = made.get_filter(number)[0]
        if code not in FILTERS:
            yield f"{name} is packed with filter {code}; use gzip, LZF or none"
    stored = dataset.get_storage_size()
    if stored > size:
        yield f"{name} claims {stored} bytes in a file of {size}; the file is damaged"
    items = int(np.prod([int(n) for n in dataset.shape or (0,)], dtype=object))
    unpacked = items * max(dataset.get_type().get_size(), 1)
    if unpacked > MAX_RATIO * stored + UNPACKED_BYTES:
        yield (
            f"{name} has an impossible size: {unpacked} bytes of which {stored} are in the file; "
            "the file is damaged"
        )


def printable(name: str) -> str:
    """A name as a message shows it."""
    text = "".join(c if c.isprintable() else "?" for c in name)
    return repr(text if len(text) <= 60 else text[:57] + "...")
