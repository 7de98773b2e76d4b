"""Paths of transmitters as variables of a snapshot, and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Ints
from rtwin.dataset.inspection import CheckedFile, open_checked
from rtwin.dataset.schema import MAP_FORMAT, TWIN_VARIABLES
from rtwin.errors import StoreError
from rtwin.scene import Recipe
from rtwin.trace import NO_TRIANGLE, SceneParts, StoredChains, TransmitterTrace

_CHAIN = {
    "chain_parent": "parent",
    "chain_length": "length",
    "chain_triangle": "triangle",
    "chain_edge": "edge",
}
_PATH = (
    "receiver",
    "chain",
    "interactions",
    "triangle",
    "edge",
    "vertex_m",
    "is_repeat",
    "a",
    "doppler_hz",
    "vegetation_loss_db",
)
_WIDE = {
    "receiver": np.int64,
    "chain": np.int64,
    "parent": np.int64,
    "length": np.int64,
    "is_repeat": np.bool_,
}


def path_columns(recipe: Recipe, traces: Sequence[tuple[str, TransmitterTrace]]) -> dict[str, Any]:
    """Values of the variables that hold the paths of some transmitters, by name of each."""
    found = [trace for _, trace in traces]
    columns: dict[str, Any] = {
        "kept_tx": [name for name, _ in traces],
        "kept_num_paths": np.array([len(trace) for trace in found], np.int64),
        "kept_num_chains": np.array([len(trace.chains) for trace in found], np.int64),
    }
    depth, ports = recipe.solver.max_depth, recipe.transmitter[0].antenna.num_ports
    shapes = {
        "interactions": (max(depth, 1),),
        "triangle": (max(depth, 1),),
        "vertex_m": (max(depth, 1), 3),
        "a": (2, ports),
    }
    dtypes = {v.name: np.dtype(v.dtype) for v in TWIN_VARIABLES if v.dtype != "str"}
    for variable, name in _CHAIN.items():
        empty = np.zeros(0, dtypes[variable])
        each = [getattr(trace.chains, name) for trace in found]
        columns[variable] = np.concatenate([empty, *each]).astype(dtypes[variable])
    for name in _PATH:
        dtype = dtypes[f"path_{name}"]
        each = [np.zeros((0, *shapes.get(name, ())), dtype), *(getattr(t, name) for t in found)]
        columns[f"path_{name}"] = np.concatenate(each).astype(dtype)
    return columns


def read_traces(
    folder: Path, names: Sequence[str], numbers: NDArray[Any], num_cells: int, parts: SceneParts
) -> tuple[TransmitterTrace, ...]:
    """The stored paths of transmitters.

    Args:
        folder: Of the twin.
        names: Of the transmitters.
        numbers: Snapshot that holds the paths of each, [tx].
        num_cells: Cells of the map.
        parts: Objects of the scene, whose triangles the paths name.
    Raises:
        StoreError: if a snapshot is missing or does not hold what it should.
    """
    num_triangles = sum(len(part.faces) for part in parts.parts)
    traces = []
    for name, number in zip(names, numbers, strict=True):
        file = folder / f"{int(number):06d}.h5"
        with open_checked(file, MAP_FORMAT) as h5:
            try:
                trace = read_trace(h5, name)
            except (KeyError, ValueError, OSError, IndexError):
                raise StoreError(
                    f"{file}: holds no whole paths of {name!r}; it is damaged"
                ) from None
        _check(file, trace, num_cells, num_triangles)
        traces.append(trace)
    return tuple(traces)


def read_trace(h5: CheckedFile | h5py.File, name: str) -> TransmitterTrace:
    """The paths of one transmitter in a file that has path_columns.

    Raises:
        KeyError, ValueError, OSError, IndexError: if they are not there whole.
    """
    row = h5["kept_tx"].asstr()[...].tolist().index(name)
    chains = _rows(h5["kept_num_chains"][...], row)
    paths = _rows(h5["kept_num_paths"][...], row)

    def read(variable: str, column: str, rows: slice) -> Any:
        data = h5[variable]
        if not 0 <= rows.start <= rows.stop <= data.shape[0]:
            raise ValueError(variable)
        values = data[rows]
        return values.astype(_WIDE[column]) if column in _WIDE else values

    return TransmitterTrace(
        StoredChains(**{column: read(v, column, chains) for v, column in _CHAIN.items()}),
        **{column: read(f"path_{column}", column, paths) for column in _PATH},
    )


def _rows(counts: Ints, row: int) -> slice:
    start = int(counts[:row].sum())
    return slice(start, start + int(counts[row]))


def _check(file: Path, trace: TransmitterTrace, num_cells: int, num_triangles: int) -> None:
    """Raise StoreError if rows point outside: numbers of strangers index nothing unchecked."""
    chains, some = trace.chains, trace.triangle[trace.triangle != NO_TRIANGLE]
    row = np.arange(len(chains))
    ok = (
        len(chains) > 0
        and ((chains.parent >= 0) | (row == 0)).all()
        and (chains.parent < np.maximum(row, 1)).all()
        and (chains.triangle < num_triangles).all()
        and (some < num_triangles).all()
        and ((trace.receiver >= 0) & (trace.receiver < num_cells)).all()
        and ((trace.chain >= -1) & (trace.chain < len(chains))).all()
        and ((trace.interactions == 0) | (trace.triangle != NO_TRIANGLE)).all()
    )
    if not ok:
        raise StoreError(f"{file}: paths point to what is not there; the file is damaged")
