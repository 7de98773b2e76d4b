"""Arrays that are written a block of rows at a time, into npz archives and npy files."""

import zipfile
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray


class RowWriter:
    """An array of a known shape, filled from its first row to its last.

    Written as NAME.npy inside NAME.npz, or as a file of its own with the
    suffix .npy. Not one of its rows is held.
    """

    def __init__(self, file: Path, key: str, shape: tuple[int, ...], dtype: Any) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._rows = 0
        self._zip: zipfile.ZipFile | None = None
        if file.suffix == ".npz":
            self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
            info = zipfile.ZipInfo(f"{key}.npy")  # the same bytes whatever the date
            info.compress_type = zipfile.ZIP_DEFLATED
            self._stream: IO[bytes] = self._zip.open(info, "w", force_zip64=True)
        else:
            self._stream = open(file, "wb")  # noqa: SIM115 (closed by close)
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_2_0(self._stream, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._stream.close()
        if self._zip is not None:
            self._zip.close()
        assert kind is not None or self._rows == self._shape[0], (self._rows, self._shape)

    def write(self, rows: NDArray[Any]) -> None:
        """The next rows, [row, ...]."""
        assert rows.shape[1:] == self._shape[1:], (rows.shape, self._shape)
        self._rows += len(rows)
        self._stream.write(np.ascontiguousarray(rows, self._dtype).tobytes())


def write_npz(file: Path, **arrays: NDArray[Any]) -> None:
    """Small arrays into one archive, the same bytes whatever the date."""
    with zipfile.ZipFile(file, "w") as archive:
        for key, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w") as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), (2, 0))
