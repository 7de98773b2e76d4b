"""What is inside: against city models' oddities, and what a change nearby can alter."""

import numpy as np
import trimesh

from rtwin.scene import load_recipe, recipe_from_dict
from rtwin.trace import is_inside, load_world, may_change_inside

HOUSE = (10.0, 8.0, 6.0)


def street(tmp_path, meshes, **objects):
    """A scene of meshes, and boxes by name as centre and size."""
    table = []
    for name, mesh in meshes.items():
        mesh.export(tmp_path / f"{name}.ply")
        table.append({"name": name, "material": "brick", "shape": "mesh", "file": f"{name}.ply"})
    for name, (center, size) in objects.items():
        table.append(
            {
                "name": name,
                "material": "brick",
                "shape": "box",
                "center_m": center,
                "size_m": size,
            }
        )
    data = {
        "title": "Inside",
        "frequency_hz": 3.5e9,
        "object": table,
        "transmitter": [{"name": "t", "position_m": [0, 0, 50]}],
    }
    return load_world(recipe_from_dict(data, "inside", folder=tmp_path))


def shell(x_m, without=()):
    """Walls and roof of a house whose west wall stands at x: no floor, normals as they come."""
    box = trimesh.creation.box(HOUSE)
    normal = box.face_normals
    keep = normal[:, 2] > -0.5
    for axis, sign in without:
        keep &= sign * normal[:, axis] < 0.5
    box.update_faces(keep)
    box.apply_translation((x_m + HOUSE[0] / 2, 0, HOUSE[2] / 2))
    return box


def test_row_of_houses_whose_party_walls_coincide_or_are_left_out(tmp_path):
    row = {
        "a": shell(0),
        "b": shell(10),
        "c": shell(20, without=[(0, 1)]),
        "d": shell(30, without=[(0, -1)]),
    }
    world = street(tmp_path, row)
    rng = np.random.default_rng(1)
    points = np.array([-15.0, -12, 0.5]) + rng.random((600, 3)) * [70, 24, 9]
    solid = (points[:, 0] > 0) & (points[:, 0] < 40)
    solid &= (np.abs(points[:, 1]) < 4) & (points[:, 2] < 6)
    off = np.column_stack([points[:, 0] % 10, np.abs(points[:, 1]) - 4, points[:, 2] - 6])
    clear = (np.abs(off) > 0.02).all(axis=1) & (off[:, 0] < 9.98)  # what touches a face is inside
    np.testing.assert_array_equal(is_inside(world, points)[clear], solid[clear])


def test_bridges_arcades_and_yards_are_free_air(tmp_path):
    boxes = {
        "deck": ([0, 0, 5.5], [12, 60, 1]),  # a bridge of 12 m
        "over": ([30, 0, 6], [20, 40, 4]),  # a house whose first floor overhangs
        "below": ([33, 0, 2], [14, 40, 4]),
        "north": ([80, 12, 5], [30, 4, 10]),  # four houses around a yard of 22 m
        "south": ([80, -12, 5], [30, 4, 10]),
        "west": ([67, 0, 5], [4, 20, 10]),
        "east": ([93, 0, 5], [4, 20, 10]),
    }
    world = street(tmp_path, {}, **boxes)
    free = [[0, 0, 1.5], [5, 20, 1.5], [23, 0, 1.5], [80, 0, 1.5], [0, 0, 6.1]]
    within = [[0, 0, 5.5], [33, 0, 2], [33, 0, 6], [80, 12, 5], [67, 3, 1.5]]
    assert not is_inside(world, free).any()
    assert is_inside(world, within).all()


def test_a_change_alters_nothing_that_it_cannot(tmp_path):
    """A house comes: what differs is among what was said to be able to."""
    boxes = {"deck": ([0, 0, 5.5], [12, 60, 1]), "house": ([40, 0, 5], [20, 20, 10])}
    low, high = np.array([[-30.0, -10, 0], [-6, 10, 40]])
    new = {"new": ((low + high) / 2, high - low), "end": ([0, 31, 2.5], [14, 2, 5])}
    new = {name: [list(map(float, part)) for part in box] for name, box in new.items()}
    changed = np.array([[low, high], [[-7, 30, 0], [7, 32, 5]]])
    before, after = street(tmp_path, {}, **boxes), street(tmp_path, {}, **boxes, **new)
    rng = np.random.default_rng(2)
    points = np.array([-60.0, -60, 0.2]) + rng.random((4000, 3)) * [160, 120, 45]
    differs = is_inside(before, points) != is_inside(after, points)
    assert differs.any()
    assert may_change_inside(points, changed)[differs].all()
    assert not may_change_inside(points, changed).all()


def test_munich_under_roofs_and_beside_them():
    """Roofs and walls there are sheets in meshes of their own; blocks share their walls."""
    world = load_world(load_recipe("munich"))
    under = [[-183.6, -193.4, 1.5], [51.6, 170.9, 1.5], [-62.3, -27.9, 1.5], [76.5, 165.2, 1.5]]
    beside = [[-4.2, -132.0, 1.5], [131.4, 97.3, 1.5], [0.0, 0.0, 60.0]]
    assert is_inside(world, under + beside).tolist() == [True] * 4 + [False] * 3
