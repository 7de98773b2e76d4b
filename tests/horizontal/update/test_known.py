"""Known edits by one decision: rehearsed ones at once, the paths later, exactly."""

import numpy as np
import pytest

from rtwin.errors import EditError, OutOfRangeError, StoreError
from rtwin.horizontal import (
    apply_edits,
    create_twin,
    edits_from_dict,
    open_twin,
    rehearse,
    trace_state,
    update_twin,
)
from rtwin.horizontal.rehearsal import LIBRARY_FILE, read_library
from rtwin.horizontal.update import known
from rtwin.units import to_db

from ..worlds import compare


@pytest.fixture(scope="module")
def folder(two_boxes, tmp_path_factory):
    made = tmp_path_factory.mktemp("twins") / "two.twin"
    create_twin(two_boxes(radio_map={"area": [-40, -40, 40, 40], "cell_size_m": 8.0}), made)
    rehearse(made, num_edits=9)
    return made


@pytest.fixture(autouse=True)
def tracing_costs_more(monkeypatch):
    """A quick machine traces this small scene in less than a rehearsed change is said to take."""
    monkeypatch.setattr(known, "_LIBRARY_S", 0.0)


def entry_of(folder, kind):
    library = read_library(folder / LIBRARY_FILE)
    return next(e for e in library.entries if e.hypothesis.kind == kind)


def table_of(entry):
    return edits_from_dict({"edit": entry.hypothesis.tables})


@pytest.mark.parametrize("kind", ["gone", "added", "tx_moved"])
def test_a_rehearsed_edit_is_at_once_in_the_maps(own, kind):
    before = open_twin(own)
    edits = table_of(entry_of(own, kind))
    made = update_twin(own, edits)
    assert made.more["way"] == "library"
    assert made.num_pending == 1
    world = apply_edits(edits, *before.world())
    truth = trace_state(*world, before.grid)
    new, old = (
        to_db(np.maximum(m, 1e-13)) for m in (made.maps["path_gain"], truth.maps["path_gain"])
    )
    assert np.abs(new - old)[old > -125].max() < 0.3
    assert made.scene_hash == truth.scene_hash
    assert made.recipe.transmitter == truth.recipe.transmitter
    assert (made.maps["line_of_sight"] == truth.maps["line_of_sight"]).mean() > 0.99


def test_paths_follow_exactly(own):
    gone, moved = entry_of(own, "gone"), entry_of(own, "tx_moved")
    update_twin(own, table_of(gone))
    made = update_twin(own, table_of(moved))
    assert made.num_pending == 0
    first = open_twin(own, 0)
    world = apply_edits(table_of(gone), *first.world())
    world = apply_edits(table_of(moved), *world)
    found = compare(made.state(), trace_state(*world, first.grid))
    assert (found.num_missing, found.num_extra) == (0, 0)


def test_an_error_names_the_file_of_the_edits(own, tmp_path):
    file = tmp_path / "news.toml"
    file.write_text('[[edit]]\nkind = "remove_object"\nobject = "brick_bax"\n')
    with pytest.raises(EditError, match=r"news\.toml: edit\[0\].*did you mean 'brick_box'"):
        update_twin(own, file, how="full")


def test_pending_edits_can_be_traced_alone(own):
    with pytest.raises(EditError, match="nothing is to be traced"):
        update_twin(own, how="partial")
    gone = table_of(entry_of(own, "gone"))
    pending = update_twin(own, gone)
    assert update_twin(own, gone).number == pending.number  # given again, nothing happens twice
    made = update_twin(own, gone, how="partial")
    assert (made.num_pending, made.more["way"]) == (0, "partial")
    assert len(made.edits) == 1


def test_ways_can_be_forced(own):
    edits = table_of(entry_of(own, "gone"))
    made = update_twin(own, edits, how="partial")
    assert made.more["way"] == "partial"
    assert made.num_pending == 0
    car = {"kind": "move_object", "object": "metal_box", "by_m": [0.5, 0, 0]}
    with pytest.raises(EditError, match="not rehearsed"):
        update_twin(own, edits_from_dict({"edit": [car]}), how="library")
    full = update_twin(own, edits_from_dict({"edit": [car]}), how="full")
    assert full.more["way"] == "full"
    with pytest.raises(OutOfRangeError, match="how is 'network'"):
        update_twin(own, edits, how="network")


def test_a_limit_in_time_holds(own):
    car = {"kind": "move_object", "object": "metal_box", "by_m": [0.5, 0, 0]}
    with pytest.raises(OutOfRangeError, match="nothing is done within"):
        update_twin(own, edits_from_dict({"edit": [car]}), within_s=1e-6)
    made = update_twin(own, table_of(entry_of(own, "gone")), within_s=0.1)
    assert made.more["way"] == "library"


def test_a_rehearsed_edit_after_another_update(own):
    """What was kept of the library leads to the world that both edits make, and is traced there."""
    gone = table_of(entry_of(own, "gone"))
    far = {"name": "far", "shape": "box", "material": "wood", "size_m": [1, 1, 1]}
    far["center_m"] = [300.0, 300.0, -50.0]
    between = update_twin(own, edits_from_dict({"edit": [{"kind": "add_object", "object": far}]}))
    made = update_twin(own, gone)
    assert made.more["way"] == "library"
    traced = update_twin(own, how="partial")
    world = apply_edits(gone, *between.world())
    assert made.scene_hash == traced.scene_hash == trace_state(*world, between.grid).scene_hash


def test_what_stays_valid_is_kept(own):
    gone = entry_of(own, "gone")
    before = read_library(own / LIBRARY_FILE)
    made = update_twin(own, table_of(gone))
    after = read_library(own / LIBRARY_FILE)
    assert after.scene_hash == made.scene_hash
    assert len(after) < len(before)
    assert all(e.hypothesis.subject != gone.hypothesis.subject for e in after.entries)
    assert len(rehearse(own, num_edits=len(after) + 2)) == len(after) + 2


def test_another_frequency_is_an_edit(own):
    edits = edits_from_dict({"edit": [{"kind": "set_frequency", "frequency_hz": 5.2e9}]})
    first = open_twin(own)
    made = update_twin(own, edits)
    assert made.recipe.frequency_hz == 5.2e9
    truth = trace_state(*apply_edits(edits, *first.world()), first.grid)
    found = compare(made.state(), truth)
    assert (found.num_missing, found.num_extra) == (0, 0)
    assert found.worst_db < -100
    np.testing.assert_allclose(made.maps["path_gain"], truth.maps["path_gain"], rtol=1e-4)


def test_a_twin_remembers_where_its_scene_is(tmp_path, two_boxes):
    import trimesh

    mesh = tmp_path / "scene" / "box.ply"
    mesh.parent.mkdir()
    trimesh.creation.box((6, 6, 8)).export(mesh)
    from rtwin.scene import recipe_dict, recipe_from_dict

    data = recipe_dict(two_boxes(radio_map={"area": [-40, -40, 40, 40], "cell_size_m": 10.0}))
    data["object"].append(
        {
            "name": "own",
            "material": "metal",
            "shape": "mesh",
            "file": "box.ply",
            "offset_m": [5, -30, 3],
        }
    )
    recipe = recipe_from_dict(data, "scene", mesh.parent)
    create_twin(recipe, tmp_path / "own.twin")
    gone = edits_from_dict({"edit": [{"kind": "remove_object", "object": "own"}]})
    assert update_twin(tmp_path / "own.twin", gone).number == 1
    mesh.parent.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="name the recipe with scene"):
        open_twin(tmp_path / "own.twin").world()
