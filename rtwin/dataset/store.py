"""Writing and reading HDF5 files whole: layouts, coordinates, hashes, atomic replacement."""

import errno
import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import rtwin
from rtwin.dataset.inspection import (
    is_snapshot_name,
    open_checked,
    open_container,
    plain,
    read_attributes,
    snapshot_files,
)
from rtwin.dataset.schema import FORMAT_VERSION, HASH_VERSION, MEANING, Variable
from rtwin.errors import RtwinError, StoreError
from rtwin.files import appearing, check_name, temporary_beside

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


def content_hash(file: Any, layout: Iterable[Variable]) -> str:
    """SHA-256 of the content, whatever the chunks, shards, compression and date.

    The attributes that decide what the values mean (schema.MEANING), as JSON; files
    without `hash_version`, of before, leave them out. Then variables by name; for each
    its name, type, dimensions and shape, then its values in row-major order,
    little-endian.
    """
    digest = hashlib.sha256()
    if int(file.attrs.get("hash_version", 1)) >= HASH_VERSION:
        digest.update(meaning(file.attrs).encode())
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


def meaning(attributes: Mapping[str, Any]) -> str:
    """The attributes that decide what values mean, as JSON with sorted keys."""
    found = {name: plain(attributes[name]) for name in MEANING if name in attributes}
    recipe = found.get("recipe")
    if isinstance(recipe, dict):
        # Words and pictures change no number.
        words = ("title", "description", "source", "licence", "camera")
        found["recipe"] = {key: value for key, value in recipe.items() if key not in words}
    return json.dumps(found, sort_keys=True)


def blocks(dataset: Any) -> Iterable[NDArray[Any]]:
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
    file.attrs["hash_version"] = HASH_VERSION
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["versions"] = json.dumps(provenance(), sort_keys=True)
    for name, value in attributes.items():
        if isinstance(value, dict | list):
            value = json.dumps(value, sort_keys=True)
        if isinstance(value, str):
            # Names of files need not be UTF-8, texts in HDF5 must.
            value = value.encode("utf-8", "replace").decode()
        file.attrs[name] = value


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
            f"{file}: exists and holds something else; choose another name, or ask to overwrite it"
        )
    return same


def prepare_place(file: Path, kind: str, overwrite: bool) -> None:
    """Refuse an impossible place before the work; a file that is there is for prepare_target.

    Raises:
        StoreError: as prepare_target.
    """
    check_name(file)
    if file.is_dir() or not file.exists():
        prepare_target(file, kind, None, overwrite)


def _check_no_snapshot(file: Path) -> None:
    """Refuse to write among the snapshots of a twin, or over one that lies elsewhere."""
    among = is_snapshot_name(file) and snapshot_files(file.parent)
    if among or (file.exists() and "snapshot" in _attributes(file)):
        raise StoreError(
            f"{file}: is a place for snapshots of a twin, which are written once; "
            "choose another name"
        )


def _attributes(file: Path) -> Mapping[str, Any]:
    try:
        with open_container(file) as h5:
            return read_attributes(str(file), h5)
    except StoreError:
        return {}


def is_own_file(file: Path) -> bool:
    """Whether a file may be replaced at all: never a recipe, a mesh or somebody's letter."""
    return str(_attributes(file).get("format", "")).startswith("rtwin-")
