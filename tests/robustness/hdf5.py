"""Damage to the structure of HDF5 files: links, kinds, types, sizes, values, attributes."""

import contextlib
import random
from pathlib import Path

import h5py
import numpy as np

# What h5py itself does not let one do to a file.
_REFUSED = (OSError, ValueError, TypeError, KeyError, RuntimeError, OverflowError)
VALUES = (np.nan, np.inf, -np.inf, -1, 0, 255, 1e30, 1e308, -1e308, 2**31 - 1, 2**63 - 1, 1e-300)
ATTRIBUTES = (
    "x",
    "",
    "{",
    "[]",
    "{}",
    '{"a": NaN}',
    "[" * 5000,
    np.nan,
    np.inf,
    -1.0,
    0,
    1e308,
    np.arange(5),
    np.zeros((3, 3)),
    "\x1b[2J",
    b"\xff\xfe",
    True,
    2**62,
    h5py.Empty("f4"),
)


def damage_structure(file: Path, rng: random.Random) -> None:
    """Change one to three things of a file."""
    with h5py.File(file, "r+") as h5:
        for _ in range(rng.choice((1, 1, 2, 3))):
            with contextlib.suppress(*_REFUSED):
                rng.choice(_CHANGES)(h5, rng, file)


def _dataset(h5: h5py.File, rng: random.Random) -> str:
    names = [name for name in h5 if isinstance(h5.get(name, getlink=True), h5py.HardLink)]
    names = [name for name in names if isinstance(h5[name], h5py.Dataset)]
    return rng.choice(names)


def _drop(h5: h5py.File, rng: random.Random, file: Path) -> None:
    del h5[_dataset(h5, rng)]


def _values(h5: h5py.File, rng: random.Random, file: Path) -> None:
    data = h5[_dataset(h5, rng)]
    if data.dtype.kind == "O" or not data.size:
        return
    value = rng.choice(VALUES)
    with np.errstate(all="ignore"):
        filled = np.full(data.shape, value).astype(data.dtype)
    if rng.random() < 0.7:
        flat = data[...].reshape(-1)
        for _ in range(rng.choice((1, 3))):
            flat[rng.randrange(flat.size)] = filled.reshape(-1)[0]
        filled = flat.reshape(data.shape)
    data[...] = filled


def _shuffled(h5: h5py.File, rng: random.Random, file: Path) -> None:
    data = h5[_dataset(h5, rng)]
    if data.size:
        data[...] = data[...].reshape(-1)[:: rng.choice((1, -1))].reshape(data.shape)


def _texts(h5: h5py.File, rng: random.Random, file: Path) -> None:
    names = [n for n in h5 if isinstance(h5[n], h5py.Dataset) and h5[n].dtype.kind == "O"]
    if names:
        data = h5[rng.choice(names)]
        if data.size:
            data[rng.randrange(data.size)] = rng.choice(
                ("", "x" * 10_000, "\x1b[31m", "é", b"\xff\xfe\xfd", "a\nb")
            )


def _replaced(h5: h5py.File, rng: random.Random, file: Path) -> None:
    name = _dataset(h5, rng)
    shape = h5[name].shape
    del h5[name]
    match rng.randrange(6):
        case 0:
            h5[name] = np.zeros(shape, rng.choice(("i1", "f4", "f8", "c16", "u8", "S3")))
        case 1:
            h5[name] = np.zeros((*shape, 2))
        case 2:
            h5[name] = np.zeros([rng.choice((0, 1, 3, 1000)) for _ in shape])
        case 3:
            h5.create_group(name)
        case 4:
            h5[name] = 7
        case _:
            h5[name] = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])


def _links(h5: h5py.File, rng: random.Random, file: Path) -> None:
    name = _dataset(h5, rng)
    shape, dtype = h5[name].shape, h5[name].dtype
    del h5[name]
    match rng.randrange(6):
        case 0:
            h5[name] = h5py.SoftLink("/" + name)
        case 1:
            h5[name] = h5py.ExternalLink("/etc/hostname", "/x")
        case 2 if dtype.kind != "O" and shape:
            size = int(np.prod(shape)) * dtype.itemsize
            h5.create_dataset(name, shape, dtype, external=[("/etc/hostname", 0, size)])
        case 3 if dtype.kind != "O" and shape:
            layout = h5py.VirtualLayout(shape, dtype)
            layout[...] = h5py.VirtualSource(str(file.with_name("no.h5")), "x", shape, dtype)
            h5.create_virtual_dataset(name, layout)
        case 4:
            group = h5.create_group(name)
            group["again"] = group
        case _:
            h5.create_dataset(name, (2**40,), "f8", chunks=(4096,))


def _attribute(h5: h5py.File, rng: random.Random, file: Path) -> None:
    owner = h5 if rng.random() < 0.8 else h5[_dataset(h5, rng)]
    if not len(owner.attrs):
        return
    name = rng.choice(list(owner.attrs))
    if name in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME") or rng.random() < 0.3:
        del owner.attrs[name]
    else:
        owner.attrs[name] = rng.choice(ATTRIBUTES)


def _recipe(h5: h5py.File, rng: random.Random, file: Path) -> None:
    """The recipe in the file, as a text or a tree that is damaged."""
    import json

    from .damage import damaged_tree

    if isinstance(h5.attrs.get("recipe"), str):
        try:
            tree = json.loads(h5.attrs["recipe"])
        except (ValueError, RecursionError):
            return
        h5.attrs["recipe"] = damaged_tree(tree, rng).decode("utf-8", "replace").replace("\0", "")


_CHANGES = (_drop, _values, _values, _values, _shuffled, _texts, _replaced, _links, _attribute)
_CHANGES = (*_CHANGES, _attribute, _recipe)
