"""What every map format is read into: elements with tags and a geometry, solids, terrain."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rtwin.arrays import Floats, Ints

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Notes = Counter[str]
Box = tuple[float, float, float, float]  # low x, low y, high x, high y


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
    key: str = ""  # its id in the source's own words; names are made from it and may be alike


@dataclass(frozen=True)
class Solid:
    """A ready-made mesh of one thing, absolute heights."""

    name: str
    tags: dict[str, str]
    vertices: Floats  # [vertex, 3] m
    faces: Ints  # [face, 3]
    material: str | None = None  # where the source says it


@dataclass(frozen=True)
class MapData:
    """The content of one source, in one reference system."""

    source: str
    epsg: int | None  # 4326: longitude, latitude; None: metres without a place on Earth
    elements: list[Element] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    terrain: list[Solid] = field(default_factory=list)
    bounds: Box | None = None  # what the extract claims to cover
    licence: str = ""
    notes: Notes = field(default_factory=Counter)  # what was left out or mended, and how often
    unused: Notes = field(default_factory=Counter)  # tags of what a scene has no use for
    has_feet: bool = False  # a city model: its buildings' lowest corners lie on the ground


def moved(
    source: MapData,
    place: Callable[[Floats], Floats] | None = None,
    height: Callable[[Floats], Floats] | None = None,
) -> MapData:
    """A map with all that it holds at another place or height.

    Args:
        source: The map; it stays as it is.
        place: From x, y [n, 2] to others; default: they stay.
        height: From absolute heights [n] to others; default: they stay.
    """
    import shapely

    def xy(points: Floats) -> Floats:
        return points if place is None else np.asarray(place(points), np.float64)

    def z(values: Floats) -> Floats:
        return values if height is None else np.asarray(height(values), np.float64)

    def one(value: float | None) -> float | None:
        return None if value is None else float(z(np.array([value]))[0])

    def solids(group: list[Solid]) -> list[Solid]:
        places = [np.column_stack([xy(s.vertices[:, :2]), z(s.vertices[:, 2])]) for s in group]
        return [replace(s, vertices=v) for s, v in zip(group, places, strict=True)]

    geometries = shapely.transform([e.geometry for e in source.elements], xy)
    elements = [
        replace(e, geometry=g, base_m=one(e.base_m), top_m=one(e.top_m))
        for e, g in zip(source.elements, geometries, strict=True)
    ]
    bounds = source.bounds
    if bounds is not None:
        corners = xy(np.array([[bounds[i], bounds[j]] for i in (0, 2) for j in (1, 3)]))
        bounds = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    return replace(
        source,
        elements=elements,
        solids=solids(source.solids),
        terrain=solids(source.terrain),
        bounds=bounds,
    )


def clean_name(text: object, prefix: str = "building") -> str:
    """A name for files and recipes from any text; different texts may give the same."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(text))[:60].strip("_")
    return f"{prefix}_{name}" if name[:1].isdigit() else name or prefix
