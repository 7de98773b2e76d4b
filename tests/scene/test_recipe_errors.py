"""Every way to write a recipe wrong gives one line that says what is wrong."""

import math

import pytest

from rtwin.errors import RecipeError
from rtwin.scene import recipe_from_dict

from .helpers import assert_one_line, table

NAN, INF = math.nan, math.inf
TX = "transmitter.0"
WALL = {"name": "w", "material": "brick", "shape": "wall", "height_m": 3}
WALL |= {"from_m": [0, 0], "to_m": [4, 0]}
BIG_HOLE = {"start_m": 1, "end_m": 5, "bottom_m": 0, "top_m": 2}
NARROW = {"start_m": 2, "end_m": 1, "bottom_m": 0, "top_m": 2}
GEO = {"epsg": 32617, "origin_lat_deg": 36.0, "origin_lon_deg": -78.9}
GEO |= {"origin_easting_m": 689000.0, "origin_northing_m": 3986000.0}
PLACE = {"lat_deg": 36.0, "lon_deg": -78.9, "z_m": 20}
TRACK = {"kind": "trajectory", "speed_m_s": 1, "interval_s": 1}

CASES = [
    # key, value, parts of the line
    ("frequncy_hz", 1, "unknown key 'frequncy_hz'; did you mean 'frequency_hz'?"),
    ("solver.max_dept", 3, "unknown key 'solver.max_dept'; did you mean 'max_depth'?"),
    ("solver.qqq", 3, "unknown key 'solver.qqq'; allowed: max_depth, rays"),
    (f"{TX}.antenna", {"patern": "iso"}, "'transmitter[0].antenna.patern'; did you mean 'pattern'"),
    ("object.0.bad\nkey", 3, "unknown key 'object[0].bad key'"),
    ("solver.max_depth", 99, "solver.max_depth = 99: must be less than or equal to 10"),
    ("solver.max_depth", 2.5, "solver.max_depth = 2.5: must be a whole number"),
    ("solver.max_depth", True, "solver.max_depth = True: must be a number"),
    ("solver.rays", "many", "solver.rays = 'many': must be a number"),
    ("solver.rays", 10, "solver.rays = 10: must be greater than or equal to 1000"),
    ("solver.refraction", 1, "solver.refraction = 1: must be true or false"),
    ("solver.strongest_paths", 0, "solver.strongest_paths = 0"),
    ("solver", 3, "solver = 3: must be a table"),
    ("title", "two\nlines", "title must be one line"),
    ("title", 3, "title = 3: must be a valid string"),
    ("environment", "moon", "environment = 'moon': must be 'outdoor' or 'indoor'"),
    ("frequency_hz", NAN, "frequency_hz = nan: must be a finite number"),
    ("frequency_hz", INF, "frequency_hz = inf: must be a finite number"),
    ("seed", 10**5000, "must be a finite number"),
    ("frequency_hz", 10**400, "must be a finite number"),
    ("frequency_hz", -1.0, "frequency_hz = -1.0"),
    ("bandwidth_hz", 8e9, "bandwidth_hz = 8e+09 reaches below 0 Hz"),
    ("seed", -1, "seed = -1: must be greater than or equal to 0"),
    # transmitters
    ("transmitter", [], "transmitter = []: must have at least 1 item"),
    (f"{TX}.position_m", [0, 1], "transmitter[0].position_m = [0, 1]: must have 3 items, not 2"),
    (f"{TX}.position_m", [0, 1, 2, 3], "must have at most 3 items, not 4"),
    (f"{TX}.position_m", [0, 1, "x"], "transmitter[0].position_m[2] = 'x': must be a number"),
    (f"{TX}.position_m", [0, 1, NAN], "transmitter[0].position_m[2] = nan"),
    (f"{TX}.position_m", [0, 1, 1e7], "must be less than or equal to 100000"),
    (f"{TX}.position_m", 3, "transmitter[0].position_m = 3: must be a list"),
    (f"{TX}.name", "a b", "transmitter[0].name = 'a b': may hold letters"),
    (f"{TX}.antenna", {"pattern": "isotropic"}, "antenna.pattern = 'isotropic': must be iso"),
    (f"{TX}.look_at_m", [0, 0, 10], "transmitter 'a' looks at its own position"),
    # geometry and objects
    ("object", [], "no geometry is given; give exactly one of geometry.sionna"),
    ("geometry.sionna", "munich", "geometry.sionna and [[object]] are given; give exactly one"),
    ("geometry.ground", ["grund"], "geometry.ground names 'grund', which is no object; did you"),
    ("georeference", GEO | {"origin_lat_deg": "x"}, "georeference.origin_lat_deg = 'x': must be"),
    ("georeference", GEO | {"epsg": 9}, "georeference.epsg = 9: must be greater than or equal"),
    (f"{TX}.position_m", PLACE, "transmitter[0].position_m is given in latitude and longitude"),
    (f"{TX}.position_m", PLACE | {"lat_deg": 91}, "transmitter[0].position_m: lat_deg = 91: must"),
    ("object_settings", {"x": {}}, "object_settings is for geometry.sionna and geometry.file"),
    ("object.0.shape", "plain", "object[0].shape = 'plain': did you mean 'plane'?"),
    ("object.0", {"name": "x"}, "missing key 'object[0].shape'"),
    ("object.0", 4, "object[0] = 4: must be a table"),
    ("object.0.size_m", [1, -1], "object[0].size_m[1] = -1: must be greater than 0"),
    ("object.0.material", "concret", "unknown material; did you mean 'concrete'?"),
    ("object.0", WALL | {"openings": [BIG_HOLE]}, "openings[0] of wall 'w' spans 1-5 m along"),
    ("object.0", WALL | {"openings": [NARROW]}, "openings[0] of wall 'w' spans 2-1 m along"),
    ("object.0", WALL | {"to_m": [0, 0]}, "wall 'w' has no length"),
    ("object.0.file", "x.ply", "unknown key 'object[0].file'"),
    # materials
    ("materials", {"foo": {}}, "materials.foo: 'foo' is not in the ITU-R P.2040 table"),
    ("materials", {"brik": {}}, "did you mean 'brick'?"),
    ("materials", {"brick": {"thickness_m": -1}}, "materials.brick.thickness_m = -1"),
    ("materials", {"brick": {"relative_permittivity": 3}}, "conductivity_s_per_m together"),
    (
        "materials",
        {"x": {"itu": "brick", "relative_permittivity": 3, "conductivity_s_per_m": 0}},
        "exclude each other",
    ),
    ("materials", {"brick": {"scattering_pattern": "directive"}}, "takes alpha_r; add alpha_r"),
    ("materials", {"brick": {"alpha_r": 3}}, "'lambertian' takes no alpha_r"),
    ("materials", {"brick": {"scattering_coefficient": 1.5}}, "less than or equal to 1"),
    # receivers
    ("receivers", {"kind": "rndom"}, "receivers.kind = 'rndom': did you mean 'random'?"),
    ("receivers", {"count": 3}, "missing key 'receivers.kind'"),
    ("receivers", {"kind": "random", "height_m": -1}, "receivers.height_m = -1"),
    ("receivers", {"kind": "random", "area": [1, 1, 0, 2]}, "with min below max"),
    ("receivers", {"kind": "list", "positions_m": []}, "must have at least 1 item"),
    (
        "receivers",
        {"kind": "list", "positions_m": [[1, 1, 1], [0, 0, 10.005]]},
        "receiver 1 at [0.0, 0.0, 10.005] is 0.005 m from transmitter 'a'",
    ),
    ("receivers", {"kind": "csv", "file": "../x.csv"}, "must be a path inside the recipe's folder"),
    ("receivers", {"kind": "csv", "file": "/etc/x.csv"}, "must be a path inside"),
    ("receivers", {"kind": "csv", "file": "C:\\x.csv"}, "must be a path inside"),
    ("receivers", TRACK | {"waypoints_m": [[0, 0, 1]]}, "must have at least 2 items"),
    ("receivers", TRACK | {"waypoints_m": [[0, 0, 1], [0, 0, 1]]}, "are the same point"),
    (
        "radio_map.cell_size_m",
        0,
        "cell_size_m = 0: must be greater than or equal to 0.01",
    ),
    ("camera", {"position_m": [0, 0, 0], "look_at_m": [0, 0, 0]}, "camera looks at its own"),
    ("camera", {"position_m": [0, 0, 0]}, "missing key 'camera.look_at_m'"),
]


