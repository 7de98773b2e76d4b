"""Which reader for which file: by its name first, by its content where names are ambiguous."""

from dataclasses import replace
from pathlib import Path

from rtwin.errors import GeometryError
from rtwin.progress import Progress, silent
from rtwin.scene._model import one_line, shown
from rtwin.scene.build.cityjson import cityjson_map
from rtwin.scene.build.elements import MapData, check_source
from rtwin.scene.build.geojson import geojson_map, load_json
from rtwin.scene.build.meshes import mesh_map, mitsuba_map
from rtwin.scene.build.osm import read_osm
from rtwin.scene.geometry import MESH_FORMATS

FORMATS = (
    "OpenStreetMap (.osm, .osm.pbf), GeoJSON (.geojson, .json), CityJSON (.json), Mitsuba (.xml) "
    f"and meshes ({', '.join('.' + f for f in MESH_FORMATS)})"
)


def read_source(
    path: Path, epsg: int | None = None, up: str = "", progress: Progress = silent
) -> MapData:
    """The content of one map or mesh file.

    Args:
        path: The file.
        epsg: Reference system, where the file names none.
        up: "y" or "z" for meshes.
        progress: Called with stage ("read"), steps done and in all.
    Raises:
        GeometryError: if the file is missing, broken or of no known format.
    """
    size = check_source(path)
    suffix = path.suffix.lower()
    if suffix == ".pbf":
        from rtwin.scene.build.pbf import read_pbf

        return read_pbf(path)
    if suffix == ".osm" or (suffix == ".xml" and b"<osm" in _head(path)):
        return read_osm(path, progress)
    progress("read", 0, size)
    if suffix in (".json", ".geojson"):
        data = load_json(path)
        if isinstance(data, dict) and data.get("type") == "CityJSON":
            found = cityjson_map(data, path, epsg)
        elif isinstance(data, dict):
            found = geojson_map(data, path, epsg)
        else:
            raise GeometryError(
                f"{one_line(path)}: is JSON, but neither GeoJSON nor CityJSON ({shown(data)[:40]})"
            )
    elif suffix == ".xml":
        found = replace(mitsuba_map(path), epsg=epsg)
    elif suffix[1:] in MESH_FORMATS:
        found = replace(mesh_map(path, up), epsg=epsg)
    else:
        raise GeometryError(f"{one_line(path)}: is of no format that is read; read are {FORMATS}")
    progress("read", size, size)
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2000)
