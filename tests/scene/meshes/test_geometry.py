"""Meshes: volumes, orientation, holes, files; and what cannot be built."""

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import GeometryError
from rtwin.scene import build_meshes

from ..helpers import assert_one_line, objects, recipe

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
MESH = {"shape": "mesh"}


def only(item, **where):
    (mesh,) = build_meshes(objects(item, **where))
    return mesh.mesh


def extrude(footprint, **more):
    return only({"shape": "extrude", "footprint": footprint, "height_m": 3, **more})


@pytest.mark.parametrize("footprint", [SQUARE, SQUARE[::-1], [*SQUARE, SQUARE[0]]])
def test_extrusion_is_a_solid(footprint):
    mesh = extrude(footprint, base_m=-1.0)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    # A positive volume: normals point outwards.
    assert mesh.volume == pytest.approx(300.0)
    np.testing.assert_allclose(mesh.bounds, [[0, 0, -1], [10, 10, 2]])


def test_extrusion_with_a_hole():
    mesh = extrude(SQUARE, holes=[[[2, 2], [4, 2], [4, 4], [2, 4]]])
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx((100 - 4) * 3)


@settings(max_examples=30)
@given(
    radii=st.lists(st.floats(1, 50), min_size=3, max_size=12),
    height=st.floats(0.1, 100),
    base=st.floats(-50, 50),
)
def test_volume_is_area_times_height(radii, height, base):
    # Star-shaped about the origin: never crosses itself.
    angles = np.arange(len(radii)) * 2 * math.pi / len(radii)
    corners = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
    x, y = corners.T
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    mesh = extrude(corners.tolist(), height_m=height, base_m=base)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(area * height, rel=1e-3)


def test_box_turns_about_its_centre():
    item = {"shape": "box", "center_m": [1, 2, 3], "size_m": [4, 2, 6], "yaw_deg": 90}
    mesh = only(item)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(48)
    np.testing.assert_allclose(mesh.bounds, [[0, 0, 0], [2, 4, 6]], atol=1e-6)


def test_plane_faces_up():
    mesh = only({"shape": "plane", "center_m": [1, 2, 3], "size_m": [4, 2]})
    assert mesh.area == pytest.approx(8)
    np.testing.assert_allclose(mesh.face_normals, [[0, 0, 1]] * 2)
    np.testing.assert_allclose(mesh.bounds, [[-1, 1, 3], [3, 3, 3]])


def test_wall_with_window_and_door():
    wall = {"shape": "wall", "from_m": [1, 1], "to_m": [1, 9], "base_m": 2, "height_m": 3}
    window = {"start_m": 1, "end_m": 3, "bottom_m": 1, "top_m": 2}
    door = {"start_m": 4, "end_m": 5, "bottom_m": 0, "top_m": 2}
    mesh = only({**wall, "openings": [window, door]})
    assert mesh.area == pytest.approx(8 * 3 - 2 - 2)
    np.testing.assert_allclose(mesh.bounds, [[1, 1, 2], [1, 9, 5]])
    # No triangle covers a point of an opening.
    centres = np.array([[1, 3, 3.5], [1, 5.5, 3]])
    closest = [
        trimesh.triangles.closest_point(mesh.triangles, np.tile(c, (len(mesh.faces), 1)))
        for c in centres
    ]
    gaps = [
        np.linalg.norm(points - c, axis=1).min() for points, c in zip(closest, centres, strict=True)
    ]
    np.testing.assert_allclose(gaps, [0.5, 0.5])


def test_wall_split_in_two_by_an_opening():
    gate = {"start_m": 2, "end_m": 3, "bottom_m": 0, "top_m": 3}
    wall = {"shape": "wall", "from_m": [0, 0], "to_m": [5, 0], "height_m": 3}
    assert only({**wall, "openings": [gate]}).area == pytest.approx(12)


def test_meshes_are_deterministic_and_exact_in_float32():
    item = {"shape": "extrude", "footprint": [[0.1, 0.2], [9.3, 0.7], [3.3, 8.1]], "height_m": 2.7}
    one, two = only(item), only(item)
    np.testing.assert_array_equal(one.vertices, two.vertices)
    np.testing.assert_array_equal(one.faces, two.faces)
    np.testing.assert_array_equal(one.vertices, one.vertices.astype(np.float32))


def test_names_materials_and_velocities_pass_through():
    box = {"shape": "box", "center_m": [0, 0, 0], "size_m": [1, 1, 1], "velocity_m_s": [1, 2, 3]}
    (mesh,) = build_meshes(objects(box))
    assert (mesh.name, mesh.material, mesh.velocity_m_s) == ("o0", "concrete", (1, 2, 3))
    assert build_meshes(recipe(("object", []), ("geometry.sionna", "munich"))) == []


