"""Which files make a page, and where their scene is found."""

import shutil

import h5py
import pytest

from rtwin.dataset import generate, generate_radio_map
from rtwin.errors import GeometryError, OutOfRangeError, RecipeError, StoreError
from rtwin.scene import load_recipe
from rtwin.view.sources import find_sources

from ..tables import plane_scene, toml

TETRAHEDRON = """\
v -6 -6 0
v 6 -6 0
v 0 7 0
v 0 0 9
f 1 3 2
f 1 2 4
f 2 3 4
f 3 1 4
"""
TENT = {"name": "tent", "material": "wood", "shape": "mesh", "file": "tent.obj"}
RECIPE = plane_scene(
    TENT,
    transmitter=[{"name": "mast", "position_m": [20, 0, 10]}],
    receivers={"kind": "list", "positions_m": [[-15, 10, 1.5]]},
    radio_map={"cell_size_m": 10, "rays": 10000},
)


@pytest.fixture(scope="module")
def tent(tmp_path_factory):
    """A scene with a mesh of its own, and its files in another folder."""
    folder = tmp_path_factory.mktemp("tent")
    (folder / "tent").mkdir()
    (folder / "tent" / "scene.toml").write_text(toml(RECIPE))
    (folder / "tent" / "tent.obj").write_text(TETRAHEDRON)
    generate(load_recipe(folder / "tent"), folder / "out" / "paths.h5")
    generate_radio_map(load_recipe(folder / "tent"), folder / "out" / "map.h5")
    return folder


def test_order_does_not_matter(paths_file, map_file):
    for files in ([paths_file, map_file], [str(map_file), str(paths_file)]):
        sources = find_sources(files)
        assert (sources.paths, sources.radio_map) == (paths_file, map_file)
        assert sources.world is not None
        assert sources.remarks == ()


def test_scene_alone():
    sources = find_sources(["courtyard"])
    assert (sources.paths, sources.radio_map) == (None, None)
    assert sources.recipe.name == "courtyard"


def test_two_of_a_kind(paths_file, map_file):
    with pytest.raises(OutOfRangeError, match=r"each is a dataset of paths; a page shows one"):
        find_sources([paths_file, paths_file])
    with pytest.raises(OutOfRangeError, match=r"munich and etoile: each is a scene"):
        find_sources(["etoile"], "munich")
    with pytest.raises(OutOfRangeError, match="no file is given"):
        find_sources([])


def test_files_of_two_scenes(map_file, tent):
    with pytest.raises(StoreError, match="are of different scenes; give files of one"):
        find_sources([tent / "out" / "paths.h5", map_file])


def test_what_is_no_file(tmp_path):
    with pytest.raises(StoreError, match=r"absent\.h5: no such file"):
        find_sources([tmp_path / "absent.h5"])
    with pytest.raises(RecipeError, match="unknown scene 'munch'; did you mean 'munich'"):
        find_sources(["munch"])
    letter = tmp_path / "letter.h5"
    letter.write_text("Dear reader")
    with pytest.raises(StoreError, match="not a readable HDF5 file"):
        find_sources([letter])


def test_header_without_a_scene(paths_file, tmp_path):
    broken = shutil.copy(paths_file, tmp_path / "broken.h5")
    with h5py.File(broken, "r+") as h5:
        del h5.attrs["geometry_hash"]
    with pytest.raises(StoreError, match="attribute 'geometry_hash' is missing"):
        find_sources([broken])


@pytest.mark.parametrize("place", [".", "tent", "out", "above"])
def test_scene_is_found_near_by(tent, tmp_path, monkeypatch, place):
    """From the folder that holds the scene, the scene's own, or beside the files."""
    file = tent / "out" / "paths.h5"
    if place == "above":
        (tmp_path / "scenes").mkdir()
        shutil.copytree(tent / "tent", tmp_path / "scenes" / "tent")
        monkeypatch.chdir(tmp_path)
    elif place == "out":
        (tmp_path / "data").mkdir()
        file = shutil.copy(file, tmp_path / "data" / "paths.h5")
        shutil.copytree(tent / "tent", tmp_path / "data" / "tent")
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.chdir(tent / place)
    sources = find_sources([file])
    assert sources.world is not None
    assert sources.world.object_names == ("ground", "tent")


def test_scene_that_is_not_here(tent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sources = find_sources([tent / "out" / "map.h5"])
    assert sources.world is None
    assert sources.remarks == (
        "Scene: not drawn, because the geometry of 'tent' is in files that are not here, or that "
        "have changed since; name its recipe with --scene.",
    )
    named = find_sources([tent / "out" / "map.h5"], tent / "tent")
    assert named.world is not None


def test_scene_that_has_changed(tent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tent / "tent", tmp_path / "tent")
    (tmp_path / "tent" / "tent.obj").write_text(TETRAHEDRON.replace("0 0 9", "0 0 8"))
    assert find_sources([tent / "out" / "paths.h5"]).world is None
    with pytest.raises(StoreError, match="was traced in another geometry than 'tent' has now"):
        find_sources([tent / "out" / "paths.h5"], "tent")
    (tmp_path / "tent" / "tent.obj").unlink()
    with pytest.raises(GeometryError, match=r"no file 'tent\.obj'"):
        find_sources([tent / "out" / "paths.h5"], "tent")


def test_name_of_a_scene_leads_nowhere_else(tent, tmp_path, monkeypatch):
    """A name out of a stranger's file is no way to other folders."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shutil.copytree(tent / "tent", tmp_path / "tent")
    file = tmp_path / "here" / "paths.h5"
    shutil.copy(tent / "out" / "paths.h5", file)
    with h5py.File(file, "r+") as h5:
        h5.attrs["scene"] = "../tent"
    assert find_sources([file]).world is None
