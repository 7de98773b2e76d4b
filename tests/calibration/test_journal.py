"""A run that is killed goes on, and ends as one that was not."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rtwin.calibration import calibrate, read_result
from rtwin.calibration.journal import Journal, journal_folder, open_journal
from rtwin.calibration.physics.model.synthetic_campaign import make_campaign
from rtwin.errors import StoreError
from rtwin.scene import load_recipe

WORK = """
import sys
from rtwin.calibration import calibrate
calibrate("courtyard", sys.argv[1], sys.argv[2], points=20, repeats=1, curve=False)
"""


def test_steps_are_made_once(tmp_path):
    made = []

    def run():
        journal = open_journal(tmp_path / "out", "a").part("fit")
        for number in range(3):
            found = journal.step(
                lambda number=number: made.append(number) or {"x": np.array([number, 0.1])}
            )
            assert found["x"].tolist() == [number, 0.1]

    run()
    run()
    assert made == [0, 1, 2]
    open_journal(tmp_path / "out", "b")  # another request: nothing of the old one is left
    run()
    assert made == [0, 1, 2, 0, 1, 2]
    open_journal(tmp_path / "out", "a").close()
    assert not journal_folder(tmp_path / "out").exists()


def test_what_is_not_ours_is_left_alone(tmp_path):
    folder = journal_folder(tmp_path / "out")
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="something else than steps"):
        open_journal(tmp_path / "out", "a")
    assert [p.name for p in folder.iterdir()] == ["letter.txt"]


def test_a_torn_step_is_made_again(tmp_path):
    open_journal(tmp_path / "out", "a").step(lambda: {"x": np.arange(9.0)})
    file = next(journal_folder(tmp_path / "out").glob("*.npz"))
    file.write_bytes(file.read_bytes()[:40])
    assert open_journal(tmp_path / "out", "a").step(lambda: {"x": np.zeros(1)})["x"] == 0.0


def test_without_a_folder_nothing_is_written():
    assert Journal().step(lambda: {"x": 1})["x"] == 1


@pytest.fixture
def small(tmp_path):
    folder = make_campaign(
        load_recipe("courtyard", max_depth=2),
        tmp_path / "yard",
        {"brick": {"relative_permittivity": 6.0, "conductivity_s_per_m": 0.08}},
        num_points=40,
    )
    text = (folder / "campaign.toml").read_text()
    text = text.replace('"relative_permittivity", "conductivity"', '"relative_permittivity"')
    text = text.replace(
        "[fit]", '[fit]\nretrace = false\nstarts = 2\nrefined = 1\nmaterials = ["brick"]'
    )
    (folder / "campaign.toml").write_text(text)
    return folder


def test_killed_and_not_killed_end_alike(small, tmp_path):
    out = tmp_path / "killed"
    for steps in (2, 6):
        run = subprocess.Popen([sys.executable, "-c", WORK, str(small), str(out)])
        while run.poll() is None and len(list(journal_folder(out).glob("*.npz"))) < steps:
            time.sleep(0.01)
        assert run.poll() is None, "it ended before it could be killed"
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert not out.exists()
    kept = {p.name: p.stat().st_mtime_ns for p in journal_folder(out).glob("*.npz")}
    assert len(kept) >= 6
    subprocess.run([sys.executable, "-c", WORK, str(small), str(out)], check=True)
    whole = tmp_path / "whole"
    calibrate("courtyard", small, whole, points=20, repeats=1, curve=False)
    assert read_result(out) == read_result(whole)
    assert not journal_folder(out).exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed", "whole", "yard"]
