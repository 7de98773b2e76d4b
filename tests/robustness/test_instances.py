"""What was once a traceback, a hang, a crash or a silent NaN: one line each now."""

import json
import os
import subprocess
import sys

import pytest

from rtwin.errors import GeometryError, RecipeError
from rtwin.scene import recipe_from_dict
from rtwin.scene.build import build_scene

from ..conftest import TWO_BOXES
from . import samples
from .worker import run_command

HUGE = "99999999999999999999"


def refused(*arguments):
    """The one line that a command ends with."""
    code, _, err, trace = run_command([str(argument) for argument in arguments])
    assert not trace, trace
    assert code != 0
    lines = [line for line in err.split("\n") if line.strip() and "━" not in line]
    if "Usage:" not in err:
        assert len(lines) == 1, err
    return " ".join(lines)


@pytest.mark.parametrize(
    ("command", "option", "values", "words"),
    [
        ("generate", "--strongest-paths", [HUGE], "solver.strongest_paths"),
        ("generate", "--receivers", [HUGE], "receivers.count"),
        ("generate", "--seed", ["-1"], "seed"),
        ("radiomap", "--cell-size", ["1e-308"], "radio_map.cell_size_m"),
        ("radiomap", "--cell-size", ["nan"], "radio_map.cell_size_m"),
        ("radiomap", "--height", ["inf"], "radio_map.height_m"),
        ("twin", "--uncertainty", ["nan"], "uncertainty_db"),
        ("twin", "--uncertainty", [HUGE], "uncertainty_db is 1e+20"),
        ("merge", "--drift", ["1e308"], "drift is 1e+308"),
        ("sample", "--seed", ["-1"], "seed is -1"),
        ("sample", "--bandwidth", ["1e300"], "bandwidth_hz is 1e+300"),
        ("sample", "--height", ["nan"], "height_m is nan"),
        ("sample", "--height", ["1e300"], "height_m is 1e+300"),
        ("sample", "--speed", ["1e9", "1e9"], "speed_m_s is 1e+09"),
        ("sample", "--speed", ["1e-300", "1e-300"], "speed_m_s is 1e-300"),
        ("sample", "--hysteresis", ["nan"], "hysteresis_db is nan"),
        ("sample", "--interval", ["1e-300"], "take fewer users"),
    ],
)
def test_options(whole_files, tmp_path, command, option, values, words):
    scene = tmp_path / "scene.toml"
    scene.write_text(samples.RECIPE)
    maps = [whole_files / "map.h5", whole_files / "pathmap.h5"]
    source = {"sample": [maps[0], "random-waypoint"], "merge": maps}.get(command, [scene])
    quiet = [] if command == "merge" else ["--quiet"]
    line = refused(command, *source, "-o", tmp_path / "o.h5", *quiet, option, *values)
    assert words in line
    assert [p.name for p in tmp_path.iterdir()] == ["scene.toml"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("transmitter.0.azimuth_deg", 1e300),
        ("transmitter.0.velocity_m_s", [1e300, 0, 0]),
        ("transmitter.0.antenna", {"num_rows": 2, "vertical_spacing": 1e300}),
        ("object.1.yaw_deg", 1e300),
        ("object.1.velocity_m_s", [0, 0, -1e30]),
        ("materials", {"own": {"relative_permittivity": 1e300, "conductivity_s_per_m": 0}}),
        ("materials", {"own": {"relative_permittivity": 4, "conductivity_s_per_m": 1e300}}),
        ("materials", {"brick": {"thickness_m": 1e300}}),
        ("temperature_k", 1e-300),
        ("bandwidth_hz", 1e-300),
        ("solver", {"strongest_paths": 10**20}),
        ("radio_map", {"cell_size_m": 1e-308}),
    ],
)
def test_recipes(key, value):
    """Numbers that would make every coefficient NaN."""
    data = json.loads(json.dumps(TWO_BOXES))
    *path, last = key.split(".")
    node = data
    for part in path:
        node = node[int(part)] if part.isdigit() else node[part]
    node[last] = value
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(data)
    assert "\n" not in str(caught.value)


OBJ = "v 0 0 0\nv 9 0 0\nv 9 9 0\nv 0 0 9\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n"
PLY = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 2
property list uchar int vertex_indices
end_header
0 0 0
9 0 0
9 9 0
0 0 9
3 0 1 2
3 0 1 3
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("far.obj", OBJ.replace("v 9 9 0", "v 1e27 9 0")),
        ("far.ply", PLY.replace("9 9 0", "1e27 9 0")),
        ("corner.obj", OBJ.replace("f 1 2 4", "f 1 2 400")),
        ("corner.ply", PLY.replace("3 0 1 3", "3 0 1 77")),
        ("below.ply", PLY.replace("3 0 1 3", "3 0 1 -5")),
        ("flat.obj", OBJ.replace(" 0\n", "\n").replace(" 9\n", "\n")),
        ("nan.obj", OBJ.replace("v 9 9 0", "v nan 9 0")),
        ("huge.obj", OBJ.replace("v 9 9 0", "v 1e308 9 0")),
    ],
)
def test_meshes(tmp_path, name, text):
    """As a source of a scene, and as an object of a recipe."""
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(GeometryError) as caught:
        build_scene([file], tmp_path / "s")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()
    table = f'[[object]]\nname = "m"\nmaterial = "brick"\nshape = "mesh"\nfile = "{name}"\n'
    recipe = tmp_path / "scene.toml"
    recipe.write_text(samples.RECIPE.replace("[materials.own]", table + "[materials.own]"))
    assert "GeometryError" in refused("generate", recipe, "-o", tmp_path / "o.h5", "--quiet")
    assert not (tmp_path / "o.h5").exists()


