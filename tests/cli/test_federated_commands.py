"""rtwin experiment traffic, poisoning, trust: files, JSON, and one line for what is wrong."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.errors import RtwinError


def run(*words):
    found = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(found.exception, RtwinError):
        return str(found.exception)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_poisoning(tmp_path):
    few = ["--seeds", 1, "--rounds", 2, "--rules", "mean,biweight", "--attacks", "MPAF"]
    out = run("experiment", "poisoning", "-o", tmp_path / "p", *few, "--json")
    report = json.loads(out)
    assert report["format"] == "rtwin-poisoning-1"
    assert report["tables"]["V-phase"][0]["MPAF 40 %"]["mean"] == 100.0
    names = {p.name for p in (tmp_path / "p").iterdir()}
    assert names >= {"poisoning.md", "poisoning.h5", "poisoning-rules.png", "poisoning-V-phase.csv"}


def test_cells_of_a_file(tmp_path):
    rng = np.random.default_rng(1)
    busy = 100.0 + 50.0 * np.sin(np.arange(480) * np.pi / 12)[:, None]
    values = busy * np.exp(0.1 * rng.standard_normal((480, 12)))
    lines = ["hour," + ",".join(str(cell) for cell in range(11, 23))]
    lines += ["2013-11-01T00," + ",".join(f"{v:.1f}" for v in row) for row in values]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    cells = range(12, 22)
    few = ["--cells", ",".join(map(str, cells)), "--seeds", 1, "--json"]
    out = run("experiment", "trust", "-o", tmp_path / "t", "--data", tmp_path / "mine.csv", *few)
    sources = {row["source"] for row in json.loads(out)["tables"]["sources"]}
    assert sources == {f"cell {cell}" for cell in cells}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["traffic", "--cells", "a"], "--cells is 'a'; write whole numbers"),
        (["traffic", "--history", "1,x"], "--history is '1,x'"),
        (["traffic", "--data", "absent.csv"], "no such file"),
        (["poisoning", "--fakes", "half"], "--fakes is 'half'; write shares"),
        (["poisoning", "--attacks", "rumour"], "attacks has 'rumour'; there are"),
        (["trust", "--cells", "4142,4143"], "has 2 cells; to tamper with five of them takes 10"),
        (["trust", "--seeds", "0"], "there must be 14 days and a seed"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    assert line in run("experiment", *words, "-o", "out", "--quiet")
    assert not list((tmp_path).glob("out/*"))
