"""Mesh files and Mitsuba scenes."""

import numpy as np
import pytest
import trimesh

from rtwin.errors import GeometryError, OutOfRangeError
from rtwin.scene import build_meshes, load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.readers.meshes import mitsuba_map
from rtwin.scene.build.readers.read import read_source
from rtwin.scene.lint import lint_scene

from ...helpers import assert_one_line
from ..maps import feature, save_geojson, square


def town():
    """Two houses and the ground, z up."""
    ground = trimesh.creation.box((100, 80, 0.2))
    one = trimesh.creation.box((10, 12, 8))
    one.apply_translation((-20, 5, 4))
    two = trimesh.creation.box((8, 8, 20))
    two.apply_translation((15, -10, 10))
    return {"ground": ground, "brick_house": one, "tower": two}


@pytest.mark.parametrize("suffix", ["ply", "stl", "off", "obj"])
def test_one_mesh_is_taken_apart(suffix, tmp_path):
    path = tmp_path / f"town.{suffix}"
    trimesh.util.concatenate(list(town().values())).export(path)
    found = read_source(path)
    assert found.epsg is None
    assert found.notes["connected pieces made objects of their own"] == 3
    kinds = {s.name: "building" in s.tags for s in found.solids}
    assert kinds == {"ground": False, **{n: True for n in kinds if n != "ground"}}
    volumes = sorted(trimesh.Trimesh(s.vertices, s.faces).volume for s in found.solids)
    assert volumes == pytest.approx([960, 1280, 1600], rel=1e-5)


def test_glb_keeps_names_and_its_own_up(tmp_path):
    """glTF has y up: what a z-up program exports is turned on the way, and back here."""
    scene = trimesh.Scene(town())
    turn = trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0))
    scene.apply_transform(turn)
    path = tmp_path / "town.glb"
    scene.export(path)
    found = {s.name: s for s in read_source(path).solids}
    assert set(found) == {"ground", "brick_house", "tower"}
    assert "building" not in found["ground"].tags
    assert found["brick_house"].material == "brick"
    low, high = found["tower"].vertices.min(axis=0), found["tower"].vertices.max(axis=0)
    assert np.allclose([low, high], [[11, -14, 0], [19, -6, 20]], atol=1e-5)


def test_up_may_be_told(tmp_path):
    path = tmp_path / "tower.stl"
    trimesh.creation.box((2, 30, 4)).export(path)
    (solid,) = read_source(path, up="y").solids
    assert np.ptp(solid.vertices, axis=0) == pytest.approx([2, 4, 30])


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("a.ply", b"ply\nnonsense", "cannot be read as ply"),
        ("a.glb", b"glTF\0\0", "cannot be read"),
        ("a.obj", b"v 0 0 0\n", "holds no triangles"),
        ("a.stl", b"", "is empty"),
        ("a.dxf", b"x", "is of no format that is read; read are OpenStreetMap"),
    ],
)
def test_broken_files(name, data, part, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / name)
    assert_one_line(caught, name, part)


def test_missing_file(tmp_path):
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / "none.osm")
    assert_one_line(caught, "no such file; give a map or mesh file")


SCENE = """<scene version="2.1.0">
<bsdf type="itu-radio-material" id="wall"><string name="type" value="brick"/></bsdf>
<bsdf type="diffuse" id="mat-itu_metal"/>
<shape type="ply" id="mesh-house"><string name="filename" value="meshes/box.ply"/>
  <transform name="to_world"><scale value="2"/><rotate z="1" angle="90"/>
    <translate x="10" y="0" z="1"/></transform><ref id="wall" name="bsdf"/></shape>
<shape type="ply" id="mesh-roof"><string name="filename" value="meshes/box.ply"/>
  <ref id="mat-itu_metal" name="bsdf"/></shape>
<shape type="ply" id="odd"><string name="filename" value="meshes/box.ply"/>
  <ref id="mat-cheese" name="bsdf"/></shape>
<shape type="sphere" id="ball"/>
</scene>"""


def scene(tmp_path, text=SCENE):
    (tmp_path / "meshes").mkdir(exist_ok=True)
    trimesh.creation.box((1, 3, 1)).export(tmp_path / "meshes/box.ply")
    (tmp_path / "scene.xml").write_text(text)
    return tmp_path / "scene.xml"


