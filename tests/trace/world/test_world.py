"""Loading scenes: what is ground, what is inside, and files that strangers wrote."""

import numpy as np
import pytest

from rtwin.errors import GeometryError, RecipeError, RtwinError
from rtwin.scene import load_recipe, recipe_from_dict
from rtwin.trace import ground_height_m, is_clear, is_inside, load_world

from ...tables import box, plane_scene


def test_objects_and_materials_keep_their_names(two_boxes):
    world = load_world(two_boxes())
    assert world.object_names == ("ground", "brick_box", "metal_box", "sheet")
    assert world.material_names == ("brick", "concrete", "glass", "metal")
    counts = np.bincount(world.triangles.object)
    assert counts.tolist() == [2, 12, 12, 2]
    of_brick = world.triangles.object == 1
    assert {world.material_names[m] for m in world.triangles.material[of_brick]} == {"brick"}


def test_coplanar_triangles_share_a_plane_number(two_boxes):
    world = load_world(two_boxes())
    planes = [len(set(world.triangles.plane[world.triangles.object == i])) for i in range(4)]
    assert planes == [1, 6, 6, 1]


def test_scene_hash_is_of_what_a_wave_can_feel(two_boxes):
    same = load_world(two_boxes(title="another title", seed=9)).scene_hash
    assert same == load_world(two_boxes()).scene_hash
    other = load_world(two_boxes(materials={"glass": {"thickness_m": 0.01}})).scene_hash
    assert other != same


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((20, 12, 3), True),
        ((0, 0, 0.005), True),
        ((0, 0, 0.02), False),
        ((20, 12, 30), False),
        ((0, 0, 1), False),
        ((-18, -15, 2), True),
    ],
)
def test_inside(two_boxes, point, inside):
    world = load_world(two_boxes())
    assert is_inside(world, [point]).tolist() == [inside]


def test_a_house_behind_a_sheet_has_an_inside():
    """A curtain of glass in front of the office let sideways rays count one face too many."""
    world = load_world(load_recipe("courtyard"))
    inside, in_front, between = [20.0, -23.0, 1.5], [20.0, -30.0, 1.5], [20.0, -27.3, 1.5]
    assert is_inside(world, [inside, in_front, between]).tolist() == [True, False, False]


def test_inside_indoors_means_inside_closed_solids():
    world = load_world(load_recipe("office"))
    cabinet = next(item for item in world.recipe.object if item.shape == "box")
    center = np.array(cabinet.center_m)
    # A ceiling hangs over the free point as well.
    free = center + np.array([0, 0, 0.5 * cabinet.size_m[2] + 0.2])
    assert is_inside(world, [center, free]).tolist() == [True, False]


def test_what_stands_within_a_margin_of_an_end_is_not_in_the_way():
    mast = [{"name": "mast", "position_m": [20, 0, 8]}]
    scene = plane_scene(box("house", [0, 0, 5], [10, 10, 10]), transmitter=mast)
    world = load_world(recipe_from_dict(scene))
    ends = [[-20, 0, 5], [4.98, 0, 5], [4.995, 0, 5], [5.005, 0, 5], [20, 20, 5], [20, 0, 5]]
    start = np.tile([20.0, 0, 5], (len(ends), 1))
    assert is_clear(world, start, ends).tolist() == [False, False, True, True, True, True]
    near = is_clear(world, start, ends, margin_m=1e-3)
    assert near.tolist() == [False, False, False, True, True, True]


def test_ground_height(two_boxes):
    world = load_world(two_boxes())
    # Under a box as well: the ground, not the roof.
    heights = ground_height_m(world, [[0, 0], [20, 12], [500, 0]])
    np.testing.assert_allclose(heights[:2], 0.0, atol=1e-5)
    assert np.isnan(heights[2])


def scene_file(tmp_path, xml, extra=""):
    (tmp_path / "scene.xml").write_text(xml)
    return recipe_from_dict(
        {
            "title": "t",
            "frequency_hz": 3.5e9,
            "geometry": {"file": "scene.xml"},
            "transmitter": [{"name": "tx", "position_m": [0, 0, 10]}],
        },
        "stranger",
        tmp_path,
    )


SQUARE = (
    '<shape type="ply" id="mesh-floor"><string name="filename" value="{file}"/>'
    '<ref id="mat-itu_{material}" name="bsdf"/></shape>'
)
MATERIAL = '<bsdf type="diffuse" id="mat-itu_concrete"/>'


def ply(path):
    path.write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n10 0 0\n0 10 0\n3 0 1 2\n"
    )


