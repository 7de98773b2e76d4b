"""Edits give the world that the same change in the recipe gives, and say what differs."""

import numpy as np
import pytest

from rtwin.errors import EditError
from rtwin.horizontal import apply_edits, differences, edits_from_dict, load_edits
from rtwin.scene import recipe_dict, recipe_from_dict
from rtwin.trace import load_parts, start_engine, world_of_parts

from ...tables import TREE


def edited(recipe, *edits, materials=None):
    before = recipe, load_parts(start_engine(), recipe)
    table = {"edit": list(edits), "materials": materials or {}}
    after = apply_edits(edits_from_dict(table), *before)
    return before, after


def by_hand(recipe, change):
    """The recipe with its own tables changed, loaded afresh."""
    data = recipe_dict(recipe)
    change(data)
    recipe = recipe_from_dict(data, recipe.name)
    return recipe, load_parts(start_engine(), recipe)


def object_of(data, name):
    return next(item for item in data["object"] if item["name"] == name)


def move_box(data):
    item = object_of(data, "brick_box")
    item["center_m"] = [24, 10, 4]
    item["yaw_deg"] = 40


def remove_sheet(data):
    data["object"].remove(object_of(data, "sheet"))


def add_tree(data):
    data["object"].append(TREE)


def add_car(data):
    data["object"].append(TREE | {"name": "car", "material": "metal"})


def soft_box(data):
    object_of(data, "metal_box")["material"] = "foam"
    data["materials"]["foam"] = {"relative_permittivity": 1.1, "conductivity_s_per_m": 0.01}


@pytest.mark.parametrize(
    ("change", "edit", "materials", "kind"),
    [
        (
            move_box,
            {"kind": "move_object", "object": "brick_box", "by_m": [4, -2, 0], "yaw_deg": 30},
            None,
            "moved",
        ),
        (remove_sheet, {"kind": "remove_object", "object": "sheet"}, None, "removed"),
        (add_tree, {"kind": "add_object", "object": TREE}, None, "added"),
        (
            add_car,
            {"kind": "add_object", "object": TREE | {"name": "car", "material": "metal"}},
            None,
            "added",
        ),
        (
            soft_box,
            {"kind": "set_material", "object": "metal_box", "material": "foam"},
            {"foam": {"relative_permittivity": 1.1, "conductivity_s_per_m": 0.01}},
            "material",
        ),
    ],
)
def test_an_edit_is_the_change_made_by_hand(two_boxes, change, edit, materials, kind):
    recipe = two_boxes()
    before, after = edited(recipe, edit, materials=materials)
    expected = by_hand(recipe, change)
    # A turn after the triangulation rounds otherwise than one before it.
    for mine, theirs in zip(after[1].parts, expected[1].parts, strict=True):
        assert (mine.name, mine.material) == (theirs.name, theirs.material)
        np.testing.assert_allclose(
            mine.vertices[mine.faces], theirs.vertices[theirs.faces], atol=2e-5
        )
    assert [(v.name, v.base_m, v.top_m) for v in after[1].volumes] == [
        (v.name, v.base_m, v.top_m) for v in expected[1].volumes
    ]
    if change is not move_box:
        assert world_of_parts(*after).scene_hash == world_of_parts(*expected).scene_hash
    found = differences(before, after)
    assert [c.kind for c in found.objects] == [kind]
    assert not found.transmitters
    assert not differences(after, after)


def test_a_moved_tree_takes_its_volume_along(two_boxes):
    recipe = two_boxes(object=[*recipe_dict(two_boxes())["object"], TREE])
    move = {"kind": "move_object", "object": "tree", "by_m": [1, 2, 3], "yaw_deg": 90}
    before, after = edited(recipe, move)
    (change,) = differences(before, after).objects
    np.testing.assert_allclose(change.new_box_m, change.old_box_m + np.array([1, 2, 3]), atol=1e-9)


def test_transmitters_are_moved_fed_added_and_removed(two_boxes):
    before, after = edited(
        two_boxes(),
        {"kind": "move_transmitter", "transmitter": "mast", "by_m": [3, 4, 0]},
        {"kind": "set_transmitter", "transmitter": "mast", "power_dbm": 30},
        {
            "kind": "add_transmitter",
            "transmitter": {"name": "new", "position_m": [0, 40, 10], "downtilt_deg": 10},
        },
        {"kind": "remove_transmitter", "transmitter": "pole"},
    )
    assert [(t.name, t.kind, t.distance_m) for t in differences(before, after).transmitters] == [
        ("mast", "moved", 5.0),
        ("pole", "removed", 0.0),
        ("new", "added", 0.0),
    ]
    assert after[0].transmitter[0].power_dbm == 30
    assert not differences(before, after).objects
    before, after = edited(
        two_boxes(), {"kind": "set_transmitter", "transmitter": "pole", "downtilt_deg": 5}
    )
    assert differences(before, after).transmitters[0].kind == "fed"


def test_a_transmitter_that_looks_at_a_point_keeps_what_is_not_turned(two_boxes):
    mast = {"name": "mast", "position_m": [0, 0, 12], "look_at_m": [10, 10, 2]}
    recipe = two_boxes(transmitter=[mast])
    turn = {"kind": "set_transmitter", "transmitter": "mast", "downtilt_deg": 3}
    _, (after, _) = edited(recipe, turn)
    assert after.transmitter[0].azimuth_deg == pytest.approx(45)
    assert after.transmitter[0].downtilt_deg == 3


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"kind": "remove_object", "object": "brick_bix"}, "did you mean 'brick_box'"),
        ({"kind": "remove_object", "object": "ground"}, "is the ground"),
        ({"kind": "add_object", "object": TREE | {"name": "sheet"}}, "is there already"),
        ({"kind": "add_object", "object": TREE | {"material": "fome"}}, "unknown material"),
        ({"kind": "set_material", "object": "sheet", "material": "vegetation"}, "cannot turn"),
        ({"kind": "remove_transmitter", "transmitter": "must"}, "did you mean 'mast'"),
        (
            {"kind": "move_transmitter", "transmitter": "mast", "to_m": [30, -20, 5]},
            "same position",
        ),
        ({"kind": "set_transmitter", "transmitter": "mast"}, "sets nothing"),
        ({"kind": "move_transmitter", "transmitter": "mast"}, "by_m or to_m"),
        ({"kind": "explode"}, "kind"),
        ({"kind": "move_object", "object": "sheet", "by": [1, 0, 0]}, "did you mean 'by_m'"),
    ],
)
def test_impossible_edits_get_one_line(two_boxes, edit, said):
    with pytest.raises(EditError) as caught:
        edited(two_boxes(), edit)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_file_gets_one_line(tmp_path):
    (tmp_path / "e.toml").write_text("[[edit]\nkind=")
    for file in (tmp_path / "e.toml", tmp_path / "missing.toml", tmp_path):
        with pytest.raises(EditError, match=r"not valid TOML|not a readable TOML file"):
            load_edits(file)
