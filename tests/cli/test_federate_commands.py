"""rtwin federate: two campaigns in one courtyard, by mail and at hand."""

import json

import pytest
from typer.testing import CliRunner

from rtwin.calibration.physics import make_campaign
from rtwin.cli.app import app
from rtwin.errors import RtwinError
from rtwin.federation.sites import load_site, read_shared
from rtwin.scene import load_recipe

TRUTH = {"brick": {"relative_permittivity": 6.0, "conductivity_s_per_m": 0.08}}


def run(*words):
    found = CliRunner().invoke(app, ["federate", *(str(word) for word in words)])
    if isinstance(found.exception, RtwinError):
        return str(found.exception)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaigns")
    yard = load_recipe("courtyard", max_depth=2)
    return [
        make_campaign(yard, folder / name, TRUTH, num_points=20, seed=seed)
        for seed, name in enumerate(("north", "south"), 1)
    ]


@pytest.fixture(scope="module")
def rounds(campaigns, tmp_path_factory):
    """Two rounds by mail: shared parameters after each."""
    folder = tmp_path_factory.mktemp("rounds")
    files = []
    for number in range(2):
        at = ["--at", files[-1]] if files else []
        sent = []
        for campaign in campaigns:
            sent.append(folder / f"{campaign.name}-{number}.json")
            run("update", "courtyard", campaign, "-o", sent[-1], *at)
        files.append(folder / f"shared-{number}.json")
        run("aggregate", *sent, "-o", files[-1], "--materials", folder / "shared.toml")
    return files, sent


def test_rounds_by_mail_go_down(rounds):
    shared = [read_shared(file) for file in rounds[0]]
    # Each loss is that of the place where the updates were made: of the prior, and a step on.
    assert shared[1].loss < shared[0].loss


@pytest.mark.slow  # a minute and a half of processor time
def test_at_hand_is_no_worse_than_by_mail(rounds, campaigns, tmp_path):
    named = [f"{campaign.name}=courtyard:{campaign}" for campaign in campaigns]
    out = run("calibrate", *named, "-o", tmp_path / "all.json", "--starts", 2, "--json")
    report = json.loads(out)
    by_mail = read_shared(rounds[0][-1])
    assert report["loss"] < by_mail.loss + 1.0
    assert [row["parameter"] for row in report["parameters"]] == [
        p.name for p in by_mail.parameters
    ]


def test_an_update_is_what_the_site_says(rounds, campaigns):
    site = load_site("courtyard", campaigns[0])
    update = json.loads(rounds[1][0].read_text())
    assert update["site"] == "north"
    assert update["rows"] == 20
    assert [p["target"] for p in update["parameters"]] == [p.target for p in site.parameters]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["calibrate", "yard", "-o", "x.json"], "write NAME=SCENE:CAMPAIGN"),
        (["aggregate", "absent.json", "-o", "x.json"], "absent.json: cannot be read"),
        (["update", "courtyard", "absent", "-o", "x.json"], "absent"),
        (["update", "courtyard", "canyon", "-o", "x.json", "--at", "letter"], "is no JSON"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter").write_text("dear")
    assert line in run(*words)
    assert not (tmp_path / "x.json").exists()
