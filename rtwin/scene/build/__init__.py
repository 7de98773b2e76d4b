"""From maps and meshes to a scene folder that can be traced.

    read (one reader per format) -> elements -> one reference system, no doubles
         -> footprints, terrain, vegetation -> objects -> deployment -> folder

Everything heavy (shapely, pyproj, trimesh, rasterio) is imported when it is used.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import OutOfRangeError, RecipeError
from rtwin.progress import Progress, count_of, silent
from rtwin.scene.build.tags import DEFAULT_HEIGHT_M, LEVEL_HEIGHT_M, HeightRule
from rtwin.scene.build.writing.report import read_report

__all__ = ["UNITS_M", "build_scene", "read_report"]

UNITS_M = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3, "in": 0.0254, "ft": 0.3048}


def build_scene(
    sources: Sequence[str | Path],
    folder: str | Path,
    *,
    terrain: str | Path | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    epsg: int | None = None,
    source_epsg: int | None = None,
    up: str = "",
    units: str = "m",
    scale: float = 1.0,
    latitude_first: bool = False,
    default_height_m: float = DEFAULT_HEIGHT_M,
    level_height_m: float = LEVEL_HEIGHT_M,
    frequency_hz: float = 3.5e9,
    title: str = "",
    overwrite: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Build a scene folder from maps or meshes.

    The folder holds scene.toml (a recipe with a first deployment), meshes/*.ply,
    ways.geojson (streets and paths, with a georeference) and build.json (what
    was built, left out and assumed).

    Args:
        sources: Files: OpenStreetMap, GeoJSON, CityJSON, Mitsuba XML, meshes. Several
            are merged; of elements with the same OpenStreetMap id, the first stays.
        folder: Where to; appears whole or not at all.
        terrain: GeoTIFF of ground heights [m].
        bbox: South, west, north, east [deg]: only what touches it is built; west above east:
            across 180 degrees.
        epsg: Projected system of the scene; default: that of the source, else the UTM zone.
        source_epsg: Reference system of sources that name none.
        up: "y" or "z", the axis that points up in mesh files; default by format.
        units: What files without a reference system count in, of UNITS_M.
        scale: A factor besides, for models that are not drawn 1:1.
        latitude_first: The sources give latitude (or northing) before longitude; where only
            that order gives places on Earth it is seen without being told.
        default_height_m: Height of buildings of which the map says nothing [m].
        level_height_m: Height of a storey [m].
        frequency_hz: Carrier frequency in the recipe [Hz].
        title: Title in the recipe; default: the folder's name.
        overwrite: Build anew and replace what an earlier build wrote there; without it, a
            folder that the same sources and options were built into is left as it is.
        progress: Called with stage ("read", "build", "save"), steps done and in all.
    Returns:
        The report, as in build.json.
    Raises:
        GeometryError: if a source cannot be read, holds no buildings or too many.
        StoreError: if the folder is in use or cannot be written.
        OutOfRangeError: if an option is none of those above.
        MissingExtraError: if a format needs a library that is not installed.
    Checked by tests/scene/build.
    """
    from rtwin.scene.build.objects import build_objects, scene_box
    from rtwin.scene.build.place import to_scene
    from rtwin.scene.build.readers.read import read_source
    from rtwin.scene.build.shapes.ground import ground_of
    from rtwin.scene.build.shapes.terrain import read_height_grid
    from rtwin.scene.build.writing.deploy import deployment
    from rtwin.scene.build.writing.report import finished_build, request_hash, summary
    from rtwin.scene.build.writing.write import Header, check_target, write_scene

    start = time.perf_counter()
    _check_options(sources, bbox, up, default_height_m, level_height_m)
    metres = _metres_per_unit(units, scale)
    folder = Path(folder)
    files = [Path(source) for source in sources]
    options = [bbox, epsg, source_epsg, up, metres, latitude_first, default_height_m]
    request = request_hash(
        [*files, *([] if terrain is None else [Path(terrain)])],
        [*options, level_height_m, frequency_hz, title],
    )
    finished = None if overwrite else finished_build(folder, request)
    if finished is not None:
        progress("save", 1, 1)
        return finished
    check_target(folder, overwrite)
    maps = [read_source(file, source_epsg, up, metres, progress) for file in files]
    merged, reference = to_scene(maps, epsg, bbox, latitude_first)
    box = scene_box(merged)
    ground = ground_of(merged, box)
    if terrain is not None:
        if reference is None:
            raise RecipeError("terrain needs a map with a place on Earth; meshes have none")
        ground, height = read_height_grid(Path(terrain), reference, box)
        reference = reference.model_copy(update={"origin_height_m": height})
    scene = build_objects(
        merged,
        box,
        ground,
        HeightRule(default_height_m, level_height_m),
        count_of(progress, "build"),
    )
    middle = np.array([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]])
    first = deployment(scene, float(ground.height_m(middle)[0]))
    names = [file.name for file in files]
    header = Header(
        title or folder.resolve().name, ", ".join(names), merged.licence, float(frequency_hz)
    )
    progress("save", 0, 1)
    seconds = time.perf_counter() - start
    report = {**summary(scene, names, default_height_m, seconds), "request_hash": request}
    write_scene(folder, header, scene, first, reference, report)
    progress("save", 1, 1)
    return report


def _check_options(
    sources: Sequence[str | Path],
    bbox: tuple[float, float, float, float] | None,
    up: str,
    default_height_m: float,
    level_height_m: float,
) -> None:
    if not sources:
        raise OutOfRangeError("no source is given; give at least one map or mesh file")
    if up not in ("", "y", "z"):
        raise OutOfRangeError(f"up is {up!r}; it must be 'y' or 'z'")
    for name, value in (
        ("default_height_m", default_height_m),
        ("level_height_m", level_height_m),
    ):
        if not 0.5 <= value <= 1000.0:
            raise OutOfRangeError(f"{name} is {value:g}; it must be 0.5 to 1000")
    if bbox is not None:
        south, west, north, east = bbox
        degrees = -180 <= west <= 180 and -180 <= east <= 180 and west != east
        # West above east means across 180 degrees; half the Earth is a mistake.
        wide = (east - west) % 360.0 > 180.0
        if not (-90 <= south < north <= 90 and degrees) or wide:
            raise OutOfRangeError(
                f"bbox is {list(bbox)}; it must be south, west, north, east in degrees, "
                "south below north and west below east (or across 180 degrees)"
            )


def _metres_per_unit(units: str, scale: float) -> float:
    if units not in UNITS_M:
        raise OutOfRangeError(f"units is {units!r}; it must be one of {', '.join(UNITS_M)}")
    if not 1e-9 <= scale <= 1e9:
        raise OutOfRangeError(f"scale is {scale:g}; it must be 1e-9 to 1e9")
    return UNITS_M[units] * scale
