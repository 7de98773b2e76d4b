"""OpenStreetMap XML: nodes, ways and multipolygons as elements.

Read with expat directly: a city has millions of nodes. Document type
declarations, and with them entities, are refused.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import Element, MapData, Notes, Progress, check_source, silent
from rtwin.scene.build.tags import is_area, is_wanted
from rtwin.scene.georeference import WGS84

CHUNK_BYTES = 2**22
LICENCE = "ODbL-1.0 (c) OpenStreetMap contributors"


@dataclass
class OsmContent:
    """Nodes, ways and relations as they stand in a file."""

    row: dict[int, int] = field(default_factory=dict)  # node id -> row of lon_lat
    lon_lat: list[tuple[float, float]] = field(default_factory=list)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(
        default_factory=dict
    )
    bounds: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add_node(self, number: int, lon: float, lat: float, tags: dict[str, str]) -> None:
        """Keep a node; one outside of the Earth counts as missing."""
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            return
        if number not in self.row:
            self.row[number] = len(self.lon_lat)
            self.lon_lat.append((lon, lat))
        if tags:
            self.node_tags[number] = tags


def read_osm(path: Path, progress: Progress = silent) -> MapData:
    """The content of an OpenStreetMap XML file.

    Args:
        path: The .osm file.
        progress: Called with stage ("read"), steps done and in all.
    Raises:
        GeometryError: if the file is missing, no OSM XML, broken or cut short (line named).
    """
    size = check_source(path)
    content = OsmContent()
    reader = _Reader(content)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    done = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                parser.Parse(chunk, False)
                done += len(chunk)
                progress("read", done, size)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise GeometryError(
            f"{one_line(path)}:{error.lineno}: not well-formed XML "
            f"({expat.errors.messages[error.code]}); is it cut short? download it again"
        ) from None
    except (LookupError, ValueError) as error:
        what = f"without {error}" if isinstance(error, KeyError) else f"with {one_line(error)}"
        raise GeometryError(
            f"{one_line(path)}:{parser.CurrentLineNumber}: an element {what}; "
            "download the extract again"
        ) from None
    except GeometryError as error:
        raise GeometryError(f"{one_line(path)}: {error}") from None
    return osm_map(content, str(path.name))


class _Reader:
    """What expat calls: it fills an OsmContent."""

    def __init__(self, content: OsmContent) -> None:
        self._content = content
        self._is_osm = False
        self._tags: dict[str, str] = {}
        self._refs: list[int] = []
        self._members: list[tuple[str, int, str]] = []
        self._place = (0, 0.0, 0.0)
        self._gone = False

    def doctype(self, *_: Any) -> None:
        raise GeometryError("declares a document type, which is not allowed; remove it")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._is_osm:
            if name != "osm":
                raise GeometryError(f"starts with <{one_line(name)[:40]}>, not <osm>: no OSM XML")
            self._is_osm = True
        elif name == "nd":
            self._refs.append(int(attributes["ref"]))
        elif name == "tag":
            self._tags[attributes["k"]] = attributes["v"]
        elif name == "node":
            lon, lat = attributes.get("lon", "nan"), attributes.get("lat", "nan")
            self._place = (int(attributes["id"]), float(lon), float(lat))
            self._begin(attributes)
        elif name in ("way", "relation"):
            self._place = (int(attributes["id"]), 0.0, 0.0)
            self._begin(attributes)
        elif name == "member":
            kind, ref = attributes["type"], int(attributes["ref"])
            self._members.append((kind, ref, attributes.get("role", "")))
        elif name == "bounds":
            low = float(attributes["minlon"]), float(attributes["minlat"])
            self._content.bounds.append(
                (*low, float(attributes["maxlon"]), float(attributes["maxlat"]))
            )

    def _begin(self, attributes: dict[str, str]) -> None:
        self._tags, self._refs, self._members = {}, [], []
        # Editors mark what they will delete; history extracts hold what was.
        self._gone = (
            attributes.get("action") == "delete" or attributes.get("visible", "true") == "false"
        )

    def end(self, name: str) -> None:
        if self._gone:
            return
        number, lon, lat = self._place
        if name == "node":
            self._content.add_node(number, lon, lat, self._tags)
        elif name == "way":
            self._content.ways[number] = (self._refs, self._tags)
        elif name == "relation":
            self._content.relations[number] = (self._members, self._tags)


def osm_map(content: OsmContent, source: str) -> MapData:
    """Ways, trees and multipolygons of the content as elements."""
    places = np.array(content.lon_lat, np.float64).reshape(-1, 2)
    notes: Notes = Counter()
    used: set[int] = set()
    elements = []
    for number, (members, tags) in content.relations.items():
        if tags.get("type") not in ("multipolygon", "building"):
            continue
        made = _multipolygon(content, places, number, members, tags, used, notes)
        if made is not None:
            elements.append(made)
    for number, (refs, tags) in content.ways.items():
        if number not in used and is_wanted(tags):
            made = _way(content, places, number, refs, tags, notes)
            if made is not None:
                elements.append(made)
    for number, tags in content.node_tags.items():
        if tags.get("natural") == "tree" and number in content.row:
            elements.append(_tree(number, tags, places[content.row[number]]))
    bounds = _bounds(content.bounds)
    return MapData(source, WGS84, elements, bounds=bounds, licence=LICENCE, notes=notes)


def _tree(number: int, tags: dict[str, str], place: NDArray[np.float64]) -> Element:
    import shapely

    return Element(f"node_{number}", tags, shapely.Point(place))


def _bounds(
    bounds: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float] | None:
    if not bounds or not np.isfinite(bounds).all():
        return None
    low, high = np.min(bounds, axis=0), np.max(bounds, axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def _way(
    content: OsmContent,
    places: NDArray[np.float64],
    number: int,
    refs: list[int],
    tags: dict[str, str],
    notes: Notes,
) -> Element | None:
    import shapely

    rows = [content.row[ref] for ref in refs if ref in content.row]
    area = is_area(tags, closed=len(refs) > 3 and refs[0] == refs[-1])
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
        return Element(f"way_{number}", tags, shapely.Polygon(points))
    if len(rows) < 2:
        return None
    return Element(f"way_{number}", tags, shapely.LineString(points))


def _multipolygon(
    content: OsmContent,
    places: NDArray[np.float64],
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
    holes, _ = _rings(content, inner)
    if broken:
        notes["multipolygons with open rings or missing members, closed parts kept"] += 1
    if not rings:
        return None
    used.update(outer)
    outline = _union(places, rings)
    if holes:
        outline = outline.difference(_union(places, holes))
    if shapely.is_empty(outline):
        return None
    return Element(f"relation_{number}", tags, outline)


def _union(places: NDArray[np.float64], rings: list[list[int]]) -> Any:
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
    # Ends that meet are found by their node: long coastlines have thousands of members.
    ends: dict[int, set[int]] = {}
    for i, line in enumerate(open_lines):
        for end in (line[0], line[-1]):
            ends.setdefault(end, set()).add(i)
    left = set(range(len(open_lines)))
    while left:
        i = left.pop()
        ring = list(open_lines[i])
        while ring[0] != ring[-1]:
            following = next((k for k in ends[ring[-1]] if k in left), None)
            if following is None:
                break
            left.remove(following)
            line = open_lines[following]
            ring += line[1:] if line[0] == ring[-1] else line[-2::-1]
        if ring[0] == ring[-1] and len(ring) > 3:
            rings.append(ring)
        else:
            broken = True
    return [ring for ring in rings if len(ring) > 3], broken
