"""Small maps for tests, written as the formats' own programs write them."""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from rtwin.scene import georeference_at

MIDDLE = georeference_at(36.0, -78.94)
Corner = tuple[float, float]


def lon_lat(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of metres east and north of the middle."""
    lat, lon, _ = MIDDLE.to_geographic([x, y, 0.0])
    return float(lon), float(lat)


def square(x: float, y: float, side: float = 10.0) -> list[Corner]:
    """An open ring: the corners of a square whose lower left one is given."""
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


class OsmFile:
    """An OpenStreetMap file in the making; coordinates in metres about the middle."""

    def __init__(self) -> None:
        self._nodes: list[str] = []
        self._rest: list[str] = []
        self._number = 0

    def node(self, x: float, y: float, **tags: str) -> int:
        self._number += 1
        lon, lat = lon_lat(x, y)
        self._nodes.append(
            f'<node id="{self._number}" lat="{lat:.9f}" lon="{lon:.9f}">{_tags(tags)}</node>'
        )
        return self._number

    def way(self, corners: list[Corner], number: int = 0, closed: bool = True, **tags: str) -> int:
        refs = [self.node(*corner) for corner in corners]
        return self.way_of(refs + refs[:1] if closed else refs, number, **tags)

    def way_of(self, refs: list[int], number: int = 0, **tags: str) -> int:
        self._number += 1
        number = number or self._number
        nodes = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        self._rest.append(f'<way id="{number}">{nodes}{_tags(tags)}</way>')
        return number

    def relation(self, members: list[tuple[int, str]], **tags: str) -> int:
        self._number += 1
        ways = "".join(f'<member type="way" ref="{r}" role="{role}"/>' for r, role in members)
        self._rest.append(f'<relation id="{self._number}">{ways}{_tags(tags)}</relation>')
        return self._number

    def text(self) -> str:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="test">\n'
            + "\n".join(self._nodes + self._rest)
            + "\n</osm>\n"
        )

    def save(self, path: Path) -> Path:
        path.write_text(self.text(), encoding="utf-8")
        return path


def _tags(tags: dict[str, str]) -> str:
    return "".join(
        f"<tag k={quoteattr(k.replace('__', ':'))} v={quoteattr(v)}/>" for k, v in tags.items()
    )


def feature(corners: list[Corner], **properties: Any) -> dict[str, Any]:
    """A GeoJSON polygon."""
    ring = [list(lon_lat(*corner)) for corner in [*corners, corners[0]]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def save_geojson(path: Path, *features: Any, **more: Any) -> Path:
    data = {"type": "FeatureCollection", "features": list(features), **more}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def campus() -> OsmFile:
    """Four houses, a wood, a pond, a tree, two streets."""
    file = OsmFile()
    file.way(
        square(-60, -40, 20), 101, building="university", building__levels="4", name="Old\tHall"
    )
    file.way(
        square(0, 0, 15),
        102,
        building="house",
        roof__shape="gabled",
        height="9",
        roof__material="metal",
    )
    file.way(square(40, 20, 12), 103, building="yes")
    outer, yard = file.way(square(-20, 40, 30)), file.way(square(-10, 50, 10))
    file.relation(
        [(outer, "outer"), (yard, "inner")], type="multipolygon", building="dormitory", height="13"
    )
    file.way(square(60, -60, 30), 104, natural="wood")
    file.way(square(-60, 60, 20), 105, natural="water", name="Pond")
    file.node(20, -20, natural="tree")
    file.way([(-80, -10), (80, -10)], 106, False, highway="footway", name="Main walk")
    file.way([(-80, 10), (-40, 10)], 107, False, highway="service")
    return file
