"""Opening the files of strangers: size first, packed ones unpacked within bounds."""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line

MAX_SOURCE_BYTES = 512 * 2**20
_PACKED = (".gz", ".bz2")


def suffix_of(path: Path) -> str:
    """The ending that says what a file holds, in small letters: ".osm" of "a.osm.gz"."""
    return (path.with_suffix("") if path.suffix.lower() in _PACKED else path).suffix.lower()


def _opened(path: Path, suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return cast(IO[bytes], bz2.open(path, "rb")) if suffix == ".bz2" else path.open("rb")


def chunks(path: Path, most: int = MAX_SOURCE_BYTES, size: int = 2**22) -> Iterator[bytes]:
    """The content of a source file piece by piece, unpacked where it is packed (.gz, .bz2).

    Raises:
        GeometryError: if it is missing, empty, damaged, or holds more than `most` bytes.
    """
    check_source(path, most)
    suffix = path.suffix.lower()
    done = 0
    try:
        with _opened(path, suffix) as file:
            while chunk := file.read(size):
                done += len(chunk)
                if done > most:
                    raise GeometryError(
                        f"{one_line(path)}: unpacks to more than {most / 2**20:.0f} MiB; "
                        "cut out the area that you need"
                    )
                yield chunk
    except (EOFError, zlib.error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise GeometryError(
            f"{one_line(path)}: cannot be read ({one_line(reason)[:80]}); download it again"
        ) from None


def read_source_bytes(path: Path, most: int = MAX_SOURCE_BYTES) -> bytes:
    """The bytes of a source file.

    Raises:
        GeometryError: if it is missing, empty, too large or unreadable.
    """
    return b"".join(chunks(path, most))


def check_source(path: Path, most: int = MAX_SOURCE_BYTES) -> int:
    """Size of a source file in bytes.

    Raises:
        GeometryError: if it is missing, empty or too large.
    """
    if not path.is_file():
        raise GeometryError(f"{one_line(path)}: no such file; give a map or mesh file")
    size = path.stat().st_size
    if size == 0:
        raise GeometryError(f"{one_line(path)}: is empty; download or export it again")
    if size > most:
        raise GeometryError(
            f"{one_line(path)}: has {size / 2**20:.0f} MiB; at most {most / 2**20:.0f} MiB "
            "are read: cut out the area that you need"
        )
    return size
