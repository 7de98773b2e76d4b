"""The JSON of Overpass: the elements of OpenStreetMap, with or without `out geom`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import MapData
from rtwin.scene.build.readers.openstreetmap.osm import OsmContent, osm_map

_MISSING = -1  # no node has this number


def is_overpass(data: dict[str, Any]) -> bool:
    """Whether parsed JSON is an answer of Overpass."""
    return isinstance(data.get("elements"), list) and "type" not in data


def overpass_map(data: dict[str, Any], path: Path) -> MapData:
    """The elements of an answer of Overpass.

    Args:
        data: What load_json gave.
        path: Where it came from, for messages.
    Raises:
        GeometryError: if the answer says that it is incomplete.
    """
    remark = data.get("remark")
    if isinstance(remark, str) and "error" in remark.lower():
        raise GeometryError(
            f"{one_line(path)}: Overpass says {one_line(remark)[:120]!r}; ask again for less"
        )
    content = OsmContent()
    broken = 0
    for item in data["elements"]:
        try:
            _add(content, item)
        except (AttributeError, KeyError, TypeError, ValueError):
            broken += 1
    made = osm_map(content, path.name)
    if broken:
        made.notes["elements that are broken left out"] += broken
    return made


def _add(content: OsmContent, item: dict[str, Any]) -> None:
    kind, number = item["type"], int(item["id"])
    tags = {str(k): str(v) for k, v in (item.get("tags") or {}).items()}
    if kind == "node":
        content.add_node(number, float(item["lon"]), float(item["lat"]), tags)
    elif kind == "way":
        content.ways[number] = (_refs(content, item), tags)
    elif kind == "relation":
        members = []
        for member in item.get("members") or []:
            ref = int(member["ref"])
            members.append((str(member["type"]), ref, str(member.get("role", ""))))
            if member["type"] == "way" and member.get("geometry"):
                content.ways.setdefault(ref, (list(_drawn(content, member["geometry"])), {}))
        content.relations[number] = (members, tags)


def _refs(content: OsmContent, way: dict[str, Any]) -> list[int]:
    drawn = list(_drawn(content, way.get("geometry") or []))
    nodes = [int(ref) for ref in way.get("nodes") or []]
    if not drawn or len(nodes) != len(drawn):
        return nodes or drawn
    for ref, place in zip(nodes, way["geometry"], strict=True):
        if place:
            content.add_node(ref, float(place["lon"]), float(place["lat"]), {})
    return nodes


def _drawn(content: OsmContent, geometry: list[Any]) -> Iterator[int]:
    for place in geometry:
        yield (content.node_at(float(place["lon"]), float(place["lat"])) if place else _MISSING)
