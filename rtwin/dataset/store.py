"""Writing and reading HDF5 files whole: layouts, coordinates, hashes, atomic replacement."""

import errno
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import rtwin
from rtwin.dataset.schema import FORMAT_VERSION, Variable
from rtwin.errors import RtwinError, StoreError
from rtwin.temporary import appearing, temporary_beside

try:
    import fcntl
except ImportError:  # not on Windows; there, nobody is kept from writing twice
    fcntl = None  # type: ignore[assignment]

CHUNK_BYTES = 2**18
BLOCK_ROWS = 2**16
_STRING = h5py.string_dtype("utf-8")


def create_variable(
    file: h5py.File, variable: Variable, shape: tuple[int, ...], data: Any = None
) -> h5py.Dataset:
    """An empty or filled variable with its units and description."""
    options: dict[str, Any] = {}
    if variable.dtype == "str":
        dtype: Any = _STRING
    else:
        dtype = np.dtype(variable.dtype)
        row_bytes = max(1, int(np.prod(shape[1:], dtype=np.int64))) * dtype.itemsize
        if shape and shape[0] * row_bytes > 4096:
            rows = min(shape[0], max(1, CHUNK_BYTES // row_bytes))
            options = {
                "chunks": (rows, *shape[1:]),
                "compression": "gzip",
                "compression_opts": 1,
                "shuffle": True,
            }
    dataset = file.create_dataset(variable.name, shape=shape, dtype=dtype, **options)
    if data is not None and dataset.size:
        dataset[...] = data
    dataset.attrs["long_name"] = variable.long_name
    if variable.units:
        dataset.attrs["units"] = variable.units
    return dataset


def attach_dimensions(
    file: h5py.File, layout: Iterable[Variable], labels: Mapping[str, Any]
) -> None:
    """Give every dimension a coordinate, so that xarray and netCDF readers know the names.

    Args:
        labels: Coordinate values by dimension; dimensions without labels count from 0.
    """
    layout = [variable for variable in layout if variable.name in file]
    sizes: dict[str, int] = {}
    for variable in layout:
        for dim, size in zip(variable.dims, file[variable.name].shape, strict=True):
            sizes.setdefault(dim, size)
    for dim, size in sizes.items():
        values = labels.get(dim)
        if values is None:
            scale = file.create_dataset(
                dim,
                data=np.arange(size, dtype=np.int64),
                **({"chunks": True, "compression": "gzip", "shuffle": True} if size > 512 else {}),
            )
        elif isinstance(values, np.ndarray):
            scale = file.create_dataset(dim, data=values)
        else:
            scale = file.create_dataset(dim, data=list(values), dtype=_STRING)
        scale.make_scale(dim)
    for variable in layout:
        for axis, dim in enumerate(variable.dims):
            file[variable.name].dims[axis].attach_scale(file[dim])


def content_hash(file: h5py.File, layout: Iterable[Variable]) -> str:
    """SHA-256 of the data, whatever the chunks, shards, compression and date.

    Variables by name; for each its name, type, dimensions and shape, then its
    values in row-major order, little-endian.
    """
    digest = hashlib.sha256()
    for variable in sorted(layout, key=lambda v: v.name):
        if variable.name not in file:
            continue
        dataset = file[variable.name]
        head = (variable.name, variable.dtype, variable.dims, tuple(dataset.shape))
        digest.update(repr(head).encode())
        for block in blocks(dataset):
            if variable.dtype == "str":
                digest.update(b"\0".join(bytes(text) for text in block))
            else:
                digest.update(np.ascontiguousarray(block, variable.dtype).tobytes())
    return digest.hexdigest()


def blocks(dataset: h5py.Dataset) -> Iterable[NDArray[Any]]:
    """The rows of a dataset, a bounded number at a time."""
    if dataset.ndim == 0:
        yield dataset[()]
        return
    row_bytes = max(1, int(np.prod(dataset.shape[1:], dtype=np.int64))) * dataset.dtype.itemsize
    rows = max(1, min(BLOCK_ROWS, 2**24 // row_bytes))
    for start in range(0, dataset.shape[0], rows):
        yield dataset[start : start + rows]


def provenance() -> dict[str, str]:
    """Versions of everything that shapes the numbers, without starting the engine."""
    found = {"rtwin": rtwin.__version__, "python": platform.python_version()}
    for package in ("sionna-rt", "mitsuba", "drjit", "numpy", "h5py"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def write_header(file: h5py.File, kind: str, attributes: Mapping[str, Any]) -> None:
    """Root attributes: what the file is and where it came from."""
    file.attrs["format"] = kind
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["versions"] = json.dumps(provenance(), sort_keys=True)
    for name, value in attributes.items():
        file.attrs[name] = (
            json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
        )


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
    if file.is_dir():
        raise StoreError(f"{file}: is a folder; give the name of a file")
    with plain_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(file.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "")
    if not file.exists():
        return False
    if not _is_ours(file):
        raise StoreError(f"{file}: exists and is not one of rtwin's files; choose another name")
    try:
        with open_checked(file, kind) as old:
            same = request is not None and old.attrs.get("request_hash") == request
    except StoreError:
        same = False
    if not same and not overwrite:
        raise StoreError(
            f"{file}: exists and holds something else; choose another name, or ask to overwrite it"
        )
    return same


def _is_ours(file: Path) -> bool:
    """Whether a file may be replaced at all: never a recipe, a mesh or somebody's letter."""
    try:
        with h5py.File(file, "r") as h5:
            return str(h5.attrs.get("format", "")).startswith("rtwin-")
    except OSError:
        return False


_SNAPSHOT = re.compile(r"\d{6}\.h5")


def snapshot_files(folder: Path) -> list[Path]:
    """The snapshots of a twin's folder, oldest first; what a killed run left is none."""
    return sorted(file for file in folder.iterdir() if _SNAPSHOT.fullmatch(file.name))


def open_checked(path: str | Path, kind: str | None = None) -> h5py.File:
    """Open one of rtwin's files for reading; of a twin's folder its newest snapshot.

    Raises:
        StoreError: if it is missing, not HDF5, not rtwin's, of a newer layout,
            or of another kind than wanted.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(f"{path}: no such file")
    if path.is_dir():
        snapshots = snapshot_files(path)
        if not snapshots:
            raise StoreError(f"{path}: is a folder without snapshots of a twin; give a file")
        path = snapshots[-1]
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        if h5py.is_hdf5(path):
            raise StoreError(f"{path}: an HDF5 file that is cut off or damaged") from error
        raise StoreError(f"{path}: not a readable HDF5 file") from error
    found = file.attrs.get("format")
    layout_version = file.attrs.get("format_version")
    problem = None
    if found is None:
        problem = "an HDF5 file, but not one of rtwin's (no attribute 'format')"
    elif kind is not None and found != kind:
        problem = f"holds {found}, this needs {kind}"
    elif layout_version != FORMAT_VERSION:
        problem = (
            f"has layout version {layout_version}, this rtwin reads version {FORMAT_VERSION}; "
            "use the rtwin that wrote it, or generate it again"
        )
    if problem:
        file.close()
        raise StoreError(f"{path}: {problem}")
    return file
