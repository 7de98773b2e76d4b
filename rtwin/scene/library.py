"""Finding and reading recipes: shipped scenes by name, one's own by path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtwin.errors import GeometryError, RecipeError, nearest
from rtwin.scene._model import one_line, read_toml, shown
from rtwin.scene.devices import CsvReceivers, WayReceivers
from rtwin.scene.objects import MeshFile
from rtwin.scene.recipe import Recipe, recipe_from_dict, with_overrides

MAX_RECIPE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class SceneSummary:
    """One line about a shipped scene."""

    name: str
    title: str
    environment: str
    frequency_hz: float
    source: str
    licence: str


def shipped_folder(name: str) -> Path:
    """Where shipped scenes or campaigns are: inside the installed package, or beside it.

    Args:
        name: The folder's name in a checkout; the package has it as `_scenes` for
            "scenes", `_campaigns` for "calibration".
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / {"scenes": "_scenes", "calibration": "_campaigns"}[name]
    return installed if installed.is_dir() else package.parent / name


def scenes_folder() -> Path:
    """Where the shipped scenes are."""
    return shipped_folder("scenes")


def list_scenes() -> list[SceneSummary]:
    """The shipped scenes, sorted by name.

    Returns:
        One summary per scene; empty if none are installed.
    Checked by tests/scene/test_shipped.py.
    """
    return [
        SceneSummary(r.name, r.title, r.environment, r.frequency_hz, r.source, r.licence)
        for r in map(load_recipe, _shipped())
    ]


def _shipped() -> list[str]:
    return sorted(path.parent.name for path in scenes_folder().glob("*/scene.toml"))


def load_recipe(scene: str | Path, **overrides: Any) -> Recipe:
    """The recipe of a shipped scene, a folder or a TOML file.

    Args:
        scene: A shipped scene's name ("munich"), a folder with a scene.toml, or
            a .toml file. A bare name that is shipped wins over a folder of the
            same name in the working directory; write "./munich" for that one.
        overrides: Values to replace; see with_overrides.
    Returns:
        The validated, frozen recipe.
    Raises:
        RecipeError: if there is no such scene (the nearest is named) or the file
            is not a valid recipe; one line with file, key, value and what is allowed.
    Checked by tests/scene/test_library.py.
    """
    path = recipe_file(scene)
    name = path.parent.resolve().name if path.name == "scene.toml" else path.stem
    recipe = recipe_from_dict(
        read_toml(path, MAX_RECIPE_BYTES, RecipeError), name, path.parent, where=str(path)
    )
    return with_overrides(recipe, **overrides) if overrides else recipe


def recipe_file(scene: str | Path) -> Path:
    """The TOML file of a shipped scene, a folder or a TOML file.

    Raises:
        RecipeError: if there is no such scene (the nearest is named).
    """
    names = _shipped()
    if isinstance(scene, str) and scene in names:
        return scenes_folder() / scene / "scene.toml"
    path = Path(scene)
    is_folder = False
    try:
        is_folder = path.is_dir()
        if is_folder:
            path /= "scene.toml"
        if path.is_file():
            return path
    except (OSError, ValueError):
        # Names that no file system takes: too long, or with a zero byte.
        pass
    text = one_line(scene)
    if isinstance(scene, Path) or "/" in text or text.endswith(".toml") or is_folder:
        raise RecipeError(
            f"no recipe at '{one_line(path)}'; give a folder with a scene.toml, a .toml file "
            "or a shipped scene's name (`rtwin scenes` lists them)"
        )
    raise RecipeError(
        f"unknown scene {shown(text)}; {nearest(text, names)} "
        "(`rtwin scenes` lists all; a folder or a .toml file works too)"
    )


def resolve_file(folder: Path, file: str) -> Path:
    """The path of a file that a recipe names.

    Args:
        folder: The recipe's folder.
        file: A relative path, as in the recipe.
    Returns:
        The resolved path of an existing file.
    Raises:
        GeometryError: if the file is missing, or a link leads out of the folder.
    Checked by tests/scene/meshes/test_geometry.py.
    """
    root = folder.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise GeometryError(
            f"'{one_line(file)}' leads out of the recipe's folder {root}; copy the file there"
        )
    if not path.is_file():
        raise GeometryError(
            f"no file '{one_line(file)}' in the recipe's folder {root}; "
            "correct the name or put it there"
        )
    return path


def recipe_files(recipe: Recipe) -> list[str]:
    """The files that a recipe reads besides itself, sorted, as the recipe names them.

    Args:
        recipe: Any recipe.
    Returns:
        Relative paths: geometry file, meshes, receiver CSV; empty if none. Their
        contents belong into a fingerprint of the recipe.
    Checked by tests/scene/test_library.py.
    """
    files = {item.file for item in recipe.object if isinstance(item, MeshFile)}
    if recipe.geometry.file is not None:
        files.add(recipe.geometry.file)
    if isinstance(recipe.receivers, CsvReceivers | WayReceivers):
        files.add(recipe.receivers.file)
    return sorted(files)
