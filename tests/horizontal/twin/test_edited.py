"""What comes from an edited twin shows the world after its edits."""

import numpy as np
import pytest

from rtwin.dataset import open_link_trace, open_radio_map, sample
from rtwin.dataset.pictures import scene_mesh
from rtwin.dataset.reading import world_of
from rtwin.horizontal import (
    edits_from_dict,
    merge_files,
    open_twin,
    plot_twin,
    update_twin,
    write_snapshot_map,
)
from rtwin.plot.outlines import outlines
from rtwin.scene import Tracks, recipe_from_dict
from rtwin.view import write_page
from rtwin.view.sources import find_sources

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def twin(own_twin):
    """Its brick box is gone, and a crate of a new material stands on the other side."""
    crate = {
        "name": "crate",
        "shape": "box",
        "material": "foam",
        "center_m": [-20, -30, 1],
        "size_m": [2, 2, 2],
    }
    table = {
        "edit": [
            {"kind": "remove_object", "object": "brick_box"},
            {"kind": "add_object", "object": crate},
        ],
        "materials": {"foam": {"relative_permittivity": 1.5, "conductivity_s_per_m": 0.01}},
    }
    update_twin(own_twin, edits_from_dict(table))
    return own_twin


@pytest.fixture(scope="module")
def exported(twin, tmp_path_factory):
    return write_snapshot_map(twin, tmp_path_factory.mktemp("map") / "map.h5")


def test_its_map_makes_the_same_world(twin, exported):
    wanted = open_twin(twin).scene_hash
    attributes = open_radio_map(exported).attributes
    recipe = recipe_from_dict(attributes["recipe"], attributes["scene"])
    world = world_of(attributes, recipe)
    assert world.scene_hash == wanted
    assert "crate" in world.object_names
    assert "brick_box" not in world.object_names
    assert scene_mesh(recipe, attributes).object_name == world.object_names


def test_pages_show_it(twin, exported, tmp_path):
    write_page(twin, tmp_path / "e.html")
    assert '"files": ["own.twin"]' in (tmp_path / "e.html").read_text()
    for file in (twin, exported):
        sources = find_sources([file])
        assert sources.remarks == ()
        assert "brick_box" not in sources.world.object_names


def test_outlines_follow(twin, exported, tmp_path):
    merge_files([exported, twin], tmp_path / "m.h5")
    for file in (exported, tmp_path / "m.h5"):
        rings = outlines(open_radio_map(file).attributes)
        assert any(np.allclose(ring.min(axis=0), (-21, -31)) for ring in rings)
        assert len(rings) == 3
    first = open_twin(twin, 0).radio_map.attributes
    assert not any(np.allclose(ring.min(axis=0), (-21, -31)) for ring in outlines(first))


def test_removed_is_dashed_where_it_stood(twin):
    maps = [axes for axes in plot_twin(twin).axes if axes.images]
    for axes in maps:
        styles = [patch.get_linestyle() for patch in axes.patches if patch.get_gid() == "edit"]
        assert sorted(styles) == ["-", "--"]
    drawn = [
        next(c for c in axes.collections if c.get_gid() == "outlines").get_segments()
        for axes in maps
    ]
    assert [len(rings) for rings in drawn] == [3, 3, 3, 3]
    assert not all(map(np.array_equal, drawn[0], drawn[1]))


def test_line_of_sight_is_that_of_the_edited_world(twin, tmp_path):
    snapshot = open_twin(twin)
    mast = snapshot.radio_map.tx_position_m[0, :2]
    box = next(iter(snapshot.more["boxes_m"]["brick_box"]))
    middle = np.mean(box, axis=0)[:2]
    behind = middle + 1.2 * (middle - mast) / np.linalg.norm(middle - mast) * np.ptp(box, axis=0)[0]
    place = np.array([[[*behind, 1.5]]])
    tracks = Tracks(np.zeros(1), ("ue",), place)
    sight = []
    for number, made in enumerate((write_snapshot_map(twin, tmp_path / "old.h5", 0), twin)):
        sample(made, tracks, tmp_path / f"{number}.h5")
        sight.append(int(open_link_trace(tmp_path / f"{number}.h5").line_of_sight[0, 0, 0]))
    assert sight == [0, 1]
