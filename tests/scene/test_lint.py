"""Each check of the linter fires on what it is for, and on nothing else; --fix mends."""

import json
import tomllib

import numpy as np
import pytest
import trimesh

from rtwin.errors import RecipeError
from rtwin.scene import build_meshes, load_recipe, recipe_dict
from rtwin.scene.lint import fix_scene, lint_scene
from rtwin.scene.lint.meshes import crossings_above, mesh_facts

from ..tables import plane, toml
from .helpers import assert_one_line

HEAD = "# A comment that must survive.\n" + toml(
    {
        "title": "Lint",
        "frequency_hz": 3.5e9,
        "transmitter": [{"name": "a", "position_m": [0.0, 0.0, 30.0]}],
        "geometry": {"ground": ["ground"]},
        "object": [plane(200.0)],
    }
)


def house(name, x, y, side=10.0, height=9.5, base=-0.5, material="brick"):
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    return (
        f'\n[[object]]\nname = "{name}"\nmaterial = "{material}"\nshape = "extrude"\n'
        f"footprint = {ring}\nbase_m = {base}\nheight_m = {height}\n"
    )


def mesh_object(name):
    return (
        f'\n[[object]]\nname = "{name}"\nmaterial = "brick"\nshape = "mesh"\nfile = "{name}.ply"\n'
    )


def box(x=20.0, y=20.0):
    mesh = trimesh.creation.box((8, 8, 8))
    mesh.apply_translation((x, y, 3.5))
    return mesh


@pytest.fixture
def scene(tmp_path):
    def make(*parts, head=HEAD, **meshes):
        (tmp_path / "scene.toml").write_text(head + "".join(parts))
        for name, mesh in meshes.items():
            mesh.export(tmp_path / f"{name}.ply")
        return tmp_path / "scene.toml"

    return make


def checks(file):
    return {f.check: f for f in lint_scene(load_recipe(file))}


def test_a_clean_scene(scene):
    assert checks(scene(house("h", 20, 20))) == {}


def test_touching_houses_are_clean(scene):
    assert checks(scene(house("a", 20, 20), house("b", 30, 20))) == {}


def test_open_mesh(scene):
    mesh = box()
    mesh.update_faces(np.arange(len(mesh.faces)) != 3)
    found = checks(scene(mesh_object("m"), m=mesh))
    assert set(found) == {"open"}
    assert found["open"].objects == ("m",)
    assert str(found["open"]).startswith("warning [open] 1 objects are not watertight; --fix")


@pytest.mark.parametrize("all_faces", [True, False])
def test_inward_faces(all_faces, scene):
    mesh = box()
    rows = slice(None) if all_faces else slice(0, 2)
    mesh.faces[rows] = mesh.faces[rows, ::-1]
    assert set(checks(scene(mesh_object("m"), m=mesh))) == {"inward"}


def test_duplicate_faces_and_slivers(scene):
    mesh = box()
    mesh.faces = np.concatenate([mesh.faces, mesh.faces[:2]])
    assert set(checks(scene(mesh_object("m"), m=mesh))) == {"duplicate"}
    thin = trimesh.creation.box((8, 8, 8))
    thin.vertices[:, 2] *= 5e-5
    thin.apply_translation((20, 20, 0))
    thin = trimesh.util.concatenate([box(), thin])
    assert "sliver" in checks(scene(mesh_object("m"), m=thin))


def test_overlap(scene):
    found = checks(scene(house("a", 20, 20), house("b", 24, 20, height=5)))
    assert set(found) == {"overlap"}
    assert found["overlap"].objects == ("a and b (300 m3)",)


@pytest.mark.parametrize(("gap_m", "is_told"), [(0.2, False), (0.4, True)])
def test_a_gap_below_a_house_is_told_from_a_third_of_a_metre_on(scene, gap_m, is_told):
    assert ("floating" in checks(scene(house("h", 20, 20, base=gap_m)))) == is_told
    on_top = house("roof", 20, 20, base=9.0 + gap_m, height=3)
    assert ("floating" in checks(scene(house("a", 20, 20), on_top))) == is_told