def test_users_scene_file(tmp_path):
    ply(tmp_path / "floor.ply")
    body = MATERIAL + SQUARE.format(file="floor.ply", material="concrete")
    world = load_world(scene_file(tmp_path, f'<scene version="2.1.0">{body}</scene>'))
    assert world.object_names == ("floor",)
    assert world.materials["concrete"].relative_permittivity == pytest.approx(5.24)


ITU = (
    '<bsdf type="itu-radio-material" id="concrete"><string name="type" value="concrete"/>'
    '<float name="thickness" value="0.2"/><float name="scattering_coefficient" value="0.4"/>'
    '<float name="xpd_coefficient" value="0.3"/>{more}</bsdf>'
)
LOBE = (
    '<string name="scattering_pattern" value="backscattering"/><integer name="alpha_r" value="3"/>'
    '<integer name="alpha_i" value="5"/><float name="lambda_" value="0.25"/>'
)


@pytest.mark.parametrize("more", ["", LOBE])
def test_what_a_scene_file_says_of_scattering_is_kept(tmp_path, more):
    ply(tmp_path / "floor.ply")
    square = SQUARE.format(file="floor.ply", material="concrete").replace("mat-itu_", "")
    xml = f'<scene version="2.1.0">{ITU.format(more=more)}{square}</scene>'
    world = load_world(scene_file(tmp_path, xml))
    found = world.materials["concrete"]
    assert (found.scattering_coefficient, found.xpd_coefficient) == (0.4, 0.3)
    assert found.thickness_m == pytest.approx(0.2)
    pattern = (found.scattering_pattern, found.alpha_r, found.alpha_i, found.lambda_)
    assert pattern == (("backscattering", 3, 5, 0.25) if more else ("lambertian", *[None] * 3))
    made = world.radio_materials["concrete"]
    assert made.scattering_coefficient[0] == pytest.approx(0.4)
    assert made.scattering_pattern.__class__.__name__.lower().startswith(pattern[0])


def test_a_pattern_that_is_not_known_is_said(tmp_path):
    ply(tmp_path / "floor.ply")
    more = '<string name="scattering_pattern" value="halo"/>'
    square = SQUARE.format(file="floor.ply", material="concrete").replace("mat-itu_", "")
    xml = f'<scene version="2.1.0">{ITU.format(more=more)}{square}</scene>'
    with pytest.raises(GeometryError, match=r"material 'concrete'.*'halo'.*'lambertian'"):
        load_world(scene_file(tmp_path, xml))


BOMB = '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("xml", "line"),
    [
        (BOMB + '<scene version="2.1.0"/>', "XML entities"),
        ('<scene version="2.1.0"><include filename="/etc/passwd"/></scene>', "<include>"),
        ('<scene version="2.1.0">', "not well-formed"),
        ('<scene version="2.1.0"></scene>', "no triangles"),
        (
            '<scene version="2.1.0">'
            + MATERIAL
            + SQUARE.format(file="../../etc/floor.ply", material="concrete")
            + "</scene>",
            "outside the scene's folder",
        ),
        (
            '<scene version="2.1.0">'
            + MATERIAL
            + SQUARE.format(file="absent.ply", material="concrete")
            + "</scene>",
            "missing",
        ),
        (
            '<scene version="2.1.0">' + MATERIAL + '<shape type="rectangle" id="r">'
            '<ref id="mat-itu_concrete" name="bsdf"/></shape></scene>',
            "convert it to PLY",
        ),
        (
            '<scene version="2.1.0">'
            + MATERIAL
            + SQUARE.format(file="floor.ply", material="concrete").replace(
                "<ref", '<transform name="to_world"><scale value="0"/></transform><ref'
            )
            + "</scene>",
            "has no area",
        ),
        ('<scene version="2.1.0"><bsdf type="nonsense" id="x"/></scene>', "could not be loaded"),
    ],
)
def test_bad_scene_file_is_one_line(tmp_path, xml, line):
    ply(tmp_path / "floor.ply")
    with pytest.raises(GeometryError) as caught:
        load_world(scene_file(tmp_path, xml))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"geometry": {"sionna": "munchen"}, "object": []}, "allowed are"),
        ({"geometry": {"sionna": "munich", "ground": ["grund"]}, "object": []}, "'grund'"),
        (
            {
                "geometry": {"sionna": "etoile"},
                "object": [],
                "object_settings": {"no_such_house": {"velocity_m_s": [1, 0, 0]}},
            },
            "no_such_house",
        ),
        (
            {
                "geometry": {"sionna": "etoile"},
                "object": [],
                "materials": {"brick": {"thickness_m": 0.2}},
            },
            "used by no object",
        ),
        ({"frequency_hz": 60e9}, "brick"),
    ],
)
def test_settings_that_meet_nothing_are_one_line(two_boxes, changes, line):
    with pytest.raises(RtwinError) as caught:
        load_world(two_boxes(**changes))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, RecipeError)
