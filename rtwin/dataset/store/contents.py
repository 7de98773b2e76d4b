"""What a file holds: variables with their units and coordinates, header, versions, hash."""

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import rtwin
from rtwin.dataset.inspection import plain
from rtwin.dataset.schema import COORDINATES, FORMAT_VERSION, HASH_VERSION, MEANING, Variable

CHUNK_BYTES = 2**18
BLOCK_ROWS = 2**16
COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
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
            options = {"chunks": (rows, *shape[1:]), **COMPRESSION}
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


def content_hash(
    file: Any,
    layout: Iterable[Variable],
    rows: Callable[[Any], Iterable[NDArray[Any]]] | None = None,
) -> str:
    """SHA-256 of the content, whatever the chunks, shards, compression and date.

    The attributes that decide what the values mean (schema.MEANING), as JSON; files
    without `hash_version`, of before, leave them out. Then variables by name; for each
    its name, type, dimensions and shape, then its values in row-major order,
    little-endian.

    Args:
        rows: Gives the rows of a variable, some at a time; default: reads them.
    """
    rows = blocks if rows is None else rows
    digest = hashlib.sha256()
    if int(file.attrs.get("hash_version", 1)) >= HASH_VERSION:
        digest.update(meaning(file.attrs).encode())
    for variable in sorted(layout, key=lambda v: v.name):
        if variable.name not in file:
            continue
        dataset = file[variable.name]
        head = (variable.name, variable.dtype, variable.dims, tuple(dataset.shape))
        digest.update(repr(head).encode())
        for block in rows(dataset):
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


def write_table(file: h5py.File, layout: tuple[Variable, ...], columns: dict[str, Any]) -> None:
    """Write the variables of a layout for which there are values."""
    for variable in layout:
        if variable.name in columns:
            data = columns[variable.name]
            create_variable(file, variable, np.shape(data), data)


def fill_file(
    file: h5py.File,
    kind: str,
    attributes: Mapping[str, Any],
    layout: tuple[Variable, ...],
    columns: dict[str, Any],
    labels: Mapping[str, Any],
    hashed: tuple[Variable, ...] | None = None,
) -> None:
    """Fill an empty file at once: root attributes, variables, coordinates and content hash.

    Args:
        kind: Its format.
        attributes: What else is said of it.
        layout: Its variables.
        columns: Values of them.
        labels: Values of coordinates besides those that all files have.
        hashed: Variables that count in the content hash; None for all.
    """
    write_header(file, kind, attributes)
    write_table(file, layout, columns)
    attach_dimensions(file, layout, {**COORDINATES, **labels})
    file.attrs["content_hash"] = content_hash(file, layout if hashed is None else hashed)
