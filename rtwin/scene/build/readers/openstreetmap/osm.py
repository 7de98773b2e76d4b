"""OpenStreetMap: nodes, ways and multipolygons as elements, from whatever file they came."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.scene.build.elements import Element, MapData, Notes
from rtwin.scene.build.tags import is_area, is_wanted, kind_of, main_tag
from rtwin.scene.georeference import WGS84

LICENCE = "ODbL-1.0 (c) OpenStreetMap contributors"
_INLINE = 2**62  # numbers of nodes that a file gives by place alone start here
Place = tuple[float, float]


@dataclass
class OsmContent:
    """Nodes, ways and relations as they stand in a file."""

    row: dict[int, int] = field(default_factory=dict)  # node id -> row of lon_lat
    lon_lat: list[Place] = field(default_factory=list)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(
        default_factory=dict
    )
    bounds: list[tuple[float, float, float, float]] = field(default_factory=list)
    _inline: dict[Place, int] = field(default_factory=dict)

    def add_node(self, number: int, lon: float, lat: float, tags: dict[str, str]) -> None:
        """Keep a node; one outside of the Earth counts as missing."""
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            return
        if number not in self.row:
            self.row[number] = len(self.lon_lat)
            self.lon_lat.append((lon, lat))
        if tags:
            self.node_tags[number] = tags

    def node_at(self, lon: float, lat: float) -> int:
        """The number of a node that the file gives by its place alone (`out geom`)."""
        number = self._inline.setdefault((lon, lat), _INLINE + len(self._inline))
        self.add_node(number, lon, lat, {})
        return number


def osm_map(content: OsmContent, source: str) -> MapData:
    """Ways, trees and multipolygons of the content as elements."""
    places = np.array(content.lon_lat, np.float64).reshape(-1, 2)
    notes: Notes = Counter()
    unused: Notes = Counter()
    used: set[int] = set()
    elements = []
    for number, (members, tags) in content.relations.items():
        if tags.get("type") not in ("multipolygon", "building"):
            continue
        made = _multipolygon(content, places, number, members, tags, used, notes)
        if made is not None:
            elements.append(made)
        elif tags.get("type") == "multipolygon" and not is_wanted(tags):
            unused[main_tag(tags)] += 1
    for number, (refs, tags) in content.ways.items():
        if number in used:
            continue
        if not is_wanted(tags):
            unused[main_tag(tags)] += 1
            continue
        made = _way(content, places, number, refs, tags, notes)
        if made is not None:
            elements.append(made)
    for number, tags in content.node_tags.items():
        if number not in content.row:
            continue
        if tags.get("natural") == "tree" or kind_of(tags) == "structure":
            elements.append(_point(number, tags, places[content.row[number]]))
        else:
            unused[main_tag(tags)] += 1
    unused.pop("", None)
    return MapData(
        source,
        WGS84,
        elements,
        bounds=_bounds(content.bounds),
        licence=LICENCE,
        notes=notes,
        unused=unused,
    )


def _point(number: int, tags: dict[str, str], place: Floats) -> Element:
    import shapely

    return Element(f"node_{number}", tags, shapely.Point(place), key=f"node/{number}")


def _bounds(
    bounds: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float] | None:
    if not bounds or not np.isfinite(bounds).all():
        return None
    low, high = np.min(bounds, axis=0), np.max(bounds, axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def _way(
    content: OsmContent,
    places: Floats,
    number: int,
    refs: list[int],
    tags: dict[str, str],
    notes: Notes,
) -> Element | None:
    import shapely

    name, key = f"way_{number}", f"way/{number}"
    rows = [content.row[ref] for ref in refs if ref in content.row]
    area = is_area(tags, closed=len(refs) > 3 and refs[0] == refs[-1])
    if not refs:
        notes["ways without nodes left out (ask Overpass for `out geom`)"] += 1
        return None
    if len(rows) < len(refs) and area:
        notes["outlines with missing nodes left out"] += 1
        return None
    if len(rows) < len(refs):
        notes["lines with missing nodes shortened"] += 1
    points = places[rows]
    if area:
        # Two nodes on one place, a millimetre apart at most, close a ring as well.
        touches = len(rows) > 3 and bool((np.abs(points[0] - points[-1]) < 1e-8).all())
        if touches and rows[0] != rows[-1]:
            points = np.concatenate([points[:-1], points[:1]])
        elif len(rows) < 4 or rows[0] != rows[-1]:
            notes["outlines that are not closed left out"] += 1
            return None
        return Element(name, tags, shapely.Polygon(points), key=key)
    if len(rows) < 2:
        return None
    return Element(name, tags, shapely.LineString(points), key=key)


def _multipolygon(
    content: OsmContent,
    places: Floats,
    number: int,
    members: list[tuple[str, int, str]],
    tags: dict[str, str],
    used: set[int],
    notes: Notes,
) -> Element | None:
    import shapely

    if tags.get("type") == "building":
        return None  # its outline and parts carry the tags
    inner = [ref for kind, ref, role in members if kind == "way" and role == "inner"]
    outer = [ref for kind, ref, role in members if kind == "way" and role in ("outer", "")]
    if not is_wanted(tags):
        # In old maps the outer way carries the tags.
        carrier = next((content.ways[r][1] for r in outer if r in content.ways), {})
        if not is_wanted(carrier) or not inner or not is_area(carrier, closed=True):
            return None
        tags = {**carrier, **tags}
    if not is_area(tags, closed=True):
        return None
    rings, broken = _rings(content, outer)
    holes, lost = _rings(content, inner)
    if broken:
        notes["multipolygons with open rings or missing members, closed parts kept"] += 1
    if lost:
        notes["multipolygons whose holes are open or missing, those holes filled"] += 1
    if not rings:
        return None
    used.update(outer)
    outline = _union(places, rings)
    if holes:
        outline = outline.difference(_union(places, holes))
    if shapely.is_empty(outline):
        return None
    return Element(f"relation_{number}", tags, outline, key=f"relation/{number}")


def _union(places: Floats, rings: list[list[int]]) -> Any:
    import shapely

    return shapely.union_all(shapely.make_valid([shapely.Polygon(places[ring]) for ring in rings]))


def _rings(content: OsmContent, ways: Iterable[int]) -> tuple[list[list[int]], bool]:
    """Closed rings of node rows joined from ways end to end, and whether any stayed open."""
    broken = False
    open_lines: list[list[int]] = []
    rings = []
    for way in ways:
        refs = content.ways[way][0] if way in content.ways else []
        rows = [content.row[ref] for ref in refs if ref in content.row]
        if not refs or len(rows) < len(refs):
            broken = True
            continue
        if rows[0] == rows[-1]:
            rings.append(rows)
        else:
            open_lines.append(rows)
    # Ends that meet are found by their place: long coastlines have thousands of members.
    place = content.lon_lat
    ends: dict[Place, set[int]] = {}
    for i, line in enumerate(open_lines):
        for end in (line[0], line[-1]):
            ends.setdefault(place[end], set()).add(i)
    left = set(range(len(open_lines)))
    while left:
        i = left.pop()
        ring = list(open_lines[i])
        while place[ring[0]] != place[ring[-1]]:
            following = next((k for k in ends[place[ring[-1]]] if k in left), None)
            if following is None:
                break
            left.remove(following)
            line = open_lines[following]
            ring += line[1:] if place[line[0]] == place[ring[-1]] else line[-2::-1]
        if place[ring[0]] == place[ring[-1]] and len(ring) > 3:
            rings.append(ring)
        else:
            broken = True
    return [ring for ring in rings if len(ring) > 3], broken
