"""A file that HDF5 can be given on a disk that may run full."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _Sink:
    """An open file for h5py's driver of Python files; writes never fail for HDF5.

    HDF5 may crash the process when a write fails under it, at the latest when it closes the file.
    So the first error is kept, and what comes after it goes nowhere.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115 (closed by close)
        self.error: OSError | None = None

    def close(self) -> None:
        self._file.close()

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        start = 0
        while start < len(view) and self.error is None:
            try:
                start += self._file.write(view[start:])
            except OSError as error:
                self.error = error
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """By this h5py knows files."""
        return self._file.read(size) or b""

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        read = self._file.readinto(view) or 0
        view[read:] = bytes(len(view) - read)  # what could not be written
        return len(view)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int) -> int:
        if self.error is None:
            try:
                self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def hdf5_sink(path: Path) -> Iterator[_Sink]:
    """A new file to be written by HDF5, which never learns that the disk is full.

    Raises:
        OSError: at the end, the first error of writing.
    Checked by tests/export/analysis/test_labelled.py.
    """
    sink = _Sink(path)
    try:
        yield sink
    except Exception:
        # What HDF5 says of a file that is not what it wrote is not the reason.
        if sink.error is None:
            raise
    finally:
        sink.close()
    if sink.error is not None:
        raise sink.error
