"""A scene folder: recipe, meshes, ways and report; it appears whole or not at all."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import GeometryError, RecipeError, StoreError
from rtwin.files import replace_folder, temporary_beside
from rtwin.scene._model import INFINITE, one_line
from rtwin.scene.build.built import BuiltObject
from rtwin.scene.build.elements import Element
from rtwin.scene.build.objects import BuiltScene
from rtwin.scene.build.writing.deploy import Deployment
from rtwin.scene.build.writing.report import REPORT
from rtwin.scene.foliage import VEGETATION
from rtwin.scene.georeference import Georeference
from rtwin.scene.materials import FRESH_WATER, HALF_SPACES, ITU_TABLE

RECIPE, WAYS, MESHES = "scene.toml", "ways.geojson", "meshes"
_GROUND_KINDS = ("ground", "water")


@dataclass(frozen=True)
class Header:
    """What the top of the recipe says."""

    title: str
    source: str
    licence: str
    frequency_hz: float


def check_target(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that holds something else.

    Raises:
        StoreError: if the folder is in use, or no folder can be made there.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; give the name of a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise StoreError(f"{folder}: is not empty; give another name, or --overwrite to replace it")
    if not (folder / REPORT).is_file():
        raise StoreError(
            f"{folder}: is not empty and was not made by `rtwin scene build`; give another name"
        )


def write_scene(
    folder: Path,
    header: Header,
    scene: BuiltScene,
    deployment: Deployment,
    reference: Georeference | None,
    report: dict[str, Any],
) -> None:
    """Write a scene folder.

    Files that somebody put beside those of an earlier build stay.

    Raises:
        StoreError: if the folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = temporary_beside(folder)
        made.mkdir()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        files = [RECIPE, REPORT]
        for item in scene.objects:
            if item.is_mesh:
                (made / MESHES).mkdir(exist_ok=True)
                write_ply(made / MESHES / f"{item.name}.ply", item.vertices, item.faces)
                files.append(f"{MESHES}/{item.name}.ply")
        if scene.ways and reference is not None:
            (made / WAYS).write_text(_ways(scene.ways, reference), encoding="utf-8")
            files.append(WAYS)
        (made / RECIPE).write_text(
            recipe_text(header, scene, deployment, reference), encoding="utf-8"
        )
        text = json.dumps(report | {"files": sorted(files)}, indent=2)
        (made / REPORT).write_text(text + "\n", encoding="utf-8")
        _check_readable(made)
        _put(made, folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check_readable(made: Path) -> None:
    """Refuse a scene that rtwin itself would refuse, before it takes its place.

    Raises:
        GeometryError: with the reason; what the source holds cannot be a scene.
    """
    from rtwin.scene.library import load_recipe
    from rtwin.scene.meshes import mesh_arrays

    try:
        mesh_arrays(load_recipe(made))
    except (RecipeError, GeometryError) as error:
        reason = str(error).replace(f"{made}/", "").replace(made.name, made.name.split("-")[0])
        raise GeometryError(
            f"what the sources hold makes no scene ({reason}); check their coordinates and units"
        ) from None


def _put(made: Path, folder: Path) -> None:
    """Put a finished folder in place of an earlier one."""
    if not folder.exists() or not any(folder.iterdir()):
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
        return
    try:
        own = set(json.loads((folder / REPORT).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        own = {RECIPE, REPORT, WAYS}
    replace_folder(made, folder, own.__contains__)


def write_ply(path: Path, vertices: Any, faces: Any) -> None:
    """A mesh as binary PLY in single precision; written at once, faster than a library would."""
    head = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("corner", "<i4", (3,))])
    rows["count"], rows["corner"] = 3, faces
    path.write_bytes(head.encode() + np.asarray(vertices, "<f4").tobytes() + rows.tobytes())


def _ways(ways: list[Element], reference: Georeference) -> str:
    """Streets and paths as GeoJSON, in longitude and latitude as its standard asks."""
    import shapely

    features = []
    for way in ways:
        for line in shapely.get_parts(way.geometry):
            if line.geom_type != "LineString":
                continue
            xy = shapely.get_coordinates(line)
            place = reference.to_geographic(np.column_stack([xy, np.zeros(len(xy))]))
            features.append(
                {
                    "type": "Feature",
                    "id": way.name,
                    "properties": {k: way.tags[k] for k in _WAY_KEYS if k in way.tags},
                    "geometry": {
                        "type": "LineString",
                        "coordinates": np.round(place[:, 1::-1], 8).tolist(),
                    },
                }
            )
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


_WAY_KEYS = (
    "highway",
    "name",
    "foot",
    "bicycle",
    "surface",
    "width",
    "maxspeed",
    "oneway",
    "bridge",
    "tunnel",
    "layer",
    "area",
)


def recipe_text(
    header: Header, scene: BuiltScene, deployment: Deployment, reference: Georeference | None
) -> str:
    """The recipe of a scene as TOML: what people edit comes first."""
    ground = [item.name for item in scene.objects if item.kind in _GROUND_KINDS]
    lines = [
        f"title = {quoted(header.title)}",
        f"source = {quoted(header.source)}",
        f"licence = {quoted(header.licence)}" if header.licence else "",
        f"frequency_hz = {header.frequency_hz:.10g}".replace("e+", "e"),
        "",
    ]
    if reference is not None:
        lines += ["# x, y, z = easting, northing, height minus the origin.", "[georeference]"]
        lines += [f"{key} = {value!r}" for key, value in reference.model_dump().items()]
        lines.append("")
    lines += _devices(deployment, reference)
    lines += _materials(scene, header.frequency_hz)
    lines += ["[geometry]", f"ground = [{', '.join(quoted(name) for name in ground)}]", ""]
    for item in sorted(scene.objects, key=lambda o: _ORDER[o.kind]):
        lines += _object(item)
    return "\n".join(line for line in lines if line is not None)


_ORDER = {"ground": 0, "water": 1, "building": 2, "structure": 3, "vegetation": 4}


def _devices(d: Deployment, reference: Georeference | None) -> list[str]:
    return [
        f"# On {d.tx_on}. Move it, turn it, add others"
        + ("; { lat_deg = .., lon_deg = .., z_m = .. } is a place as well." if reference else "."),
        "[[transmitter]]",
        'name = "mast"',
        f"position_m = {list(d.tx_position_m)}",
        "",
        "# Drawn between the buildings, at street level.",
        "[receivers]",
        'kind = "random"',
        "count = 500",
        f"area = {list(d.area)}",
        "height_m = 1.5",
        "",
        "[solver]",
        "max_depth = 3",
        "diffraction = true",
        "",
        "[radio_map]",
        f"cell_size_m = {d.cell_size_m}",
        f"area = {list(d.area)}",
        "",
    ]


def _materials(scene: BuiltScene, frequency_hz: float) -> list[str]:
    """A table for each material that is not what its ITU name says at any frequency."""
    lines = []
    for name, itu in sorted({(_material_name(item), item.material) for item in scene.objects}):
        said = []
        if name != itu:
            said += [f"itu = {quoted(itu)}", f"thickness_m = {quoted(INFINITE)}"]
        if not covers(itu, frequency_hz):
            said += ['out_of_range = "clamp"  # not covered at this frequency']
        if said:
            lines += [f"[materials.{name}]", *said, ""]
    return lines


def _material_name(item: BuiltObject) -> str:
    """The object's material; ground of what walls are made of is another one, without a back."""
    on_ground = item.kind in _GROUND_KINDS and item.material not in HALF_SPACES
    return f"ground_{item.material}" if on_ground else item.material


def covers(material: str, frequency_hz: float) -> bool:
    """Whether a material's source covers a frequency."""
    ghz = frequency_hz / 1e9
    if material == VEGETATION:
        return 0.03 <= ghz <= 30.0
    if material == FRESH_WATER:
        return 0.01 <= ghz <= 1000.0
    return any(low <= ghz <= high for low, high, *_ in ITU_TABLE[material])


def _object(item: BuiltObject) -> list[str]:
    lines = [f"# {one_line(item.label)[:80]}"] if item.label else []
    lines += ["[[object]]", f'name = "{item.name}"', f'material = "{_material_name(item)}"']
    if item.is_mesh:
        return [*lines, 'shape = "mesh"', f'file = "{MESHES}/{item.name}.ply"', ""]
    rings = [np.asarray(r.coords)[:-1] for r in (item.polygon.exterior, *item.polygon.interiors)]
    lines += ['shape = "extrude"', f"footprint = {_ring(rings[0])}"]
    if len(rings) > 1:
        lines.append(f"holes = [{', '.join(_ring(ring) for ring in rings[1:])}]")
    return [
        *lines,
        f"base_m = {_number(item.base_m)}",
        f"height_m = {_number(item.top_m - item.base_m)}",
        "",
    ]


def _ring(ring: Any) -> str:
    return f"[{', '.join(f'[{_number(x)}, {_number(y)}]' for x, y in ring[:, :2])}]"


def _number(value: float) -> str:
    """A length in millimetres at most, as TOML writes a float."""
    text = f"{value:.3f}".rstrip("0")
    return ("0" if text.startswith("-0.") and not text.strip("-0.") else text.rstrip(".")) + (
        ".0" if text.endswith(".") else ""
    )


def quoted(text: str) -> str:
    """Text as a TOML string."""
    # JSON escapes are TOML escapes, but for the delete character.
    return json.dumps(one_line(text), ensure_ascii=False).replace("\x7f", " ")
