"""Graphs of different sizes side by side, padded with nodes that nobody hears."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import StoreError
from rtwin.horizontal.learned.network.graph import Graph
from rtwin.horizontal.learned.pairs import MAX_OBJECTS

_CELL_SIZES = (384, 1480)
_ROW_STEP = 16
LAST_BLOCK = 511


def batched(graphs: Sequence[Graph]) -> dict[str, NDArray[Any]]:
    """Arrays of a batch as the network takes them; few shapes, so that few are compiled."""
    cells = cell_size(max(len(g.rows) for g in graphs))
    objects = max(MAX_OBJECTS, *(len(g.object) for g in graphs))
    most = max(g.link.shape[1] for g in graphs)
    rows = _up(most, _ROW_STEP) if most else 0
    out: dict[str, list[NDArray[Any]]] = {}
    for g in graphs:
        n, m = len(g.rows), g.link.shape[1]
        own = np.arange(cells, dtype=np.int32)
        neighbour = np.repeat(own[:, None], g.neighbour.shape[1], axis=1)
        neighbour[:n] = g.neighbour
        block = np.full(cells, LAST_BLOCK, np.int32)
        block[:n] = g.block
        arrays = {
            "cell": _padded(g.cell, cells),
            "object": _padded(g.object, objects),
            "reflected": _padded(g.reflected, cells, objects),
            "passed": _padded(g.passed, cells, objects),
            "neighbour": neighbour,
            "block": block,
            "link": _padded(g.link, cells, rows),
            "value": _padded(g.value, rows),
            "row_mask": _padded(np.ones(m, np.float32), rows),
            "mask": _padded(np.ones(n, np.float32), cells),
            "world": g.world,
            "prior": _padded(g.prior, cells),
            "pixel": _padded(g.pixel, cells),
            "clear": _padded(g.stale[:, 3], cells),
        }
        for name, array in arrays.items():
            out.setdefault(name, []).append(array)
    return {name: np.stack(arrays) for name, arrays in out.items()}


def _padded(array: NDArray[Any], *sizes: int) -> NDArray[Any]:
    added = [(0, size - have) for size, have in zip(sizes, array.shape, strict=False)]
    return np.pad(array, added + [(0, 0)] * (array.ndim - len(sizes)))


def cell_size(count: int) -> int:
    """Number of cells, padding included, of a batch whose largest graph has `count`."""
    fitting = [size for size in _CELL_SIZES if size >= count]
    return fitting[0] if fitting else _up(count, 512)


def _up(count: int, step: int) -> int:
    return max(step, -(-count // step) * step)


def sizes_of(graph: Graph) -> dict[str, int]:
    """Numbers of features, which a network is built for."""
    return {
        "cell": graph.cell.shape[1],
        "object": graph.object.shape[1],
        "link": graph.link.shape[2],
        "world": len(graph.world),
    }


def blank(sizes: Mapping[str, int], measured: bool) -> dict[str, NDArray[Any]]:
    """A batch of one empty graph, to build a network with.

    Raises:
        StoreError: if a size is missing or impossible.
    """
    names = ("cell", "object", "link", "world")
    bad = [n for n in names if not (isinstance(sizes.get(n), int) and 0 < sizes[n] < 500)]
    if bad:
        raise StoreError(f"sizes of {', '.join(bad)} are missing or beyond 1 to 499")
    rows = _ROW_STEP if measured else 0
    shapes = {
        "cell": (4, sizes["cell"]),
        "object": (2, sizes["object"]),
        "reflected": (4, 2),
        "passed": (4, 2),
        "link": (4, rows, sizes["link"]),
        "value": (rows,),
        "row_mask": (rows,),
        "mask": (4,),
        "world": (sizes["world"],),
        "prior": (4, 3),
        "clear": (4,),
    }
    out: dict[str, NDArray[Any]] = {n: np.zeros((1, *s), np.float32) for n, s in shapes.items()}
    whole = {"neighbour": (4, 8), "block": (4,), "pixel": (4,)}
    return out | {n: np.zeros((1, *s), np.int32) for n, s in whole.items()}
