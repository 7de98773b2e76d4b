"""OpenStreetMap's binary format, through osmium."""

from pathlib import Path
from typing import Any

from rtwin.errors import GeometryError
from rtwin.extras import needs
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import MapData
from rtwin.scene.build.readers.openstreetmap.osm import OsmContent, osm_map


def read_pbf(path: Path) -> MapData:
    """The content of an .osm.pbf file.

    Raises:
        GeometryError: if it is missing, no PBF or cut short.
        MissingExtraError: if osmium is not installed.
    """
    with needs(f"{one_line(path)}: reading .pbf needs osmium", "'rtwin[geo]'"):
        import osmium
    content = OsmContent()
    try:
        item: Any
        for item in osmium.FileProcessor(str(path)):
            tags = dict(item.tags)
            if item.is_node():
                if item.location.valid():
                    content.add_node(item.id, item.location.lon, item.location.lat, tags)
            elif item.is_way():
                content.ways[item.id] = ([node.ref for node in item.nodes], tags)
            elif item.is_relation():
                names = {"n": "node", "w": "way", "r": "relation"}
                members = [(names[m.type], m.ref, m.role) for m in item.members]
                content.relations[item.id] = (members, tags)
    except RuntimeError as error:
        raise GeometryError(
            f"{one_line(path)}: cannot be read as PBF ({one_line(error)[:100]}); download it again"
        ) from None
    return osm_map(content, path.name)