@pytest.mark.parametrize(
    ("item", "part"),
    [
        ({"footprint": [[0, 0], [4, 3], [4, 0], [0, 4]]}, "not a simple polygon"),
        ({"footprint": [[0, 0], [1, 1], [2, 2]]}, "area of 0 m2"),
        ({"footprint": [[0, 0], [1, 0], [0, 0], [1, 0]]}, "area of 0 m2"),
        (
            {"footprint": SQUARE, "holes": [[[20, 20], [21, 20], [21, 21]]]},
            "not a simple polygon (Hole lies outside shell",
        ),
    ],
)
def test_degenerate_footprints(item, part):
    with pytest.raises(GeometryError) as caught:
        extrude(**item)
    assert_one_line(caught, "object 'o0'", part)


def test_opening_as_large_as_the_wall():
    hole = {"start_m": 0, "end_m": 5, "bottom_m": 0, "top_m": 3}
    wall = {"shape": "wall", "from_m": [0, 0], "to_m": [5, 0], "height_m": 3, "openings": [hole]}
    with pytest.raises(GeometryError) as caught:
        only(wall)
    assert_one_line(caught, "its openings leave nothing of the wall")


@pytest.mark.parametrize("suffix", ["ply", "stl", "obj", "off", "glb"])
def test_mesh_files(tmp_path, suffix):
    trimesh.creation.box((2, 2, 2)).export(tmp_path / f"box.{suffix}")
    item = {**MESH, "file": f"box.{suffix}", "scale": 0.5, "offset_m": [10, 0, 0.5]}
    mesh = only(item, folder=tmp_path)
    np.testing.assert_allclose(mesh.bounds, [[9.5, -0.5, 0], [10.5, 0.5, 1]], atol=1e-6)
    assert mesh.area == pytest.approx(6)


PLY = (
    b"ply\nformat %s 1.0\nelement vertex %d\nproperty float x\nproperty float y\nproperty float z\n"
)
FACES = b"element face %d\nproperty list uchar int vertex_indices\nend_header\n"
HUGE = PLY % (b"binary_little_endian", 10**12) + FACES % 10**12
NAN_VERTEX = PLY % (b"ascii", 3) + FACES % 1 + b"0 0 nan\n1 0 0\n0 1 0\n3 0 1 2\n"
FAR_VERTEX = PLY % (b"ascii", 3) + FACES % 1 + b"0 0 1e9\n1 0 0\n0 1 0\n3 0 1 2\n"
NO_VERTEX = PLY % (b"ascii", 3) + FACES % 1 + b"0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n"
POINTS = PLY % (b"ascii", 1) + b"end_header\n0 0 0\n"
EXTERNAL = (
    b'{"asset": {"version": "2.0"}, "buffers": [{"uri": "../secret.bin", "byteLength": 36}],'
    b' "bufferViews": [{"buffer": 0, "byteLength": 36}], "accessors": [{"bufferView": 0,'
    b' "componentType": 5126, "count": 3, "type": "VEC3"}], "scenes": [{"nodes": [0]}],'
    b' "nodes": [{"mesh": 0}], "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}]}'
)


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("x.ply", b"", "cannot read x.ply as ply"),
        ("x.ply", b"nonsense", "cannot read x.ply as ply"),
        ("x.ply", HUGE, "x.ply"),
        ("x.ply", NAN_VERTEX, "NaN or infinite"),
        ("x.ply", FAR_VERTEX, "float32 loses centimetres"),
        ("x.ply", NO_VERTEX, "missing vertex"),
        ("x.ply", POINTS, "x.ply"),
        ("x.stl", b"solid x\nendsolid x\n", "x.stl"),
        ("x.obj", b"v 0 0 0\n", "x.obj"),
        ("x.glb", b"glTF", "cannot read x.glb as glb"),
        ("x.gltf", EXTERNAL, "cannot read x.gltf as gltf"),
        ("x.pkl", b"cos\nsystem\n(S'true'\ntR.", "not of a mesh format that rtwin reads"),
        ("x.xyz", b"0 0 0\n", "allowed: glb, gltf, obj, off, ply, stl"),
        ("ply", b"", "not of a mesh format"),
    ],
)
def test_bad_mesh_files(tmp_path, file, content, part):
    folder = tmp_path / "scene"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    (folder / file).write_bytes(content)
    with pytest.raises(GeometryError) as caught:
        only({**MESH, "file": file}, folder=folder)
    assert_one_line(caught, "object 'o0'", part)


def test_missing_and_huge_mesh_files(tmp_path):
    with pytest.raises(GeometryError) as caught:
        only({**MESH, "file": "absent.ply"}, folder=tmp_path)
    assert_one_line(caught, "no file 'absent.ply' in the recipe's folder")
    with (tmp_path / "huge.ply").open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(GeometryError) as caught:
        only({**MESH, "file": "huge.ply"}, folder=tmp_path)
    assert_one_line(caught, "has 300 MiB; at most 256 MiB")
