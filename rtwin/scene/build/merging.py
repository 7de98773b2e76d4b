"""Several maps of one reference system as one: what stands in more than one is taken once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from rtwin.scene.build.elements import Box, Element, MapData, Solid
from rtwin.scene.build.tags import height_rank


def merge(maps: list[MapData]) -> MapData:
    """Maps of one system as one; of elements with one id the first stays, with all their tags.

    A tag that only a later map has is taken over. Metres of a later map replace a height
    that is missing, makes no sense or is a number of storeys.
    """
    notes: Counter[str] = Counter()
    unused: Counter[str] = Counter()
    elements: dict[str, Element] = {}
    names: dict[str, str] = {}  # by the id in the source's own words
    for source in maps:
        notes.update(source.notes)
        unused.update(source.unused)
        for element in source.elements:
            key = element.key or element.name
            known = elements.get(names.get(key, ""))
            if known is not None and _is_same(known, element):
                notes["elements that several sources hold, merged by id"] += 1
                elements[known.name] = replace(known, tags=_merged(known.tags, element.tags))
                continue
            # Ids that are row numbers of their file, and ids that only look alike as names.
            name = _free(element.name, elements)
            names.setdefault(key, name)
            elements[name] = replace(element, name=name)
    bounds = [m.bounds for m in maps]
    solids: dict[str, Solid] = {}
    for solid in (s for m in maps for s in m.solids):
        name = _free(solid.name, solids, elements)
        solids[name] = replace(solid, name=name)
    return MapData(
        source=", ".join(m.source for m in maps),
        epsg=maps[0].epsg,
        elements=list(elements.values()),
        solids=list(solids.values()),
        terrain=[t for m in maps for t in m.terrain],
        bounds=union([b for b in bounds if b is not None]) if all(bounds) else None,
        licence="; ".join(dict.fromkeys(m.licence for m in maps if m.licence)),
        notes=notes,
        unused=unused,
        has_feet=any(m.has_feet for m in maps),
    )


def _is_same(a: Element, b: Element) -> bool:
    if not a.name.startswith("feature_"):
        return True
    return bool(a.geometry.distance(b.geometry) < 1.0)


def _free(name: str, *taken: dict[str, Any]) -> str:
    number, free = 2, name
    while any(free in names for names in taken):
        free, number = f"{name}_{number}", number + 1
    return free


_HEIGHT_KEYS = ("height", "building:height", "est_height", "building:levels", "levels")


def _merged(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """Tags of both; heights from the one that knows them better, from the first if both do."""
    if height_rank(second) > height_rank(first):
        first = {k: v for k, v in first.items() if k not in _HEIGHT_KEYS}
    else:
        second = {k: v for k, v in second.items() if k not in _HEIGHT_KEYS}
    return {**second, **first}


def union(boxes: Iterable[Any]) -> Box | None:
    """The box around boxes; None around none."""
    stack = np.array(list(boxes), np.float64).reshape(-1, 4)
    if not len(stack):
        return None
    low, high = stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
