"""The program as a user meets it: what it prints, and one line when something is wrong."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.dataset import file_info

COMMANDS = (
    "doctor",
    "scenes",
    "generate",
    "evaluate",
    "radiomap",
    "sample",
    "info",
    "validate",
    "plot",
    "render",
    "export",
    "scene",
    "experiment",
)


def rtwin(*arguments, cwd=None):
    code = "from rtwin.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    runs = {
        "paths": rtwin("generate", "courtyard", "-o", folder / "p.h5", "--receivers", 8),
        "map": rtwin(
            "radiomap", "courtyard", "-o", folder / "m.h5", "--cell-size", 10, "--rays", 100_000
        ),
    }
    return folder, runs


def test_help_lists_every_command_and_loads_nothing_heavy():
    code = (
        "import sys\nfrom rtwin.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'h5py', 'matplotlib', 'mitsuba', 'tensorflow', 'xarray', 'shapely',"
        " 'pyproj', 'trimesh'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    for arguments in (
        ["--help"],
        ["scene", "build", "--help"],
        *([name, "--help"] for name in COMMANDS),
    ):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True
        )
        assert "LOADED []" in result.stdout, result.stdout + result.stderr
    top = rtwin("--help").stdout
    assert all(name in top for name in COMMANDS)


def test_version():
    assert rtwin("--version").stdout.strip().count(".") == 2


def test_generate_reports(made):
    folder, runs = made
    assert runs["paths"].returncode == 0, runs["paths"].stderr
    info = file_info(folder / "p.h5")
    assert f"{info['num_paths']} (" in runs["paths"].stdout
    assert info["content_hash"] in runs["paths"].stdout


def test_radiomap_reports(made):
    _, runs = made
    assert runs["map"].returncode == 0, runs["map"].stderr
    assert "% of the cells" in runs["map"].stdout


def test_sample_reports(made):
    folder, _ = made
    arguments = (
        "sample",
        folder / "m.h5",
        "random-waypoint",
        "-o",
        folder / "t.h5",
        "--ues",
        3,
        "--duration",
        2,
    )
    first = rtwin(*arguments)
    assert first.returncode == 0, first.stderr
    assert "3 for 2 s" in first.stdout
    assert " served" in first.stdout
    again = rtwin(*arguments, "--json")
    assert json.loads(again.stdout)["states"]["no position"] == 0
    assert rtwin("validate", folder / "t.h5").stdout.strip().endswith("valid")


def test_same_command_again_changes_nothing(made):
    folder, _ = made
    before = (folder / "p.h5").stat().st_mtime_ns
    again = rtwin("generate", "courtyard", "-o", folder / "p.h5", "--receivers", 8, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["num_rx"] == 8
    assert (folder / "p.h5").stat().st_mtime_ns == before


@pytest.mark.parametrize("file", ["p.h5", "m.h5"])
def test_info_and_validate(made, file):
    folder, _ = made
    runner = CliRunner()
    info = json.loads(runner.invoke(app, ["info", str(folder / file), "--json"]).stdout)
    assert info["num_tx"] == 2
    table = runner.invoke(app, ["info", str(folder / file)]).stdout
    assert info["content_hash"] in table
    answer = runner.invoke(app, ["validate", str(folder / file), "--json"])
    assert json.loads(answer.stdout) == {"file": str(folder / file), "valid": True, "problems": []}
    assert answer.exit_code == 0


def test_validate_exits_1_with_reasons(made, tmp_path):
    import shutil

    import h5py

    copy = tmp_path / "p.h5"
    shutil.copy(made[0] / "p.h5", copy)
    with h5py.File(copy, "r+") as h5:
        h5["delay_s"][0] += 1e-6
    result = rtwin("validate", copy)
    assert result.returncode == 1
    assert "content_hash" in result.stdout


def test_scenes():
    listed = json.loads(CliRunner().invoke(app, ["scenes", "--json"]).stdout)
    names = {scene["name"] for scene in listed}
    assert {"munich", "etoile", "florence", "san_francisco", "street_canyon"} < names
    assert all(name in rtwin("scenes").stdout for name in names)


def test_doctor():
    result = rtwin("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 0
    assert report["ok"] is True
    assert abs(report["self_test"]["error_db"]) < 0.01
    assert report["versions"]["sionna-rt"] == "2.2.0"


def test_doctor_says_what_is_wrong(tmp_path):
    bad = tmp_path / "libLLVM.so.99"
    bad.write_text("no library")
    code = "from rtwin.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "doctor"],
        capture_output=True,
        text=True,
        env={**os.environ, "DRJIT_LIBLLVM_PATH": str(bad)},
    )
    assert result.returncode == 1
    assert "not ok: DRJIT_LIBLLVM_PATH" in result.stdout
    assert "Traceback" not in result.stderr


def test_own_recipe(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'title = "mine"\nfrequency_hz = 2.4e9\n'
        '[[object]]\nname = "floor"\nmaterial = "concrete"\nshape = "plane"\n'
        "center_m = [0, 0, 0]\nsize_m = [50, 50]\n"
        '[[transmitter]]\nname = "ap"\nposition_m = [0, 0, 3]\n'
        '[receivers]\nkind = "grid"\nspacing_m = 10\narea = [-20, -20, 20, 20]\n'
    )
    result = rtwin("generate", "mine.toml", "-o", "mine.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert file_info(tmp_path / "mine.h5")["scene"] == "mine"


LOUD = ("generate", "radiomap", "sample", "experiment")
BAD_TOML = 'title = "x"\nfrequency_hz = 3.5e9\nfrequncy = 1\n'


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["generate", "munchen", "-o", "x.h5"], "did you mean 'munich'"),
        (["generate", "absent.toml", "-o", "x.h5"], "absent.toml"),
        (["generate", "bad.toml", "-o", "x.h5"], "frequency_hz"),
        (["generate", "courtyard", "-o", "x.h5", "--frequency", "60e9"], "GHz"),
        (["generate", "courtyard", "-o", "x.h5", "--receivers", "0"], "count"),
        (["generate", "courtyard", "-o", "x.h5", "--max-depth", "99"], "max_depth"),
        (["generate", "courtyard", "-o", "letter.txt"], "not one of rtwin's"),
        (["generate", "bad.toml", "-o", "bad.toml", "--overwrite"], "frequncy"),
        (["radiomap", "courtyard", "-o", "x.h5", "--cell-size", "0.01"], "cells"),
        (["radiomap", "courtyard", "-o", "letter.txt"], "not one of rtwin's"),
        (["sample", "letter.txt", "random-waypoint", "-o", "x.h5"], "not a readable HDF5 file"),
        (["sample", "absent.h5", "random-waypoint", "-o", "x.h5"], "no such file"),
        (["sample", "courtyard", "letter.txt", "-o", "x.h5"], "has no radio map"),
        (["sample", "courtyard", "a.csv", "-o", "x.h5", "--method", "ray"], "map or paths"),
        (["sample", "courtyard", "a.csv", "-o", "x.h5", "--ues", "0"], "num_ues is 0"),
        (["sample", "courtyard", "a.csv", "-o", "x.h5", "--table", "9"], "tables 1, 2 and 3"),
        (["experiment", "slicing", "-o", "out", "--users", "vr=x"], "with a whole number"),
        (["experiment", "slicing", "-o", "out", "--users", "tv=3"], "service is 'tv'"),
        (["experiment", "slicing", "-o", "out", "--twin", "mine"], "write NAME=VALUE"),
        (["experiment", "slicing", "-o", "letter.txt"], "give a folder"),
        (["experiment", "caching", "-o", "letter.txt"], "give a folder"),
        (["experiment", "caching", "-o", "out", "--seeds", "0"], "seeds is 0"),
        (["experiment", "caching", "-o", "out", "--twin", "letter.txt"], "go together"),
        (["experiment", "caching", "-o", "out", "--trace", "letter.txt"], "not a readable HDF5"),
        (["info", "absent.h5"], "no such file"),
        (["info", "letter.txt"], "not a readable HDF5 file"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, line):
    (tmp_path / "bad.toml").write_text(BAD_TOML)
    (tmp_path / "letter.txt").write_text("dear")
    result = rtwin(*arguments, *(["--quiet"] if arguments[0] in LOUD else []), cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert line in result.stderr
    assert not (tmp_path / "x.h5").exists()
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_validate_of_no_file_of_ours(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    result = rtwin("validate", "letter.txt", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout == "letter.txt: not a readable HDF5 file\n"


def test_output_that_nobody_reads():
    code = "from rtwin.cli import main; main()"
    result = subprocess.run(
        f"{sys.executable} -c '{code}' scenes --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in result.stderr


def test_cluster_options_are_refused_in_one_line(tmp_path):
    file = tmp_path / "x.h5"
    for options, line in (
        (["--workers", "2"], "OutOfRangeError: workers is 2 and ray is "),
        ([], ("EngineError: the address", "MissingExtraError: clusters need Ray")),
    ):
        result = rtwin("generate", "courtyard", "-o", file, "--ray", "nowhere", *options, "--quiet")
        assert result.returncode == 1
        assert result.stderr.startswith(line)
        assert result.stderr.count("\n") == 1
