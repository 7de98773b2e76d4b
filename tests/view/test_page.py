"""What stands in a page: whole, closed to the network, and deaf to what files would have it do."""

import base64
import hashlib
import json
import re
import shutil
from importlib.resources import files

import h5py
import numpy as np
import pytest

import rtwin
from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.plot.style import color_table
from rtwin.view import write_page
from rtwin.view.page import SCRIPTS

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&lt;\"'`<!--"
ASSETS = files("rtwin.view") / "assets"


def test_content(both, paths_file, map_file):
    content = both.content
    assert content["title"] == "Two boxes and a sheet"
    assert content["frequency"] == "3.5 GHz"
    assert content["files"] == ["paths.h5", "map.h5"]
    assert content["rtwin"] == rtwin.__version__
    assert [(tx["name"], tx["power_dbm"]) for tx in content["tx"]] == [("mast", 44), ("pole", 44)]
    assert content["scene"]["objects"] == ["ground", "brick_box", "metal_box", "sheet"]
    assert [one["name"] for one in content["scene"]["materials"]] == [
        "brick",
        "concrete",
        "glass",
        "metal",
    ]
    assert content["remarks"] == []
    for name in ("viridis", "cividis"):
        np.testing.assert_array_equal(both.arrays[name], color_table(name))
    with open_dataset(paths_file) as dataset:
        np.testing.assert_allclose(both.arrays["rx_position"], dataset.read("rx_position_m"))


def test_nothing_comes_from_elsewhere(both):
    outside = both.text.replace((ASSETS / "vendor" / "three.min.js").read_text(), "")
    # The one address is in three.js: the name of a namespace, which is never fetched.
    assert not re.findall(r"https?://(?!threejs\.org)[\w.]+", outside)
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']""", outside.split("<script>")[0])
    assert "default-src 'none'" in both.policy
    assert "unsafe" not in both.policy


def test_only_our_scripts_run(both):
    """The policy names the hash of each script and style, so that no other one runs."""
    found = re.findall(r"<script>(.*?)</script>", both.text, re.S)
    assert len(found) == 2
    styles = re.findall(r"<style>(.*?)</style>", both.text, re.S)
    assert len(styles) == 1
    for text in (*found, *styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in both.policy
    assert both.policy.count("sha256-") == 3
    assert not re.search(r"\son\w+\s*=|style\s*=|javascript:", both.text.split("<script>")[0])


def test_scripts_never_make_html_of_text():
    for name in SCRIPTS:
        text = (ASSETS / f"{name}.js").read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text
        ), name
        assert len(text.splitlines()) <= 400
        # These would end the block that the script stands in.
        assert "</script" not in text
        assert "<!--" not in text
    three = (ASSETS / "vendor" / "three.min.js").read_text()
    assert "</script" not in three
    assert "<!--" not in three


def test_assets_are_named_and_licensed():
    readme = (ASSETS / "README.md").read_text()
    licence = (ASSETS / "vendor" / "three.LICENSE").read_text()
    version = re.search(r"three\.js (\S+), MIT", readme)[1].replace("0.", "", 1).split(".")[0]
    assert f'"{version}"' in (ASSETS / "vendor" / "three.min.js").read_text()
    assert "The MIT License" in licence
    assert "three.js authors" in licence
    for name in SCRIPTS:
        assert f"`{name}.js`" in readme
    used = set(
        re.findall(r"\bTHREE\.(\w+)", "".join((ASSETS / f"{n}.js").read_text() for n in SCRIPTS))
    )
    exported = set(
        re.findall(
            r"\w+", re.sub(r'from "[^"]*"', "", (ASSETS / "vendor" / "three.entry.js").read_text())
        )
    )
    assert used == exported - {"export"}


def test_licence_of_three_is_in_the_page(both):
    assert (ASSETS / "vendor" / "three.LICENSE").read_text().strip() in both.text


@pytest.fixture(scope="module")
def evil_file(paths_file, tmp_path_factory):
    """A dataset whose names are HTML."""
    file = tmp_path_factory.mktemp("evil") / "evil<b>.h5"
    shutil.copy(paths_file, file)
    with h5py.File(file, "r+") as h5:
        recipe = h5.attrs["recipe"]
        for old in ("Two boxes and a sheet", "brick_box"):
            assert old in recipe
        data = json.loads(recipe)
        data["title"] = EVIL
        data["source"] = data["licence"] = EVIL + "\u202e\x07"
        h5.attrs["recipe"] = json.dumps(data)
        h5.attrs["scene"] = EVIL
        h5.attrs["geometry_hash"] = "0"
        h5["object_name"][...] = [EVIL] * len(h5["object_name"])
        h5["material_name"][...] = [EVIL] * len(h5["material_name"])
    return file


