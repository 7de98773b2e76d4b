"""What is odd about a scene is said in so many words, and nothing is said of a sound one."""

import pytest

from rtwin.scene import recipe_from_dict
from rtwin.trace import load_world
from rtwin.trace.world.remarks import remarks

from ...tables import box, plane, plane_scene

MAST = {"name": "mast", "position_m": [0, 0, 10]}


def said(**changes):
    scene = plane_scene(box("box", [8, 0, 3], [6, 6, 8]), **changes)
    return remarks(load_world(recipe_from_dict(scene)))


def test_sound_scene():
    assert said() == []


@pytest.mark.parametrize(
    ("position", "line"),
    [
        ([8, 0, 3], "transmitter 'mast' is inside an object"),
        ([0, 0, -1], "transmitter 'mast' is under the ground"),
    ],
)
def test_transmitter_where_none_stands(position, line):
    other = {"name": "other", "position_m": [-10, 0, 10]}
    assert said(transmitter=[other, MAST | {"position_m": position}]) == [line]


def test_scattering_of_nothing():
    solver = {"diffuse_reflection": True}
    line = "diffuse_reflection is on, but no material has a scattering_coefficient above 0"
    assert said(solver=solver) == [line]
    rough = {"brick": {"scattering_coefficient": 0.3}}
    assert said(solver=solver, materials=rough) == []


def test_nothing_propagates():
    kinds = ("line_of_sight", "specular_reflection", "refraction", "diffraction")
    line = "every kind of propagation is switched off, so that there are no paths"
    assert said(solver=dict.fromkeys(kinds, False)) == [line]
    assert said(solver=dict.fromkeys(kinds[1:], False)) == []


def test_scene_far_from_its_origin():
    """At 90 km neighbouring numbers of single precision are 7.8 mm apart, 33 degrees at 3.5 GHz."""
    far = plane(center_m=[90_000, 0, 0], size_m=[60, 60])
    mast = MAST | {"position_m": [90_000, 0, 10]}
    assert said(object=[far], transmitter=[mast]) == [
        "the scene reaches 90 km from its origin, where single precision places points to 7.8 mm: "
        "phases of reflected and diffracted paths are off by about 33 degrees; put the origin into "
        "the scene"
    ]
    near = plane(center_m=[9_000, 0, 0], size_m=[60, 60])
    mast = MAST | {"position_m": [9_000, 0, 10]}
    assert said(object=[near], transmitter=[mast]) == []
    [line] = said(object=[near], transmitter=[mast], frequency_hz=60e9)
    assert "places points to 0.98 mm" in line