@pytest.mark.parametrize(("key", "value", "part"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_one_line(key, value, part):
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(table((key, value)), where="scenes/x/scene.toml")
    assert_one_line(caught, "scenes/x/scene.toml: ", part)
    assert "more)" not in str(caught.value)


def test_several_problems_are_counted():
    data = table(("seed", -1), ("solver.max_depth", 99), ("environment", "moon"))
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(data)
    assert_one_line(caught, "environment = 'moon'", "(and 2 more)")


def test_missing_keys():
    data = table()
    del data["title"], data["frequency_hz"]
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(data)
    assert_one_line(caught, "missing key 'title'", "(and 1 more)")


@pytest.mark.parametrize(
    ("second", "part"),
    [
        ({"name": "b", "position_m": [0, 0, 10.001]}, "transmitters 'a' and 'b' are at the same"),
        ({"name": "a", "position_m": [0, 0, 20]}, "two transmitters are named 'a'"),
        (
            {"name": "b", "position_m": [0, 0, 20], "azimuth_deg": 0, "look_at_m": [1, 1, 1]},
            "has look_at_m and azimuth_deg",
        ),
    ],
)
def test_two_transmitters(second, part):
    data = table()
    data["transmitter"].append(second)
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(data)
    assert_one_line(caught, part)


def test_two_objects_of_one_name():
    data = table()
    data["object"] *= 2
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(data)
    assert_one_line(caught, "2 objects are named 'ground'")


def test_nesting_without_end():
    data: dict = {}
    for _ in range(100_000):
        data = {"title": data}
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(table(("title", data)))
    assert_one_line(caught)