def test_floating(scene):
    stands = house("roof", 20, 20, base=9.0, height=3)
    found = checks(scene(house("a", 20, 20), stands, house("kite", -40, 0, base=20)))
    assert set(found) == {"floating"}
    assert found["floating"].objects == ("kite",)


def test_floating_walls_count_by_what_they_enclose(scene):
    walls = trimesh.creation.box((8, 8, 8))
    walls.update_faces(np.abs(walls.face_normals[:, 2]) < 0.5)
    walls.apply_translation((20, 20, 3.5))
    roof = house("roof", 15, 15, base=7.5, height=1)
    assert set(checks(scene(mesh_object("m"), roof, m=walls))) == {"open"}


def test_transmitter_inside(scene):
    found = checks(scene(house("a", -5, -5, height=40)))
    assert set(found) == {"device"}
    assert found["device"].severity == "error"
    assert found["device"].objects == ("transmitter a in a",)


def test_receivers_inside_and_under_the_ground(scene):
    positions = "[[25.0, 25.0, 1.5], [50.0, 50.0, -3.0], [50.0, 50.0, 1.5]]"
    head = HEAD + f'\n[receivers]\nkind = "list"\npositions_m = {positions}\n'
    found = lint_scene(load_recipe(scene(house("a", 20, 20), head=head)))
    assert [(f.severity, f.objects) for f in found] == [
        ("warning", ("receiver 0 in a",)),
        ("warning", ("receiver 1",)),
    ]


def test_material_out_of_range_and_unknown(scene):
    head = HEAD.replace("3500000000.0", "60e9")
    found = checks(scene(house("a", 20, 20), head=head))
    assert found["material"].severity == "error"
    assert "'brick' (ITU-R P.2040 table) covers 1-40, 110-330 GHz, got 60 GHz" in str(
        found["material"]
    )
    leafy = scene(house("w", 20, 20, material="vegetation"), head=head)
    assert "'vegetation' (ITU-R P.833 woodland)" in checks(leafy)["material"].message


def test_vegetation_may_overlap_and_is_no_solid(scene):
    wood = house("w", -20, -20, side=60, height=40, base=0.0, material="vegetation")
    assert checks(scene(house("a", 20, 20), wood)) == {}


def test_heights_that_were_assumed(scene):
    file = scene(house("a", 20, 20), house("b", 50, 20, height=12))
    report = {"buildings": 2, "default_height_objects": {"a": 9.5, "b": 9.5, "gone": 9.5}}
    (file.parent / "build.json").write_text(json.dumps(report))
    found = checks(file)
    assert set(found) == {"height"}
    assert set(found["height"].objects) == {"a", "gone"}


def test_many_triangles(scene, monkeypatch):
    monkeypatch.setattr("rtwin.scene.lint.check.MANY_TRIANGLES", 10)
    monkeypatch.setattr("rtwin.scene.lint.check.MANY_IN_ONE", 11)
    found = lint_scene(load_recipe(scene(house("a", 20, 20))))
    assert [f.check for f in found] == ["heavy", "heavy"]


def test_facts_of_a_box():
    mesh = box()
    facts = mesh_facts("m", mesh.vertices, mesh.faces)
    assert (facts.open_edges, facts.crowded_edges, facts.duplicates, facts.slivers) == (0,) * 4
    assert facts.is_closed
    assert not facts.is_turned


def test_crossings_are_those_of_the_box():
    corners = box(0, 0).vertices[box(0, 0).faces]
    points = np.array([[0, 0, 3.0], [0, 0, -3.0], [0, 0, 9.0], [9, 0, 3.0], [4 - 1e-4, 0, 0]])
    assert crossings_above(points, corners).tolist() == [1, 2, 0, 0, 1]


def fixed(file):
    done = fix_scene(load_recipe(file), file)
    return done, checks(file)


