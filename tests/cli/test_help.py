"""What `rtwin --help` says, and what a shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from rtwin.cli.app import app
from rtwin.cli.terminal.grouped import JOBS
from rtwin.cli.terminal.options import shipped_scenes

ROOT = get_command(app)


def helped(command, name):
    return command.get_help(command.make_context(name, [], resilient_parsing=True))


def test_every_command_has_a_job():
    assert sorted(name for names in JOBS.values() for name in names) == sorted(ROOT.commands)
    text = helped(ROOT, "rtwin")
    assert [text.index(f"{title}:") for title in JOBS] == sorted(
        text.index(f"{title}:") for title in JOBS
    )


@pytest.mark.parametrize("group", [None, "scene", "horizontal", "federate", "experiment"])
def test_nothing_is_cut_off(group):
    command = ROOT if group is None else ROOT.commands[group]
    text = "".join(helped(command, group or "rtwin").split())  # lines break at hyphens, too
    assert "..." not in text.replace("[ARGS]...", "")
    for each in command.commands.values():
        assert "".join(each.help.split("\n\n")[0].split()) in text


def test_scenes_are_completed():
    assert shipped_scenes("mun") == ["munich"]
    assert shipped_scenes("./") == []
    asked = {"_RTWIN_COMPLETE": "complete_bash", "COMP_WORDS": "rtwin generate mun"}
    said = subprocess.run(
        [Path(sys.executable).with_name("rtwin"), "--help"],
        env={**os.environ, **asked, "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == ["munich"]
