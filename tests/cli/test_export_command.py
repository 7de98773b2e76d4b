"""`rtwin export` as a user meets it."""

import json

import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.dataset import generate
from rtwin.export import FORMATS

from .test_commands import rtwin


@pytest.fixture(scope="module")
def twin(two_boxes, tmp_path_factory):
    return generate(two_boxes(), tmp_path_factory.mktemp("twin") / "twin.h5")


def test_list():
    said = CliRunner().invoke(app, ["export", "--list"])
    assert said.exit_code == 0
    for item in FORMATS:
        assert f"{item.name}  (" in said.stdout
        for option in item.options:
            assert f"{option.name} = {option.default!r}" in said.stdout


def test_report_and_progress(twin, tmp_path):
    said = rtwin(
        "export",
        twin,
        "--to",
        "qd-files",
        "-o",
        tmp_path / "q",
        "-O",
        "steps=2",
        "-O",
        "duration-s=0.5",
        "--rx",
        "0:3",
    )
    assert said.returncode == 0, said.stderr
    assert "2 steps of 0.25 s" in said.stdout
    assert "2 tx, 3 rx" in said.stdout


def test_json(twin, tmp_path):
    arguments = ["export", str(twin), "--to", "tfrecord", "-o", str(tmp_path / "t.tfrecord")]
    said = CliRunner().invoke(app, [*arguments, "--strongest-paths", "2", "--json"])
    report = json.loads(said.stdout)
    assert report["records"] == 24
    assert "weaker paths" in report["left out"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--to", "ns4"], "there is no format 'ns4'"),
        (["--to", "qd-files", "-O", "steps"], "write it as NAME=VALUE"),
        (["--to", "qd-files", "-O", "stepz=2"], "did you mean 'steps'"),
        (["--to", "netcdf", "-o", "x.csv"], "must end in .nc"),
        (["--to", "colosseum"], "--strongest-paths 4"),
        (["--to", "tfrecord", "--frequency", "1e9"], "holds 3.5e+09 Hz"),
    ],
)
def test_one_line(twin, tmp_path, arguments, line):
    said = rtwin("export", twin, *arguments, "--quiet", cwd=tmp_path)
    assert said.returncode == 1
    assert len(said.stderr.strip().splitlines()) == 1, said.stderr
    assert line in said.stderr
    assert list(tmp_path.iterdir()) == []
