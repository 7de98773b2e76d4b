"""Rows of large variables, unpacked and packed by all processors.

HDF5 does one thing at a time, and most of it is zlib's. Here it only moves packed chunks
from and to the disk; threads do what its filters would: shuffle, then deflate.
"""

import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.store.contents import COMPRESSION, blocks

_AHEAD = 4  # chunks under way for each thread: memory stays bounded


class ChunkThreads:
    """Threads that unpack and pack the chunks of variables made by create_variable."""

    def __init__(self) -> None:
        self._num = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._num)

    def __enter__(self) -> "ChunkThreads":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def rows(self, dataset: h5py.Dataset) -> Iterator[NDArray[Any]]:
        """All rows of a variable, some at a time."""
        if not _has_row_chunks(dataset):
            yield from blocks(dataset)
            return
        # The threads ask HDF5 nothing: even properties, asked beside a read, make it fail.
        shape, dtype, total = dataset.chunks, dataset.dtype, dataset.shape[0]
        waiting: deque[Future[NDArray[Any]]] = deque()
        for start in range(0, total, shape[0]):
            _, packed = dataset.id.read_direct_chunk((start, *_zeros(dataset)))
            count = min(shape[0], total - start)
            waiting.append(self._pool.submit(_unpacked, packed, dtype, shape, count))
            if len(waiting) > _AHEAD * self._num:
                yield waiting.popleft().result()
        yield from (found.result() for found in waiting)

    def copied(self, dataset: h5py.Dataset, rows: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """The rows, as they come, which are a variable's new values from its beginning."""
        if not _has_row_chunks(dataset):
            start = 0
            for block in rows:
                dataset[start : start + len(block)] = block
                start += len(block)
                yield block
            return
        waiting: deque[tuple[int, Future[bytes]]] = deque()

        def put(most: int) -> None:
            while len(waiting) > most:
                start, packed = waiting.popleft()
                dataset.id.write_direct_chunk((start, *_zeros(dataset)), packed.result())

        start, filled = 0, 0
        chunk = np.zeros(dataset.chunks, dataset.dtype)
        for block in rows:
            yield block
            done = 0
            while done < len(block):
                count = min(len(chunk) - filled, len(block) - done)
                chunk[filled : filled + count] = block[done : done + count]
                filled, done = filled + count, done + count
                if filled == len(chunk):
                    waiting.append((start, self._pool.submit(_packed, chunk)))
                    put(_AHEAD * self._num)
                    start, filled = start + len(chunk), 0
                    chunk = np.zeros(dataset.chunks, dataset.dtype)
        if filled:
            waiting.append((start, self._pool.submit(_packed, chunk)))
        put(0)


def _unpacked(
    packed: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], count: int
) -> NDArray[Any]:
    data = np.frombuffer(zlib.decompress(packed), np.uint8)
    whole = np.ascontiguousarray(data.reshape(dtype.itemsize, -1).T)
    return whole.view(dtype).reshape(shape)[:count]


def _packed(chunk: NDArray[Any]) -> bytes:
    shuffled = chunk.reshape(-1).view(np.uint8).reshape(-1, chunk.dtype.itemsize).T
    return zlib.compress(np.ascontiguousarray(shuffled).data, COMPRESSION["compression_opts"])


def _has_row_chunks(dataset: h5py.Dataset) -> bool:
    """Whether chunks are whole rows under the filters of create_variable, and those alone."""
    return bool(
        dataset.chunks
        and dataset.chunks[1:] == dataset.shape[1:]
        and dataset.compression == COMPRESSION["compression"]
        and dataset.shuffle
        and not dataset.fletcher32
        and dataset.scaleoffset is None
    )


def _zeros(dataset: h5py.Dataset) -> tuple[int, ...]:
    return (0,) * (len(dataset.shape) - 1)
