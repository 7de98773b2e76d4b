"""Arrays in a page: one compressed block of little-endian numbers, and a list of what is where."""

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# What JavaScript has typed arrays for.
TYPES = ("u1", "i2", "u2", "i4", "u4", "f4")
_ALIGNMENT = 4


class Buffers:
    """Collects named arrays for a page."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.entries: list[dict[str, Any]] = []

    def add(self, name: str, kind: str, values: ArrayLike) -> None:
        """Put an array in.

        Args:
            name: What the page asks for.
            kind: One of TYPES.
            values: Numbers that the type can hold.
        Raises:
            OverflowError: if a whole number does not fit, which is a mistake of the caller.
        """
        given = np.asarray(values)
        array = np.ascontiguousarray(given, f"<{kind}" if kind != "u1" else "u1")
        if kind[0] != "f" and not np.array_equal(array, given):
            raise OverflowError(f"{name} does not fit into {kind}")
        data = array.tobytes()
        padding = bytes(-len(data) % _ALIGNMENT)
        self.entries.append(
            {"name": name, "type": kind, "shape": list(array.shape), "offset": self._size}
        )
        self._parts += [data, padding]
        self._size += len(data) + len(padding)

    def encode(self) -> str:
        """All arrays as base64 of a zlib stream."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 6)).decode("ascii")


def decode(text: str, entries: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """The arrays of a page by name: what its script sees."""
    data = zlib.decompress(base64.b64decode(text))
    arrays = {}
    for entry in entries:
        count = int(np.prod(entry["shape"], dtype=np.int64))
        flat = np.frombuffer(data, f"<{entry['type']}", count, entry["offset"])
        arrays[entry["name"]] = flat.reshape(entry["shape"])
    return arrays
