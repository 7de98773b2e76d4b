"""Maps of OpenStreetMap: as XML, as PBF, as Overpass answers."""

from rtwin.scene.build.readers.openstreetmap.osm_xml import read_osm
from rtwin.scene.build.readers.openstreetmap.overpass import is_overpass, overpass_map
from rtwin.scene.build.readers.openstreetmap.pbf import read_pbf

__all__ = [
    "is_overpass",
    "overpass_map",
    "read_osm",
    "read_pbf",
]