def changed_map(change):
    data = samples.geojson()
    change(data["features"])
    return json.dumps(data)


def far_corner(features):
    features[0]["geometry"]["coordinates"][0][2] = [1e308, 1e308]


def far_hole(features):
    hole = features[1]["geometry"]["coordinates"][0][1]
    features[1]["geometry"]["coordinates"][0][1] = [[x + 1.0, y] for x, y in hole]


@pytest.mark.parametrize("change", [far_corner, far_hole])
def test_what_is_built_can_be_traced_or_is_not_built(tmp_path, change):
    """`scene build` once wrote scenes that rtwin refused."""
    (tmp_path / "m.geojson").write_text(changed_map(change))
    code, _, err, trace = run_command(
        ["scene", "build", str(tmp_path / "m.geojson"), "-o", str(tmp_path / "s"), "--quiet"]
    )
    assert not trace
    if code:
        assert not (tmp_path / "s").exists()
        return
    out = str(tmp_path / "o.h5")
    code, _, err, _ = run_command(["generate", str(tmp_path / "s"), "-o", out, "--quiet"])
    assert code == 0, err


@pytest.mark.parametrize("streams", ["utf-8:strict", "ascii:strict"])
def test_names_that_are_not_utf8(whole_files, tmp_path, streams):
    """Through a real process, whose streams are as strict as those of most terminals."""
    name = os.path.join(os.fsencode(tmp_path), b"\xff\xfe.h5")
    code = "from rtwin.cli import main; main()"
    for arguments in ([b"info", name], [b"validate", name], [b"plot", name, b"-o", name + b".png"]):
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "PYTHONIOENCODING": streams},
            capture_output=True,
            timeout=300,
        )
        assert run.returncode == 1
        assert b"Traceback" not in run.stderr
        assert len((run.stderr + run.stdout).strip().split(b"\n")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("info", "{long}"),
        ("validate", "{long}"),
        ("plot", "{long}", "-o", "o.png"),
        ("plot", "{map}", "-o", "{long}.png"),
        ("view", "{long}", "-o", "o.html"),
        ("update", "{long}", "--edit", "e.toml"),
        ("merge", "{long}", "{map}", "-o", "o.h5"),
        ("export", "{long}", "--to", "netcdf", "-o", "o.nc"),
        ("align", "{map}", "{long}", "-o", "a.json"),
        ("scene", "build", "{long}", "-o", "s"),
        ("scene", "build", "{mesh}", "-o", "{long}"),
        ("calibrate", "-", "{long}", "-o", "r"),
        ("generate", "{long}", "-o", "o.h5"),
    ],
    ids=" ".join,
)
def test_names_that_are_too_long(whole_files, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    names = {
        "long": "x" * 300 + ".h5",
        "map": whole_files / "map.h5",
        "mesh": whole_files / "house.obj",
    }
    code, out, err, trace = run_command([word.format(**names) for word in words])
    assert not trace, trace
    assert code == 1
    assert len((out + err).strip().split("\n")) == 1
    assert not list(tmp_path.iterdir())


def test_what_never_ends_is_not_read(whole_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    paths, before = whole_files / "paths.h5", sorted(tmp_path.iterdir())
    for odd in ("/dev/zero", "pipe"):
        assert "is no regular file" in refused("align", paths, odd, "-o", "a.json")
        assert "was not made by rtwin" in refused("align", paths, paths, "-o", odd)
    for words in (("generate", "zero.toml"), ("evaluate", paths, "--materials", "zero.toml")):
        assert "Error: " in refused(*words, "-o", "o.h5", "--quiet")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_outputs_without_a_name(whole_files, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for words in (
        ("scene", "build", whole_files / "house.obj", "-o", name),
        ("export", whole_files / "paths.h5", "--to", "aodt", "-o", name),
        ("merge", whole_files / "map.h5", whole_files / "pathmap.h5", "-o", name),
    ):
        assert "Error: " in refused(*words)
    assert not list(tmp_path.iterdir())


def test_outputs_that_are_not_utf8(whole_files, tmp_path):
    out = str(tmp_path / os.fsdecode(b"\xff.h5"))
    tracks = str(whole_files / "tracks.csv")
    code, _, err, trace = run_command(
        ["sample", str(whole_files / "map.h5"), tracks, "-o", out, "--quiet"]
    )
    assert (code, trace) == (0, ""), err
    assert run_command(["info", out])[0] == 0
