"""Finding recipes by name, folder and file, and what is wrong with unreadable ones."""

import subprocess
import sys

import pytest

import rtwin.scene
from rtwin.errors import GeometryError, RecipeError
from rtwin.scene import list_scenes, load_recipe, recipe_files, resolve_file

from ..tables import toml
from .helpers import MINIMAL, assert_one_line, recipe

TOML = toml(MINIMAL)


def test_folder_and_file(tmp_path):
    folder = tmp_path / "my_place"
    folder.mkdir()
    (folder / "scene.toml").write_text(TOML)
    (folder / "other.toml").write_text(TOML)
    assert load_recipe(folder).name == "my_place"
    assert load_recipe(str(folder)).folder == folder
    assert load_recipe(folder / "scene.toml").name == "my_place"
    assert load_recipe(folder / "other.toml").name == "other"
    assert load_recipe(folder, frequency_hz=28e9).frequency_hz == 28e9


def test_current_folder_has_a_name(tmp_path, monkeypatch):
    (tmp_path / "scene.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    assert load_recipe(".").name == tmp_path.name


def test_shipped_name_wins_over_a_local_folder(tmp_path, monkeypatch):
    (tmp_path / "munich").mkdir()
    (tmp_path / "munich" / "scene.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    assert load_recipe("munich").geometry.sionna == "munich"
    assert load_recipe("./munich").title == "A plane"


@pytest.mark.parametrize(
    ("scene", "parts"),
    [
        ("munch", ("unknown scene 'munch'; did you mean 'munich'?", "`rtwin scenes`")),
        ("qqqqqq", ("unknown scene 'qqqqqq'; allowed: courtyard,",)),
        ("no/such/place", ("no recipe at 'no/such/place'",)),
        ("nothing.toml", ("no recipe at 'nothing.toml'",)),
        ("a\0b", ("unknown scene",)),
        ("a\nb", ("unknown scene",)),
        ("x" * 5000, ("unknown scene",)),
    ],
)
def test_unknown_scene(scene, parts):
    with pytest.raises(RecipeError) as caught:
        load_recipe(scene)
    assert_one_line(caught, *parts)
    assert len(str(caught.value)) < 400


def test_folder_without_recipe(tmp_path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path)
    assert_one_line(caught, "no recipe at", "scene.toml")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"title = ", "not valid TOML: Invalid value (at end of document)"),
        (b"title = 1\ntitle = 2", "not valid TOML"),
        (b'title = "\xff"', "byte 9 is not UTF-8"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"seed = " + b"9" * 5000, "not valid TOML"),
        (b"", "missing key 'title'"),
        (b"nonsense = 3", "unknown key 'nonsense'"),
    ],
)
def test_broken_file(tmp_path, content, part):
    path = tmp_path / "scene.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert_one_line(caught, str(path), part)


def test_huge_recipe_is_not_read(tmp_path):
    path = tmp_path / "scene.toml"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert_one_line(caught, "has 65 MiB")


def test_resolve_file_stays_inside(tmp_path):
    folder, outside = tmp_path / "scene", tmp_path / "outside.ply"
    folder.mkdir()
    outside.write_text("")
    (folder / "link.ply").symlink_to(outside)
    (folder / "mesh.ply").write_text("")
    assert resolve_file(folder, "mesh.ply") == (folder / "mesh.ply").resolve()
    for file, part in (
        ("link.ply", "leads out of the recipe's folder"),
        ("../outside.ply", "leads out of the recipe's folder"),
        ("absent.ply", "no file 'absent.ply'"),
    ):
        with pytest.raises(GeometryError) as caught:
            resolve_file(folder, file)
        assert_one_line(caught, part)


def test_recipe_files():
    mesh = {"name": "m", "material": "wood", "shape": "mesh", "file": "b.ply"}
    r = recipe(("object", [mesh]), ("receivers", {"kind": "csv", "file": "a.csv"}))
    assert recipe_files(r) == ["a.csv", "b.ply"]
    assert recipe_files(recipe()) == []
    assert recipe_files(recipe(("object", []), ("geometry.file", "x.xml"))) == ["x.xml"]


def test_scenes_of_an_installed_package(tmp_path, monkeypatch):
    # A wheel carries the recipes inside the package.
    package = tmp_path / "rtwin"
    (package / "_scenes" / "plane").mkdir(parents=True)
    (package / "_scenes" / "plane" / "scene.toml").write_text(TOML)
    monkeypatch.setattr(rtwin.scene.library, "__file__", str(package / "scene" / "library.py"))
    assert [s.name for s in list_scenes()] == ["plane"]


def test_import_is_light():
    code = (
        "import sys, rtwin.scene\n"
        "heavy = {'trimesh', 'shapely', 'sionna', 'mitsuba', 'drjit', 'scipy', 'tensorflow'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_sorted_and_exist():
    names = rtwin.scene.__all__
    constants = [n for n in names if n.isupper()]
    assert names == sorted(constants) + sorted(
        (n for n in names if not n.isupper()), key=lambda n: (n[0].islower(), n)
    )
    assert all(hasattr(rtwin.scene, n) for n in names)
