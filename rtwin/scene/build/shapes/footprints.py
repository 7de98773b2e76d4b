"""Building footprints: mended, each once, parts instead of outlines, no volume twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.scene.build.elements import Element, Notes
from rtwin.scene.build.shapes.passages import Strip, strips
from rtwin.scene.build.tags import HeightRule, heights, is_underground, kind_of

GRID_M = 1e-3
STRAIGHT_M = 0.02  # corners nearer than this to the straight line are dropped
SMALLEST_M2 = 1.0
THINNEST_M = 0.2
SAME_LEVEL_M = 0.5
SAME_SHARE = 0.85
COVERED_SHARE = 0.9
_INHERITED = ("building", "building:material", "building:facade:material", "roof:material")


@dataclass(frozen=True)
class Footprint:
    """A building or part of one: a clean polygon with the element's tags and heights.

    `base_m` and `top_m` count from the ground, or are absolute if the source had them.
    """

    name: str
    tags: dict[str, str]
    polygon: Any  # shapely.Polygon, valid, corners on a millimetre grid
    base_m: float
    top_m: float
    roof_m: float | None
    is_default: bool
    is_absolute: bool
    hangs: bool = False  # a bridge, or rooms over a passage: nothing need be under it


def polygons(geometry: Any, smallest_m2: float = SMALLEST_M2) -> list[Any]:
    """The clean polygons of any geometry: valid, without slivers, largest first."""
    import shapely

    if not geometry.is_valid:
        geometry = shapely.make_valid(_with_own_holes(geometry))
    geometry = shapely.set_precision(geometry, GRID_M)
    parts = [p for p in shapely.get_parts(geometry, return_index=False) if p.area >= smallest_m2]
    kept = []
    for part in parts:
        if part.geom_type != "Polygon":
            kept += polygons(part, smallest_m2)
            continue
        simple = shapely.simplify(part, STRAIGHT_M)
        if not simple.is_valid or simple.area < smallest_m2:
            simple = part
        if not shapely.buffer(simple, -THINNEST_M / 2).is_empty:
            kept.append(shapely.geometry.polygon.orient(simple))
    return sorted(kept, key=lambda p: -p.area)


def _with_own_holes(geometry: Any) -> Any:
    """A polygon without holes that lie elsewhere: mending would make buildings of them."""
    import shapely

    if geometry.geom_type != "Polygon" or not geometry.interiors:
        return geometry
    frame = shapely.box(*geometry.bounds)
    holes = [ring for ring in geometry.interiors if frame.intersects(ring)]
    return shapely.Polygon(geometry.exterior, holes)


def footprints(elements: Iterable[Element], rule: HeightRule, notes: Notes) -> list[Footprint]:
    """The building footprints of a map, ready to be pulled up.

    Args:
        elements: Elements in scene coordinates; what is no building is passed over.
        rule: Metres where the map gives none.
        notes: Counts what was mended or left out.
    Returns:
        Footprints whose volumes do not overlap, apart from overhangs.
    """
    outlines: list[Footprint] = []
    parts: list[Footprint] = []
    elements = list(elements)
    for element in elements:
        kind = kind_of(element.tags)
        if kind not in ("building", "part"):
            continue
        if is_underground(element.tags):
            notes["buildings below the ground left out"] += 1
            continue
        (parts if kind == "part" else outlines).extend(_clean(element, rule, notes))
    outlines, parts = _parts_first(outlines, parts, rule, notes)
    whole = cut_at_higher(_without_repeats([*outlines, *parts], notes), notes)
    return _with_passages(whole, strips(elements), notes)


def _clean(element: Element, rule: HeightRule, notes: Notes) -> list[Footprint]:
    if element.geometry.geom_type not in ("Polygon", "MultiPolygon"):
        notes["building outlines that are no areas left out"] += 1
        return []
    if not element.geometry.is_valid:
        notes["self-crossing outlines mended"] += 1
    pieces = polygons(element.geometry)
    if not pieces:
        notes["buildings under 1 m2 or thinner than 0.2 m left out"] += 1
    span: tuple[float, float, float | None, bool, bool]
    if element.base_m is not None and element.top_m is not None:
        span = (element.base_m, element.top_m, None, False, True)
    else:
        h = heights(element.tags, rule, notes)
        span = (h.base_m, h.top_m, h.roof_m, h.is_default, False)
    hangs = element.tags.get("building") == "bridge"
    return [
        Footprint(_numbered(element.name, i), element.tags, piece, *span, hangs)
        for i, piece in enumerate(pieces)
    ]


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}_{number + 1}"


def _pairs(polygons_a: list[Any], polygons_b: list[Any]) -> list[tuple[int, int]]:
    """Pairs of polygons that meet."""
    import shapely

    if not polygons_a or not polygons_b:
        return []
    found = shapely.STRtree(polygons_b).query(polygons_a, predicate="intersects")
    return [(int(a), int(b)) for a, b in found.T]


def _parts_first(
    outlines: list[Footprint], parts: list[Footprint], rule: HeightRule, notes: Notes
) -> tuple[list[Footprint], list[Footprint]]:
    """Where parts draw a building, its outline goes, or what they leave of it stays.

    A part takes what it does not say itself from its outline.
    """
    import shapely

    members: dict[int, list[int]] = {}
    parents: dict[int, int] = {}
    for i, k in _pairs([o.polygon for o in outlines], [p.polygon for p in parts]):
        shared = outlines[i].polygon.intersection(parts[k].polygon).area
        if shared > 0.5 * parts[k].polygon.area:
            members.setdefault(i, []).append(k)
            parents.setdefault(k, i)
    kept: list[Footprint] = []
    for i, outline in enumerate(outlines):
        if i not in members:
            kept.append(outline)
            continue
        # Parts that hang in the air leave the outline's ground storey open.
        union = shapely.union_all([parts[k].polygon for k in members[i]])
        rest = outline.polygon.difference(union)
        if rest.area < (1 - COVERED_SHARE) * outline.polygon.area:
            notes["outlines drawn by their parts"] += 1
            continue
        pieces = polygons(rest)
        kept += [
            replace(outline, name=_numbered(outline.name, n), polygon=piece)
            for n, piece in enumerate(pieces)
        ]
    return kept, [
        _inherited(part, outlines[parents[k]], rule) if k in parents else part
        for k, part in enumerate(parts)
    ]


def _inherited(part: Footprint, outline: Footprint, rule: HeightRule) -> Footprint:
    missing = {k: v for k, v in outline.tags.items() if k in _INHERITED and k not in part.tags}
    tags = {**missing, **part.tags}
    if not part.is_default or outline.is_default or part.is_absolute or outline.is_absolute:
        return replace(part, tags=tags)
    base = part.base_m if part.base_m < outline.top_m else 0.0
    return replace(part, tags=tags, base_m=base, top_m=outline.top_m, is_default=False)


def _without_repeats(prints: list[Footprint], notes: Notes) -> list[Footprint]:
    """Of footprints that are almost the same, the one whose height is known."""
    repeats: set[int] = set()
    for i, k in _pairs([p.polygon for p in prints], [p.polygon for p in prints]):
        if i >= k or i in repeats or k in repeats:
            continue
        a, b = prints[i], prints[k]
        shared = a.polygon.intersection(b.polygon).area
        alike = shared > SAME_SHARE * (a.polygon.area + b.polygon.area - shared)
        if alike and a.base_m < b.top_m and b.base_m < a.top_m:
            repeats.add(i if a.is_default and not b.is_default else k)
    if repeats:
        notes["repeated footprints left out"] += len(repeats)
    return [p for i, p in enumerate(prints) if i not in repeats]


def cut_at_higher(
    prints: list[Footprint], notes: Notes | None = None, least_m2: float = 1e-3
) -> list[Footprint]:
    """Footprints with what is inside a higher neighbour cut off: its walls are not seen.

    Args:
        prints: Footprints; heights of all count from one level.
        notes: Counts what was cut.
        least_m2: Overlaps below this stay.
    Returns:
        Footprints with names that differ; untouched ones keep their polygon object.
    """
    import shapely

    notes = Counter() if notes is None else notes
    cutters: dict[int, list[int]] = {}
    wide: dict[int, float] = {}
    for i, k in _pairs([p.polygon for p in prints], [p.polygon for p in prints]):
        low, high = prints[i], prints[k]
        rank = (high.top_m, high.polygon.area, k) > (low.top_m, low.polygon.area, i)
        hangs = high.base_m > low.base_m + SAME_LEVEL_M
        if i == k or not rank or hangs or high.is_absolute != low.is_absolute:
            continue
        shared = low.polygon.intersection(high.polygon).area
        if shared > least_m2:
            cutters.setdefault(i, []).append(k)
            # Maps round corners to decimetres: no mistake to be counted.
            wide[i] = wide.get(i, 0.0) + shared
    result = []
    for i, low in enumerate(prints):
        if i not in cutters:
            result.append(low)
            continue
        rest = low.polygon.difference(shapely.union_all([prints[k].polygon for k in cutters[i]]))
        pieces = polygons(rest)
        if not pieces:
            notes["buildings inside of higher ones left out"] += 1
        elif wide[i] > SMALLEST_M2:
            notes["overlapping buildings cut at the higher one"] += 1
        result += [
            replace(low, name=_numbered(low.name, n), polygon=piece)
            for n, piece in enumerate(pieces)
        ]
    return _renamed(result)


def _with_passages(prints: list[Footprint], ways: list[Strip], notes: Notes) -> list[Footprint]:
    """Footprints with the passages of ways cut through; rooms above a passage stay."""
    result = list(prints)
    for strip in ways:
        following: list[Footprint] = []
        for item in result:
            through = item.polygon.intersection(strip.area)
            is_free = item.is_absolute or item.base_m >= strip.height_m
            if is_free or through.area < SMALLEST_M2:
                following.append(item)
                continue
            notes["passages cut through buildings"] += 1
            flat = replace(item, tags=item.tags | {"roof:shape": "flat"})
            rest = polygons(item.polygon.difference(strip.area))
            following += [
                replace(flat, name=_numbered(item.name, i), polygon=p) for i, p in enumerate(rest)
            ]
            if item.top_m - strip.height_m > SAME_LEVEL_M:
                over = replace(flat, base_m=strip.height_m, hangs=True)
                following += [
                    replace(over, name=_numbered(f"{item.name}_passage", i), polygon=p)
                    for i, p in enumerate(polygons(through))
                ]
        result = following
    return result if result == prints else _renamed(result)


def _renamed(prints: list[Footprint]) -> list[Footprint]:
    """The footprints with names that differ: pieces of pieces may share one."""
    seen: Counter[str] = Counter()
    result = []
    taken = {p.name for p in prints}
    for item in prints:
        seen[item.name] += 1
        name, number = item.name, seen[item.name]
        while number > 1 and (name := f"{item.name}_{number}") in taken:
            number += 1
        taken.add(name)
        result.append(replace(item, name=name))
    return result


def total_area_m2(prints: list[Footprint]) -> float:
    """Ground covered by footprints [m2]."""
    return float(np.sum([p.polygon.area for p in prints]))
