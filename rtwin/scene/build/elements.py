"""What every map format is read into: elements with tags and a geometry, solids, terrain."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Notes = Counter[str]
MAX_SOURCE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Element:
    """A polygon, line or point of a map with its tags.

    `base_m` and `top_m` are absolute heights where the source has them; else
    the heights come from the tags.
    """

    name: str
    tags: dict[str, str]
    geometry: "BaseGeometry"  # x, y in the map's own system
    base_m: float | None = None
    top_m: float | None = None


@dataclass(frozen=True)
class Solid:
    """A ready-made mesh of one thing, absolute heights."""

    name: str
    tags: dict[str, str]
    vertices: NDArray[np.float64]  # [vertex, 3] m
    faces: NDArray[np.int64]  # [face, 3]
    material: str | None = None  # where the source says it


@dataclass(frozen=True)
class MapData:
    """The content of one source, in one reference system."""

    source: str
    epsg: int | None  # 4326: longitude, latitude; None: metres without a place on Earth
    elements: list[Element] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    terrain: list[Solid] = field(default_factory=list)
    bounds: tuple[float, float, float, float] | None = None  # what the extract claims to cover
    licence: str = ""
    notes: Notes = field(default_factory=Counter)  # what was left out or mended, and how often


def read_source_bytes(path: Path, most: int = MAX_SOURCE_BYTES) -> bytes:
    """The bytes of a source file.

    Raises:
        GeometryError: if it is missing, empty, too large or unreadable.
    """
    check_source(path, most)
    try:
        return path.read_bytes()
    except OSError as error:
        raise GeometryError(f"{one_line(path)}: cannot be read ({error.strerror})") from None


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
