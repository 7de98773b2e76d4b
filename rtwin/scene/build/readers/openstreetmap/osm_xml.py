"""OpenStreetMap XML, packed or not, and with `out geom` of Overpass.

Read with expat directly: a city has millions of nodes. Document type
declarations, and with them entities, are refused.
"""

from pathlib import Path
from typing import Any
from xml.parsers import expat

from rtwin.errors import GeometryError
from rtwin.progress import Progress, silent
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import MapData
from rtwin.scene.build.readers.opening import check_source, chunks
from rtwin.scene.build.readers.openstreetmap.osm import OsmContent, osm_map


def read_osm(path: Path, progress: Progress = silent) -> MapData:
    """The content of an OpenStreetMap XML file.

    Args:
        path: The .osm file, .osm.gz or .osm.bz2.
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
    pieces = chunks(path)
    done = 0
    try:
        for chunk in pieces:
            parser.Parse(chunk, False)
            done += len(chunk)
            progress("read", min(done, size), size)
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
        where = f"{one_line(path)}: "
        raise GeometryError(f"{where}{str(error).removeprefix(where)}") from None
    return osm_map(content, str(path.name))


class _Reader:
    """What expat calls: it fills an OsmContent."""

    def __init__(self, content: OsmContent) -> None:
        self._content = content
        self._is_osm = False
        self._tags: dict[str, str] = {}
        self._refs: list[int] = []
        self._members: list[tuple[str, int, str]] = []
        self._drawn: dict[int, list[int]] = {}  # ways that a relation draws itself
        self._member = 0
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
            self._point(attributes)
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
            kind, self._member = attributes["type"], int(attributes["ref"])
            self._members.append((kind, self._member, attributes.get("role", "")))
        elif (
            name == "bounds" and not self._member and "minlon" in attributes and not self._place[0]
        ):
            low = float(attributes["minlon"]), float(attributes["minlat"])
            self._content.bounds.append(
                (*low, float(attributes["maxlon"]), float(attributes["maxlat"]))
            )

    def _point(self, attributes: dict[str, str]) -> None:
        """A node of a way, or of a relation's member; Overpass adds its place."""
        has_place = "lon" in attributes and "lat" in attributes
        place = (float(attributes["lon"]), float(attributes["lat"])) if has_place else None
        if self._member:
            # A member's node without a place lies outside of what was asked for.
            number = self._content.node_at(*place) if place else -1
            self._drawn.setdefault(self._member, []).append(number)
            return
        number = int(attributes["ref"])
        if place:
            self._content.add_node(number, *place, {})
        self._refs.append(number)

    def _begin(self, attributes: dict[str, str]) -> None:
        self._tags, self._refs, self._members, self._drawn = {}, [], [], {}
        # Editors mark what they will delete; history extracts hold what was.
        self._gone = (
            attributes.get("action") == "delete" or attributes.get("visible", "true") == "false"
        )

    def end(self, name: str) -> None:
        number, lon, lat = self._place
        if name == "member":
            self._member = 0
        if name not in ("node", "way", "relation"):
            return
        self._place = (0, 0.0, 0.0)
        if self._gone:
            return
        if name == "node":
            self._content.add_node(number, lon, lat, self._tags)
        elif name == "way":
            self._content.ways[number] = (self._refs, self._tags)
        elif name == "relation":
            self._content.relations[number] = (self._members, self._tags)
            for way, refs in self._drawn.items():
                self._content.ways.setdefault(way, (refs, {}))
