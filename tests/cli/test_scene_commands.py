"""`rtwin scene build` and `rtwin scene lint` as a user meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.errors import OutOfRangeError, RtwinError

CAMPUS = Path(__file__).parents[2] / "docs" / "campus.osm"
runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture
def built(tmp_path):
    result = run("scene", "build", CAMPUS, "-o", tmp_path / "campus")
    assert result.exit_code == 0, result.output
    return tmp_path / "campus", result


def test_build_says_what_it_assumed(built):
    folder, result = built
    assert (folder / "scene.toml").is_file()
    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert lines["buildings"].startswith("15 (3 without a height in the map, taken as 9 m")
    assert "note: 1 outlines drawn by their parts" in result.stderr


def test_build_as_json(tmp_path):
    result = run("scene", "build", CAMPUS, "-o", tmp_path / "a", "--json", "--default-height", 7)
    report = json.loads(result.stdout)
    assert report["buildings"] == 15
    assert set(report["default_height_objects"].values()) == {3.5, 7.5}


def test_lint(built):
    folder, _ = built
    clean = run("scene", "lint", folder)
    assert clean.exit_code == 0
    assert "note [height] 3 of 15 buildings" in clean.stdout
    wrong = run("scene", "lint", folder, "--frequency", 28e9, "--json")
    assert wrong.exit_code == 1
    report = json.loads(wrong.stdout)
    assert report["ok"] is False
    assert {f["check"] for f in report["findings"]} >= {"material", "height"}
    assert run("scene", "lint", "courtyard").stdout == "courtyard: nothing to say\n"


def test_lint_fix(built):
    folder, _ = built
    recipe = folder / "scene.toml"
    ring = "[[-300, -300], [-280, -280], [-280, -300], [-300, -280]]"
    recipe.write_text(
        recipe.read_text() + f'\n[[object]]\nname = "bow"\nmaterial = "brick"\n'
        f'shape = "extrude"\nfootprint = {ring}\nheight_m = 5.0\n'
    )
    assert run("scene", "lint", folder).exit_code == 1
    fixed = run("scene", "lint", folder, "--fix")
    assert fixed.exit_code == 0, fixed.output
    assert "fixed bow: crossing edges taken apart, 2 pieces" in fixed.stdout


def test_bad_bbox(tmp_path):
    result = run("scene", "build", CAMPUS, "-o", tmp_path / "a", "--bbox", "1,2,3")
    assert isinstance(result.exception, OutOfRangeError)
    assert "must be four numbers, SOUTH,WEST,NORTH,EAST" in str(result.exception)


def test_no_map(tmp_path):
    result = run("scene", "build", tmp_path / "none.osm", "-o", tmp_path / "a")
    assert isinstance(result.exception, RtwinError)
    assert "none.osm: no such file" in str(result.exception)
