"""Triangles of large scenes come from disk, until anything that they follow from is another."""

import numpy as np
import pytest
import trimesh

from rtwin.scene import build_meshes, mesh_arrays, recipe_dict, recipe_from_dict
from rtwin.scene.meshes import cache, geometry

from ...tables import box

CORNERS = [[0, 0], [8, 0], [8, 3], [4, 3], [4, 9], [0, 9]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the cache of this test lies; scenes of three objects count as large."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "MANY_OBJECTS", 3)
    return tmp_path / "cache" / "rtwin" / "meshes"


@pytest.fixture
def made(monkeypatch):
    """Names of the objects that were meshed."""
    names, build = [], geometry.build_mesh

    def counted(item, recipe):
        names.append(item.name)
        return build(item, recipe)

    monkeypatch.setattr(geometry, "build_mesh", counted)
    return names


@pytest.fixture
def recipe(two_boxes, tmp_path):
    def scene(height_m=5.0):
        trimesh.creation.icosphere(1).export(tmp_path / "ball.ply")
        house = {"shape": "extrude", "footprint": CORNERS, "height_m": height_m}
        objects = [
            box("first", [0, 0, 2], [4, 4, 4]),
            {"name": "house", "material": "brick", **house},
            {"name": "ball", "material": "metal", "shape": "mesh", "file": "ball.ply"},
        ]
        data = recipe_dict(two_boxes()) | {"object": objects, "geometry": {}}
        return recipe_from_dict(data, "three", tmp_path)

    return scene


def equal(arrays, recipe):
    expected = build_meshes(recipe)
    assert len(arrays) == len(expected)
    for (vertices, faces), mesh in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(vertices, np.asarray(mesh.mesh.vertices, np.float32))
        np.testing.assert_array_equal(faces, np.asarray(mesh.mesh.faces, np.int32))
        assert (vertices.dtype, faces.dtype) == (np.float32, np.int32)
    return True


def test_the_second_time_nothing_is_meshed(folder, made, recipe):
    mesh_arrays(recipe())
    assert made == ["first", "house", "ball"]
    again = mesh_arrays(recipe())
    assert len(made) == 3
    assert equal(again, recipe())
    assert len(list(folder.iterdir())) == 1


def test_an_edit_of_recipe_or_mesh_file_is_seen(folder, made, recipe, tmp_path):
    mesh_arrays(recipe())
    assert equal(mesh_arrays(recipe(height_m=6.0)), recipe(height_m=6.0))
    scene = recipe()
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "ball.ply")
    assert equal(mesh_arrays(scene), scene)
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("broken", [b"", b"PK\3\4 no", None])
def test_a_broken_file_is_made_anew(folder, recipe, broken):
    mesh_arrays(recipe())
    [file] = folder.iterdir()
    if broken is None:
        np.savez(file, vertices=np.zeros((3, 3), np.float32))
    else:
        file.write_bytes(broken)
    assert equal(mesh_arrays(recipe()), recipe())
    assert equal(mesh_arrays(recipe()), recipe())


def test_few_scenes_are_kept_and_small_ones_not_at_all(folder, recipe, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FILES", 2)
    for height_m in (3.0, 4.0, 5.0):
        mesh_arrays(recipe(height_m=height_m))
    assert len(list(folder.iterdir())) == 2
    monkeypatch.setattr(cache, "MANY_OBJECTS", 4)
    mesh_arrays(recipe(height_m=7.0))
    assert len(list(folder.iterdir())) == 2


def test_a_place_that_cannot_be_written_costs_time_only(tmp_path, recipe, folder, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    assert equal(mesh_arrays(recipe()), recipe())
