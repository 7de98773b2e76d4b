"""What a page is made from: which file is what, and where the scene of a file is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtwin.dataset.inspection import is_hdf5, open_checked, snapshot_files
from rtwin.dataset.reading import OF_EDITED, world_of
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT
from rtwin.errors import GeometryError, OutOfRangeError, StoreError
from rtwin.scene import Recipe, load_recipe, recipe_dict, recipe_files, recipe_from_dict
from rtwin.trace import World, load_world

_KINDS = {PATHS_FORMAT: "dataset of paths", MAP_FORMAT: "radio map"}
_SCENE = "scene"


@dataclass(frozen=True)
class Sources:
    """The files of a page and the scene that they are of."""

    paths: Path | None
    radio_map: Path | None
    recipe: Recipe
    world: World | None  # None where the scene is not at hand
    remarks: tuple[str, ...]  # what cannot be drawn, and why
    file_remarks: tuple[str, ...] = ()  # what the files say of themselves


def find_sources(files: Sequence[str | Path], scene: str | Path | None = None) -> Sources:
    """Sort files by what they are and load their scene.

    Args:
        files: A dataset of paths, a radio map or a twin, both, or a scene alone.
        scene: The scene of the files, where it is not found from them.
    Returns:
        The files and the scene. A scene that cannot be found leaves the world
        empty, with a remark.
    Raises:
        OutOfRangeError: if there are two of a kind, or none at all.
        StoreError: if a file cannot be read, the files are of different
            scenes, or not of the scene that was named.
        RecipeError, GeometryError: if the scene that was named cannot be loaded.
    """
    found: dict[str, str | Path] = {} if scene is None else {_SCENE: scene}
    for given in files:
        # Of a twin, its newest map.
        snapshots = snapshot_files(Path(given)) if Path(given).is_dir() else []
        file = snapshots[-1] if snapshots else given
        kind = _kind(file)
        if kind in found:
            raise OutOfRangeError(
                f"{found[kind]} and {file}: each is a {kind}; a page shows one of a kind"
            )
        found[kind] = file
    paths, radio_map = (Path(found[k]) if k in found else None for k in _KINDS.values())
    headers = [_header(file) for file in (paths, radio_map) if file is not None]
    if not headers:
        if _SCENE not in found:
            raise OutOfRangeError("no file is given; give a dataset, a radio map or a scene")
        recipe = load_recipe(found[_SCENE])
        return Sources(None, None, recipe, load_world(recipe), ())
    header = headers[0]
    if any(other["geometry_hash"] != header["geometry_hash"] for other in headers):
        raise StoreError(f"{paths} and {radio_map} are of different scenes; give files of one")
    world, remarks = (
        (_named_world(found[_SCENE], header), ()) if _SCENE in found else _found_world(header)
    )
    said = dict.fromkeys(remark for other in headers for remark in other["remarks"])
    return Sources(paths, radio_map, header["recipe"], world, remarks, tuple(said))


def _kind(file: str | Path) -> str:
    path = Path(file)
    if not is_hdf5(path) and path.suffix.lower() not in (".h5", ".hdf5", ".nc"):
        return _SCENE
    with open_checked(path) as h5:
        found = str(h5.attrs["format"])
    if found not in _KINDS:
        raise StoreError(f"{file}: holds {found}; a page shows {' or '.join(_KINDS)}")
    return _KINDS[found]


def _header(file: Path) -> dict[str, Any]:
    with open_checked(file) as h5:
        try:
            recipe = recipe_from_dict(
                json.loads(h5.attrs["recipe"]), str(h5.attrs["scene"]), where=str(file)
            )
            geometry_hash = str(h5.attrs["geometry_hash"])
            remarks = [str(remark) for remark in json.loads(h5.attrs.get("remarks", "[]"))]
            edited = {name: json.loads(h5.attrs[name]) for name in OF_EDITED if name in h5.attrs}
        except (KeyError, TypeError, json.JSONDecodeError, RecursionError) as error:
            raise StoreError(
                f"{file}: does not say which scene it is of; generate it again"
            ) from error
    return {
        "file": file,
        "recipe": recipe,
        "geometry_hash": geometry_hash,
        "remarks": remarks,
        "edited": edited,
    }


def _named_world(scene: str | Path, header: dict[str, Any]) -> World:
    """The world of the scene that was named; materials and devices are those of the file."""
    world = _world(header, load_recipe(scene).folder)
    if world.geometry_hash != header["geometry_hash"]:
        raise StoreError(
            f"{header['file']}: was traced in another geometry than {str(scene)!r} has now; "
            "give the scene that it was traced from"
        )
    return world


def _found_world(header: dict[str, Any]) -> tuple[World | None, tuple[str, ...]]:
    """The world of a file whose scene was not named: from the file, or from a folder near by."""
    recipe, folders = header["recipe"], [Path()]
    reason = "is another one now; write the file again, of a twin with `rtwin twin TWIN --at -1`"
    if recipe_files(recipe):
        beside, name = header["file"].parent, recipe.name
        folders += [beside]
        if Path(name).name == name:  # a name from a file does not lead elsewhere
            folders += [Path("scenes", name), Path(name), beside / name, beside / "scenes" / name]
        reason = (
            "is in files that are not here, or that have changed since; name its recipe with "
            "--scene"
        )
    for folder in folders:
        try:
            world = _world(header, folder)
        except GeometryError:
            continue
        if world.geometry_hash == header["geometry_hash"]:
            return world, ()
    return None, (f"Scene: not drawn, because the geometry of {recipe.name!r} {reason}.",)


def _world(header: dict[str, Any], folder: Path) -> World:
    """The world of a file, whose scene's own files are in a folder."""
    recipe = header["recipe"]
    return world_of(header["edited"], recipe_from_dict(recipe_dict(recipe), recipe.name, folder))
