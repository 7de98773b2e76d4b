"""`rtwin twin` and `rtwin update` as a user meets them."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app

from ..tables import box, plane_scene, toml
from .test_commands import rtwin

SCENE = plane_scene(
    box("box", [8, 0, 3], [6, 6, 8]),
    solver={"max_depth": 1, "rays": 5000},
    radio_map={"cell_size_m": 5},
)
EDITS = """
[[edit]]
kind = "move_object"
object = "box"
by_m = [3.0, 0.0, 0.0]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keep")
    (folder / "box.toml").write_text(toml(SCENE))
    (folder / "edits.toml").write_text(EDITS)
    said = CliRunner().invoke(app, ["twin", str(folder / "box.toml"), "-o", str(folder / "b.twin")])
    assert said.exit_code == 0, said.output
    assert "12 x 12, 1 transmitters" in said.stdout
    return folder


def test_update_info_plot_and_map(folder, tmp_path):
    said = rtwin("update", folder / "b.twin", "--edit", folder / "edits.toml")
    assert said.returncode == 0, said.stderr
    assert "1: move object box" in said.stdout
    assert "re-trace" in said.stdout
    assert "tracing everything took" in said.stdout
    listed = CliRunner().invoke(app, ["info", str(folder / "b.twin")]).stdout
    assert "first build (mast re-trace)" in listed
    assert "000001" in listed
    facts = json.loads(CliRunner().invoke(app, ["info", str(folder / "b.twin"), "--json"]).stdout)
    assert [row["snapshot"] for row in facts["snapshots"]] == [0, 1]
    made = CliRunner().invoke(
        app, ["twin", str(folder / "b.twin"), "--at", "0", "-o", str(tmp_path / "m.h5")]
    )
    assert made.exit_code == 0
    for name, more in (("u.png", []), ("m.png", ["--metric", "rms_delay_spread"])):
        drawn = CliRunner().invoke(
            app, ["plot", str(folder / "b.twin"), "-o", str(tmp_path / name), *more]
        )
        assert drawn.exit_code == 0, drawn.exception
        assert (tmp_path / name).stat().st_size > 10_000


def test_what_is_done_is_not_done_again(folder):
    """Nor said to be new: the second command finds the snapshot of the first."""
    (folder / "own.twin").mkdir()
    shutil.copy(folder / "b.twin" / "000000.h5", folder / "own.twin")
    first, second = (
        rtwin("update", "own.twin", "--edit", "edits.toml", "--quiet", cwd=folder) for _ in range(2)
    )
    newest = sorted(p.name for p in (folder / "own.twin").glob("*.h5"))
    assert "done before" not in first.stdout
    assert "done before  nothing was applied; --again applies it once more" in second.stdout
    rtwin("update", "own.twin", "--edit", "edits.toml", "--again", "--json", cwd=folder)
    assert len(list((folder / "own.twin").glob("*.h5"))) == len(newest) + 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["update", "b.twin", "--edit", "none.toml"], "not a readable TOML file"),
        (["update", "none.twin", "--edit", "edits.toml"], "no such twin"),
        (["twin", "box.toml", "-o", "b.twin", "--rays", "2000"], "holds another twin"),
        (["twin", "box.toml", "-o", "."], "not empty"),
        (["twin", "b.twin", "--at", "9", "-o", "x.h5"], "snapshot is 9"),
        (["plot", ".", "-o", "x.png"], "without snapshots"),
    ],
)
def test_one_line(folder, arguments, line):
    said = rtwin(*arguments, cwd=folder)
    assert said.returncode == 1
    assert line in said.stderr
    assert "Traceback" not in said.stderr
