"""The wheel works on its own: outside of the checkout, with what it was built from out of sight."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("rtwin-*.whl")
    site = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return site


def run(installed, folder, *words):
    """Output of `rtwin` as installed, in a folder of its own."""
    code = "import rtwin, sys; from rtwin.cli import main; print(rtwin.__file__); main()"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, _, said = ran.stdout.partition("\n")
    assert Path(where).is_relative_to(installed)
    return said


def test_scenes_and_campaigns_come_with_it(installed, tmp_path):
    assert "munich" in run(installed, tmp_path, "scenes")
    assert {p.name for p in (installed / "rtwin" / "_campaigns").iterdir()} >= {"canyon", "duke"}
    assert not (installed / "rtwin" / "tests").exists()


def test_it_traces_and_draws(installed, tmp_path):
    run(installed, tmp_path, "generate", "courtyard", "-o", "yard.h5", "--receivers", "20")
    run(installed, tmp_path, "view", "yard.h5", "-o", "yard.html")
    run(installed, tmp_path, "plot", "yard.h5", "-o", "yard.png")
    assert "valid" in run(installed, tmp_path, "validate", "yard.h5")