def test_names_of_strangers_stay_text(evil_file, tmp_path, both, read_page):
    page = read_page(write_page(evil_file, tmp_path / "page.html").file)
    assert page.content["title"] == EVIL
    assert page.content["objects"] == [EVIL] * 4
    assert page.content["files"] == ["evil<b>.h5"]
    assert page.content["source"] == EVIL + "  "  # neither direction marks nor bells
    # No tag more than in a page of good names.
    for tag in (r"<script\b", r"</script\b", r"<img\b", r"<b>", r"<!--"):
        assert len(re.findall(tag, page.text)) == len(re.findall(tag, both.text)), tag
    assert "&lt;/script&gt;" in re.search(r"<title>(.*?)</title>", page.text)[1]


def test_long_names_are_cut(paths_file, tmp_path, read_page):
    file = shutil.copy(paths_file, tmp_path / "long.h5")
    with h5py.File(file, "r+") as h5:
        h5["object_name"][...] = ["x" * 10_000] * 4
        h5.attrs["geometry_hash"] = "0"
    names = read_page(write_page(file, tmp_path / "page.html").file).content["objects"]
    assert [len(name) for name in names] == [300] * 4


def test_scene_alone(tmp_path, read_page):
    summary = write_page("courtyard", tmp_path / "page.html")
    page = read_page(summary.file)
    assert page.content["links"] is None
    assert page.content["map"] is None
    assert len(page.arrays["faces"]) > 10
    assert len(page.arrays["rx_position"]) == len(page.arrays["rx_row"]) > 0
    assert "Nothing is traced here" in summary.remarks[0]
    assert summary.num_bytes == summary.file.stat().st_size


def test_map_alone(map_file, tmp_path, read_page):
    page = read_page(write_page(map_file, tmp_path / "page.html").file)
    assert page.content["links"] is None
    assert "rx_position" not in page.arrays
    assert page.content["map"]["shape"] == [24, 24]


def test_same_files_same_page(paths_file, both_file, map_file, tmp_path):
    again = write_page([map_file, paths_file], tmp_path / "page.html").file
    assert again.read_bytes() == both_file.read_bytes()


def test_wrong_requests(paths_file, tmp_path):
    with pytest.raises(StoreError, match=r"page\.png: a page ends in \.html"):
        write_page(paths_file, tmp_path / "page.png")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        write_page(paths_file, tmp_path / "folder.html")
    with pytest.raises(OutOfRangeError, match="max_receivers is 0 and max_paths is 5"):
        write_page(paths_file, tmp_path / "page.html", max_receivers=0, max_paths=5)
    (tmp_path / "letter").write_text("")
    with pytest.raises(StoreError, match="letter is a file, not a folder"):
        write_page(paths_file, tmp_path / "letter" / "page.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.html", "letter"]


def test_place_without_interactions(paths_file, tmp_path):
    """Holes in the data are said, not drawn."""
    file = shutil.copy(paths_file, tmp_path / "holes.h5")
    with h5py.File(file, "r+") as h5:
        met = (h5["interactions"][...] != 0).any(axis=1)
        vertices = h5["vertex_m"][...]
        vertices[met.argmax()] = np.nan
        h5["vertex_m"][...] = vertices
    with pytest.raises(StoreError, match="holds an interaction without a place"):
        write_page(file, tmp_path / "page.html")
    assert [p.name for p in tmp_path.iterdir()] == ["holes.h5"]


def test_remarks_of_files(paths_file, tmp_path, read_page):
    file = shutil.copy(paths_file, tmp_path / "paths.h5")
    with h5py.File(file, "r+") as h5:
        h5.attrs["remarks"] = json.dumps(["no map knows the trees", "no map knows the trees"])
    summary = write_page(file, tmp_path / "page.html")
    assert read_page(summary.file).content["file_remarks"] == ["no map knows the trees"]
    assert summary.remarks == ()


def test_file_that_lacks_something(map_file, paths_file, tmp_path):
    """Broken files are one line, whatever they lack."""
    file = shutil.copy(map_file, tmp_path / "map.h5")
    with h5py.File(file, "r+") as h5:
        del h5["sinr"]
    with pytest.raises(StoreError, match="variable 'sinr' is missing"):
        write_page(file, tmp_path / "page.html")
    file = shutil.copy(map_file, tmp_path / "map.h5")
    with h5py.File(file, "r+") as h5:
        h5.attrs["height_m"] = np.nan
    with pytest.raises(StoreError, match="height_m is nan"):
        write_page(file, tmp_path / "page.html")
    assert [p.name for p in tmp_path.iterdir()] == ["map.h5"]
