"""The scene on a page is the scene."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import trimesh

from rtwin.trace import load_world
from rtwin.view.buffers import Buffers
from rtwin.view.model import _sharp_edges, _weld, add_scene, scene_model


@pytest.fixture(scope="module")
def world(two_boxes):
    return load_world(two_boxes())


def by_object(vertices, faces, owner):
    """The triangles of each object as a sorted list of corners."""
    soup = vertices[faces].reshape(-1, 9)
    return {
        row: sorted(
            map(tuple, np.sort(soup[owner == row].reshape(-1, 3, 3), axis=1).reshape(-1, 9))
        )
        for row in np.unique(owner)
    }


def test_every_triangle_is_there(world):
    model = scene_model(world)
    assert model.remarks == []
    vertex_owner = np.repeat(np.arange(len(model.num_vertices)), model.num_vertices)
    owner = vertex_owner[model.faces]
    assert (owner == owner[:, :1]).all()
    triangles = world.triangles
    wanted = by_object(
        triangles.vertices.reshape(-1, 3),
        np.arange(3 * len(triangles.vertices)).reshape(-1, 3),
        triangles.object,
    )
    assert by_object(model.vertices, model.faces, owner[:, 0]) == wanted
    names = [world.material_names[row] for row in model.material]
    assert names == ["concrete", "brick", "metal", "glass"]


def test_edges_of_a_box_and_a_plane(world):
    model = scene_model(world)
    vertex_owner = np.repeat(np.arange(len(model.num_vertices)), model.num_vertices)
    edges = np.bincount(vertex_owner[model.edges[:, 0]], minlength=4)
    # Diagonals of flat faces are no edges.
    assert edges.tolist() == [4, 12, 12, 4]


def test_seam_of_disagreeing_windings_is_no_edge():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 3, 2]], np.uint32)
    assert sorted(map(tuple, _sharp_edges(vertices, faces).tolist())) == [
        (0, 1),
        (0, 3),
        (1, 2),
        (2, 3),
    ]


def test_vegetation_comes_after_solid_objects(world):
    """A world with vegetation: a grove of 10 m x 20 m x 6 m with a clearing of 2 m x 2 m."""
    grove = shapely.box(0, 0, 10, 20).difference(shapely.box(4, 4, 6, 6))
    kind = SimpleNamespace(specific_attenuation_db_per_m=0.8, max_attenuation_db=38.0)
    volume = SimpleNamespace(name="grove", material="leaves", polygon=grove, base_m=1, top_m=7)
    wooded = SimpleNamespace(
        **{
            name: getattr(world, name)
            for name in (
                "triangles",
                "object_names",
                "material_names",
                "materials",
                "ground",
                "bounds_m",
                "color_of",
            )
        },
        volumes=[volume],
        foliage={"leaves": kind},
    )
    model = scene_model(wooded)
    said = add_scene(Buffers(), wooded, model)
    assert said["objects"] == [*world.object_names, "grove"]
    assert said["num_solid"] == len(world.object_names)
    assert said["materials"][model.material[-1]]["name"] == "leaves"
    assert said["materials"][model.material[-1]]["max_attenuation_db"] == 38.0
    leaves = model.vertices[-model.num_vertices[-1] :]
    faces = model.faces[model.faces[:, 0] >= len(model.vertices) - len(leaves)]
    solid = trimesh.Trimesh(model.vertices, faces)
    assert solid.is_watertight
    assert solid.volume == pytest.approx((200 - 4) * 6)
    assert (leaves[:, 2].min(), leaves[:, 2].max()) == (1, 7)


def test_largest_triangles_are_kept(world):
    model = scene_model(world, max_triangles=10)
    assert len(model.faces) == 10
    total = len(world.triangles.vertices)
    assert model.remarks == [f"Scene: the 10 largest of {total} triangles are here."]
    corners = model.vertices[model.faces].astype(float)
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    assert area.max() == pytest.approx(120 * 120)


def test_nothing_to_weld():
    vertices, faces, owner = _weld(np.zeros((0, 3, 3), np.float32), np.zeros(0, np.int64))
    assert (vertices.shape, faces.shape, owner.shape) == ((0, 3), (0, 3), (0,))
    assert _sharp_edges(vertices, faces).shape == (0, 2)
