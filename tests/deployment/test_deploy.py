"""Deciding for real twins, and doing it."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.deployment import carry_out, plan_deployment
from rtwin.deployment.deploy import _is_edits
from rtwin.errors import OutOfRangeError
from rtwin.horizontal import create_twin, open_twin

EDIT = '[[edit]]\nkind = "move_object"\nobject = "brick_box"\nby_m = [3.0, 0.0, 0.0]\n'


@pytest.fixture(scope="module")
def folder(two_boxes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    create_twin(two_boxes(radio_map={"cell_size_m": 12.0}), folder / "a.twin")
    shutil.copytree(folder / "a.twin", folder / "b.twin")
    (folder / "edit.toml").write_text(EDIT)
    return folder


@pytest.fixture
def twins(folder, tmp_path):
    return [str(shutil.copytree(folder / n, tmp_path / n)) for n in ("a.twin", "b.twin")]


def test_budget_decides_who_and_how(folder, twins):
    news = dict.fromkeys(twins, folder / "edit.toml")
    assert [o.choice.mapping for o in plan_deployment(twins, {}, 1e3)] == ["none", "none"]
    assert [o.choice.mapping for o in plan_deployment(twins, news, 0)] == ["none", "none"]
    rich = plan_deployment(twins, news, 1e3)
    assert all(o.choice.how in ("partial", "full") for o in rich)
    assert all("quality" in o.why for o in rich)
    seconds = open_twin(twins[0]).full_s
    one = plan_deployment(twins, news, 0.6 * seconds, importance={twins[1]: 3.0})
    assert [o.choice.mapping for o in one] == ["none", "horizontal"]
    for budget in (0.3, 0.6, 1.1, 1.6, 2.5):
        spent = plan_deployment(twins, news, budget * seconds)
        assert sum(o.choice.seconds for o in spent) <= budget * seconds


def test_what_was_decided_is_done_and_stands_in_the_snapshot(folder, twins):
    (order,) = plan_deployment(twins[:1], {twins[0]: folder / "edit.toml"}, 1e3)
    made = carry_out(order)
    assert made.number == 1
    assert open_twin(twins[0]).more["because"] == order.why
    assert carry_out(plan_deployment(twins[1:], {}, 9)[0]) is None
    assert open_twin(twins[1]).number == 0


def test_command(folder, twins):
    news = ["--news", f"{twins[0]}/={folder / 'edit.toml'}", "--budget", "10min"]
    run = CliRunner().invoke(app, ["deploy", *twins, *news, "--dry-run"])
    assert run.exit_code == 0, run.output
    assert "quality" in run.output
    assert "no news of its world" in run.output
    assert open_twin(twins[0]).number == 0
    run = CliRunner().invoke(app, ["deploy", *twins, *news, "--json"])
    first, second = json.loads(run.output)
    assert first["took_s"] > 0
    assert second["mapping"] == "none"
    assert open_twin(twins[0]).number == 1


def test_one_line_for_what_cannot_be(folder, twins):
    with pytest.raises(OutOfRangeError, match="none of the twins"):
        plan_deployment(twins, {"other.twin": folder / "edit.toml"}, 5)
    with pytest.raises(OutOfRangeError, match="the budget is -1"):
        plan_deployment(twins, {}, -1)


def test_news_are_edits_or_measurements(tmp_path):
    for name, text, edits in (
        ("edit.toml", EDIT, True),
        ("campaign.toml", '[measurements]\nfile = "points.csv"\n', False),
        ("points.csv", "tx,x_m,y_m,path_gain_db\n", False),
    ):
        (tmp_path / name).write_text(text)
        assert _is_edits(tmp_path / name) == edits, name
