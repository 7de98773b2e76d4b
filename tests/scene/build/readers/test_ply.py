"""Plain PLY files are read as trimesh reads them."""

import io

import numpy as np
import pytest
import trimesh

from rtwin.scene import load_recipe
from rtwin.scene.build.readers.ply import triangles
from rtwin.scene.surfaces import scene_file


def shipped():
    folder = scene_file(load_recipe("street_canyon")).parent
    return sorted(folder.rglob("*.ply"))[:3]


@pytest.mark.parametrize("file", shipped(), ids=lambda path: path.name)
def test_as_trimesh(file):
    data = file.read_bytes()
    vertices, faces = triangles(data)
    mesh = trimesh.load(io.BytesIO(data), file_type="ply", process=False)
    assert np.array_equal(vertices, mesh.vertices)
    assert np.array_equal(faces, mesh.faces)


def test_what_is_not_plain_is_left_to_others():
    data = shipped()[0].read_bytes()
    assert triangles(data[:-1]) is None
    assert triangles(data + b"\0") is None
    assert triangles(data.replace(b"element vertex ", b"element vertex 9")) is None
    assert triangles(data.replace(b"binary_little_endian", b"ascii")) is None
    assert triangles(data.replace(b"property float x", b"property float w")) is None
    assert triangles(b"") is None