def test_mitsuba(tmp_path):
    found = read_source(scene(tmp_path))
    assert [(s.name, s.material) for s in found.solids] == [
        ("house", "brick"),
        ("roof", "metal"),
        ("odd", None),
    ]
    low = found.solids[0].vertices.min(axis=0)
    assert np.allclose(
        [low, low + np.ptp(found.solids[0].vertices, axis=0)], [[7, -1, 0], [13, 1, 2]]
    )
    assert sum(found.notes.values()) == 2


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("meshes/box.ply", "../box.ply", "outside the scene's folder"),
        ("meshes/box.ply", "meshes/none.ply", "which is missing"),
        ("<scene", "<!DOCTYPE x [<!ENTITY a 'b'>]><scene", "declares XML entities"),
        ("<scale", "<shear", "cannot read the <shear> of a shape's transform"),
        ("</scene>", "", "not well-formed XML"),
        ('type="ply"', 'type="cube"', "has no shapes of type ply or obj"),
    ],
)
def test_broken_scenes(old, new, part, tmp_path):
    with pytest.raises(GeometryError) as caught:
        mitsuba_map(scene(tmp_path, SCENE.replace(old, new)))
    assert_one_line(caught, "scene.xml", part)


def block(scale, tmp_path):
    """A house of 12 x 8 x 6 m on a yard of 100 m, in other units."""
    import trimesh

    house = trimesh.creation.box((12, 8, 6))
    house.apply_translation((0, 0, 3))
    yard = trimesh.creation.box((100, 100, 0.1))
    whole = trimesh.util.concatenate([house, yard])
    whole.apply_scale(scale)
    whole.export(tmp_path / "block.obj")
    return tmp_path / "block.obj"


@pytest.mark.parametrize(
    ("scale", "options"),
    [(1e3, {"units": "mm"}), (1e3, {"scale": 1e-3}), (39.3700787, {"units": "in"})],
)
def test_units_become_metres(scale, options, tmp_path):
    report = build_scene([block(scale, tmp_path)], tmp_path / "out", **options)
    assert not any("--units" in note for note in report["notes"])
    recipe = load_recipe(tmp_path / "out")
    house = next(m.mesh for m in build_meshes(recipe) if m.name not in recipe.geometry.ground)
    assert house.extents == pytest.approx([12, 8, 6], rel=1e-4)
    assert lint_scene(recipe) == []


@pytest.mark.parametrize(
    ("scale", "note"),
    [
        (1e3, "objects over 1 km high or 5 km wide: are the --units right?"),
        (1e-3, "objects, none of them 2 m large: are the --units right?"),
    ],
)
def test_absurd_sizes_are_said(scale, note, tmp_path):
    """Millimetres taken for metres: a house 12 km wide in a scene of 100 km."""
    report = build_scene([block(scale, tmp_path)], tmp_path / "out")
    assert report["notes"][note] == 1
    assert "size" in {f.check for f in lint_scene(load_recipe(tmp_path / "out"))}


@pytest.mark.parametrize("far", [1e9, 1e27])
def test_coordinates_beyond_any_scene(far, tmp_path):
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nv {far} 0 0\nv 0 {far} 0\nf 1 2 3\n")
    with pytest.raises(GeometryError) as caught:
        build_scene([tmp_path / "a.obj"], tmp_path / "out")
    assert_one_line(caught, "--units")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["obj", "ply"])
def test_faces_of_corners_that_are_not_there(suffix, tmp_path):
    corners = [(0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)]
    if suffix == "obj":
        text = "".join(f"v {x} {y} {z}\n" for x, y, z in corners) + "f 1 2 3\nf 1 2 99\n"
    else:
        text = (
            "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
            "property float z\nelement face 2\nproperty list uchar int vertex_indices\nend_header\n"
        )
        text += "".join(f"{x} {y} {z}\n" for x, y, z in corners) + "3 0 1 2\n3 0 1 98\n"
    (tmp_path / f"a.{suffix}").write_text(text)
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / f"a.{suffix}")
    assert_one_line(caught, f"a.{suffix}")


def test_a_scale_is_for_files_without_a_reference_system(tmp_path):
    path = save_geojson(tmp_path / "a.geojson", feature(square(0, 0)))
    with pytest.raises(OutOfRangeError) as caught:
        build_scene([path], tmp_path / "out", units="mm")
    assert_one_line(caught, "EPSG:4326")


def test_an_object_has_the_name_of_its_node(tmp_path):
    """Programs name what a mesh is of, not what it is used for; one mesh may be used twice."""
    scene = trimesh.Scene()
    for name, x in (("east_house", 30.0), ("west_house", -30.0)):
        place = trimesh.transformations.translation_matrix((x, 0, 0))
        box = trimesh.creation.box((10, 12, 8))
        scene.add_geometry(box, node_name=name, geom_name="cube", transform=place)
    scene.export(tmp_path / "a.glb")
    found = {solid.name for solid in read_source(tmp_path / "a.glb").solids}
    assert found == {"east_house", "west_house"}