def test_fix_mesh(scene):
    """A missing face, turned faces, a repeated face, each in its own mesh."""
    holed, turned, double = box(20), box(40), box(60)
    holed.update_faces(np.arange(12) != 3)
    turned.faces = turned.faces[:, ::-1]
    double.faces = np.concatenate([double.faces, double.faces[:1]])
    file = scene(
        *map(mesh_object, ("holed", "turned", "double")), holed=holed, turned=turned, double=double
    )
    assert set(checks(file)) == {"open", "inward", "duplicate"}
    done, left = fixed(file)
    assert len(done) == 3
    assert left == {}
    for mesh in build_meshes(load_recipe(file))[1:]:
        assert mesh.mesh.volume == pytest.approx(512, rel=1e-6)
    assert "# A comment that must survive." in file.read_text()
    assert fix_scene(load_recipe(file), file) == []


def test_fix_leaves_large_openings(scene):
    """A building without a floor is meant to be one."""
    mesh = box()
    mesh.update_faces(mesh.face_normals[:, 2] > -0.5)
    file = scene(mesh_object("m"), m=mesh)
    assert fix_scene(load_recipe(file), file) == []
    assert set(checks(file)) == {"open"}


def test_fix_applies_scale_and_offset_once(scene):
    mesh = box(0, 0)
    mesh.faces = mesh.faces[:, ::-1]
    file = scene(mesh_object("m") + "scale = 2.0\noffset_m = [60.0, 0.0, 0.5]\n", m=mesh)
    before = build_meshes(load_recipe(file))[1].mesh.bounds
    done, left = fixed(file)
    assert done == ["m: faces turned outwards"]
    assert np.allclose(build_meshes(load_recipe(file))[1].mesh.bounds, before, atol=1e-5)
    assert left == {}


def test_fix_overlap(scene):
    low = house("b", 24, 20, height=5)
    file = scene(house("a", 20, 20), low, house("in", 22, 22, side=3, height=4))
    done, left = fixed(file)
    assert done == [
        "b: 60.0 m2 inside of a higher neighbour cut off",
        "in: removed, inside of higher neighbours",
    ]
    assert left == {}
    meshes = {m.name: m.mesh for m in build_meshes(load_recipe(file))}
    assert meshes["b"].volume == pytest.approx(4 * 10 * 5)
    assert "in" not in meshes


def test_fix_leaves_what_is_good_to_the_byte(scene):
    file = scene(house("a", 20.123456789, 20), house("b", 50, 20), house("c", 55, 20, height=4))
    before = tomllib.loads(file.read_text())["object"][:3]
    fixed(file)
    assert tomllib.loads(file.read_text())["object"][:3] == before


def test_fix_splits_what_falls_apart(scene):
    long = house("long", 0, 20, side=30, height=5)
    ring = "[[10, 10], [20, 10], [20, 60], [10, 60]]"
    across = house("wall", 10, 0, side=10, height=20)
    across = across.replace("[[10, 0], [20, 0], [20, 10], [10, 10]]", ring)
    assert ring in across
    file = scene(long, across)
    _, left = fixed(file)
    assert left == {}
    names = {item.name for item in load_recipe(file).object}
    assert names == {"ground", "long", "long_2", "wall"}


def test_fix_bow_tie(scene):
    bow = house("bow", 20, 20).replace("[30.0, 20], [30.0, 30.0]", "[30.0, 30.0], [30.0, 20]")
    file = scene(bow)
    assert set(checks(file)) == {"broken"}
    done, left = fixed(file)
    assert done == ["bow: crossing edges taken apart, 2 pieces"]
    assert left == {}


def test_fix_refuses_what_is_not_ours():
    with pytest.raises(RecipeError) as caught:
        fix_scene(load_recipe("munich"), load_recipe("munich").folder / "scene.toml")
    assert_one_line(caught, "its geometry is a ready-made scene; import that with")


def test_shipped_scenes_of_our_own_are_clean():
    for name in ("courtyard", "office"):
        assert lint_scene(load_recipe(name)) == []
        assert recipe_dict(load_recipe(name))["object"]
