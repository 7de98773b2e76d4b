"""Outlines of buildings under maps."""

import numpy as np
import pytest
import shapely

from rtwin.plot import plot_radio_map, plot_receivers
from rtwin.plot.outlines import outlines
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict

from ..tables import TREE, box, plane_scene, wall


def attributes(*objects, **more):
    return {"recipe": recipe_dict(recipe_from_dict(plane_scene(*objects))), **more}


def test_what_stands_has_an_outline():
    house = box("house", [5, -5, 4], [10, 8, 8])
    sheet = wall("sheet", ([0, 10], [10, 10]), 0, 3, "wood")
    rings = outlines(attributes(house, sheet, TREE))
    assert len(rings) == 2
    assert shapely.Polygon(rings[0]).bounds == (0, -9, 10, -1)
    assert shapely.Polygon(rings[0]).area == pytest.approx(80)
    assert rings[1].tolist() == [[0, 10], [10, 10]]


def test_footprints_keep_their_courts():
    block = {
        "name": "block",
        "material": "brick",
        "shape": "extrude",
        "footprint": [[0, 0], [20, 0], [20, 20], [0, 20]],
        "holes": [[[5, 5], [15, 5], [15, 15], [5, 15]]],
        "height_m": 9,
    }
    outer, court = outlines(attributes(block))
    assert shapely.Polygon(outer, [court]).area == 300


def test_meshes_in_files_need_their_folder(tmp_path):
    import trimesh

    trimesh.creation.box([4, 4, 4]).export(tmp_path / "house.ply")
    mesh = {"name": "house", "material": "brick", "shape": "mesh", "file": "house.ply"}
    assert outlines(attributes(mesh)) == []
    (ring,) = outlines(attributes(mesh, scene_folder=str(tmp_path)))
    assert shapely.Polygon(ring).area == pytest.approx(16)
    assert outlines(attributes(mesh, scene_folder=str(tmp_path / "gone"))) == []


def test_shipped_scenes():
    rings = outlines({"recipe": recipe_dict(load_recipe("street_canyon"))})
    big = [ring for ring in rings if shapely.Polygon(ring).area > 100]
    assert len(big) == 6
    assert np.concatenate(big)[:, 0].min() > -100
    assert outlines({}) == []


@pytest.mark.parametrize("draw", ["map", "receivers"])
def test_maps_show_them(draw, radio_map, dataset):
    figure = plot_radio_map(radio_map) if draw == "map" else plot_receivers(dataset)
    drawn = [c for c in figure.axes[0].collections if c.get_gid() == "outlines"]
    known = len(outlines(radio_map.attributes))
    assert known >= 2
    assert [len(c.get_segments()) for c in drawn] == [known]


def test_a_pitched_roof_has_no_line_inside(tmp_path):
    import trimesh

    # The roof's corner lies a centimetre beside the wall's, as readers of maps leave it.
    corner = [[-27, -76, 8], [-27, -46, 8], [-12, -61, 12], [-2, -61, 12], [13, -76, 8]]
    corner += [[13, -46.01, 8], [13, -46, 8]]
    faces = [[2, 3, 5], [2, 5, 6], [2, 6, 1], [3, 2, 0], [3, 0, 4], [5, 3, 4], [0, 2, 1]]
    trimesh.Trimesh(corner, faces, process=False).export(tmp_path / "house.ply")
    mesh = {"name": "house", "material": "brick", "shape": "mesh", "file": "house.ply"}
    (ring,) = outlines(attributes(mesh, scene_folder=str(tmp_path)))
    assert shapely.Polygon(ring).area == pytest.approx(1200, abs=1)
    assert np.isin(ring.round(), [-27, 13, -76, -46]).all()


def test_outlines_of_a_twin_are_those_after_its_edits():
    ends = {"house": (0, -9, 10, -1), "shed": (20, 0, 24, 2)}
    before = attributes(box("house", [5, -5, 4], [10, 8, 8]), box("shed", [22, 1, 1], [4, 2, 2]))
    assert [shapely.Polygon(ring).bounds for ring in outlines(before)] == list(ends.values())

    def after(*edits):
        return [shapely.Polygon(ring).bounds for ring in outlines({**before, "edits": [*edits]})]

    gone = {"edit": [{"kind": "remove_object", "object": "house"}]}
    turned = {"kind": "move_object", "object": "shed", "by_m": [1, 0, 0], "yaw_deg": 90}
    new = {"kind": "add_object", "object": box("hut", [-5, 5, 1], [2, 2, 2])}
    assert after(gone) == [ends["shed"]]
    assert np.allclose(after({"edit": [turned]})[1], (22, -1, 24, 3))
    assert after(gone, {"edit": [new]}) == [ends["shed"], (-6, 4, -4, 6)]
