"""Which reader for which file: by its name first, by its content where names are ambiguous."""

from dataclasses import replace
from pathlib import Path

from rtwin.errors import GeometryError, OutOfRangeError
from rtwin.progress import Progress, silent
from rtwin.scene._model import one_line, shown
from rtwin.scene.build.elements import MapData, moved
from rtwin.scene.build.readers.cityjson import cityjson_map, cityjson_sequence
from rtwin.scene.build.readers.geojson import geojson_map, load_json
from rtwin.scene.build.readers.meshes import mesh_map, mitsuba_map
from rtwin.scene.build.readers.opening import check_source, chunks, suffix_of
from rtwin.scene.build.readers.openstreetmap import is_overpass, overpass_map, read_osm
from rtwin.scene.meshes import MESH_FORMATS

FORMATS = (
    "OpenStreetMap (.osm, .osm.gz, .osm.bz2, .osm.pbf, Overpass .json), GeoJSON (.geojson, .json), "
    "CityJSON (.json, .jsonl), Mitsuba (.xml) "
    f"and meshes ({', '.join('.' + f for f in MESH_FORMATS)})"
)


def read_source(
    path: Path,
    epsg: int | None = None,
    up: str = "",
    scale: float = 1.0,
    progress: Progress = silent,
) -> MapData:
    """The content of one map or mesh file.

    Args:
        path: The file.
        epsg: Reference system, where the file names none.
        up: "y" or "z" for meshes.
        scale: Metres per unit of files without a place on Earth.
        progress: Called with stage ("read"), steps done and in all.
    Raises:
        GeometryError: if the file is missing, broken or of no known format.
        OutOfRangeError: if a scale is given for a file whose units its reference system tells.
    """
    size = check_source(path)
    suffix = suffix_of(path)
    if suffix == ".pbf" or (suffix in (".osm", ".xml") and b"<osm" in _head(path)):
        if scale != 1.0:
            raise _no_scale(path, "degrees")
        if suffix == ".pbf":
            from rtwin.scene.build.readers.openstreetmap import read_pbf

            return read_pbf(path)
        return read_osm(path, progress)
    if suffix == ".osm":
        return read_osm(path, progress)
    progress("read", 0, size)
    found = _read(path, suffix, epsg, up)
    if scale != 1.0:
        if found.epsg is not None:
            raise _no_scale(path, f"EPSG:{found.epsg}")
        found = moved(found, lambda xy: xy * scale, lambda z: z * scale)
    if found.epsg is None:
        found = replace(found, epsg=epsg)
    progress("read", size, size)
    return found


def _read(path: Path, suffix: str, epsg: int | None, up: str) -> MapData:
    if suffix in (".json", ".geojson"):
        return _of_json(load_json(path), path, epsg)
    if suffix in (".jsonl", ".ndjson"):
        return cityjson_sequence(path, epsg)
    if suffix == ".xml":
        return mitsuba_map(path)
    if suffix[1:] in MESH_FORMATS:
        return mesh_map(path, up)
    raise GeometryError(f"{one_line(path)}: is of no format that is read; read are {FORMATS}")


def _of_json(data: object, path: Path, epsg: int | None) -> MapData:
    if not isinstance(data, dict):
        raise GeometryError(
            f"{one_line(path)}: is JSON, but neither GeoJSON nor CityJSON ({shown(data)[:40]})"
        )
    if data.get("type") == "CityJSON":
        return cityjson_map(data, path, epsg)
    if data.get("type") == "CityJSONFeature":
        raise GeometryError(
            f"{one_line(path)}: is one feature of a CityJSON sequence; "
            "give the whole sequence as .jsonl"
        )
    if is_overpass(data):
        return overpass_map(data, path)
    return geojson_map(data, path, epsg)


def _no_scale(path: Path, units: str) -> OutOfRangeError:
    return OutOfRangeError(
        f"{one_line(path)}: counts in {units}; units and a scale are for files without "
        "a reference system: leave them out"
    )


def _head(path: Path) -> bytes:
    return next(chunks(path, size=2000), b"")
