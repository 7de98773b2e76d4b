"""The same with a process of its own and SIGKILL: what the other test simulates is what happens."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import COMMANDS
from .reaper import watched
from .test_kills import LETTER, every, fresh, names

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, signal, sys
from pathlib import Path
from tests.robustness.kills.reaper import REAPER, watch
from rtwin.cli import main
watch()
REAPER.folder, REAPER.at = Path.cwd().resolve(), int(sys.argv.pop(1))
REAPER.strike = lambda: os.kill(os.getpid(), signal.SIGKILL)
main()
"""
CHOSEN = ("generate", "radiomap", "twin", "update --edit", "calibrate", "scene build")
CHOSEN += ("export netcdf", "export qd-files", "plot")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c.name in CHOSEN], ids=lambda command: command.name
)
def test_killed_process(command, inputs, tmp_path):
    place = fresh(inputs, tmp_path / "here")
    with watched(place) as whole:
        command.run(place)
    wanted, listed = every(command, place), names(place)
    renames = [at for at, kind in enumerate(whole.calls, 1) if kind == "rename"]
    for at in {1, len(whole.calls) // 2, len(whole.calls), *renames[-1:]}:
        fresh(inputs, place)
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(at), *command.line.split()],
            cwd=place,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            },
            capture_output=True,
            text=True,
        )
        assert run.returncode == -signal.SIGKILL, run.stderr
        assert (place / "letter.txt").read_text() == LETTER
        command.run(place)
        assert every(command, place) == wanted, at
        assert names(place) == listed, at
