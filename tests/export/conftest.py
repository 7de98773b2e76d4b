"""Twins that the tests export, and the environments of other tools."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtwin.dataset import generate, generate_radio_map

ROOT = Path(__file__).parents[2]
PEERS = Path(os.environ.get("RTWIN_PEERS", ROOT / "build" / "peers"))


@pytest.fixture(scope="session")
def standing(two_boxes, tmp_path_factory):
    """Two transmitters, twelve receivers that stand, and a link without a path."""
    recipe = two_boxes(receivers={
        "kind": "list", "keep_invalid": True,
        "positions_m": [[-30, 10, 1.5], [10, -30, 1.5], [20, 12, 5.0], [5, 5, 2], [40, 30, 1.5]],
    }, solver={"diffraction": True})  # fmt: skip
    return generate(recipe, tmp_path_factory.mktemp("standing") / "standing.h5")


@pytest.fixture(scope="session")
def moving(two_boxes, tmp_path_factory):
    """A receiver on a walk of four times, a moving transmitter and a moving box; directive."""
    recipe = two_boxes()
    objects = [item.model_dump(mode="json", exclude_none=True) for item in recipe.object]
    objects[1]["velocity_m_s"] = [3, 1, 0]
    recipe = two_boxes(
        object=objects,
        transmitter=[
            {"name": "mast", "position_m": [0, 0, 12], "velocity_m_s": [0, 4, 1],
             "azimuth_deg": 30, "downtilt_deg": 10, "antenna": {"pattern": "tr38901"}},
            {"name": "pole", "position_m": [30, -20, 5]},
        ],
        receivers={"kind": "trajectory", "waypoints_m": [[-30, 5, 1.5], [-20, 30, 1.5]],
                   "speed_m_s": 10, "interval_s": 0.7},
    )  # fmt: skip
    return generate(recipe, tmp_path_factory.mktemp("moving") / "moving.h5")


@pytest.fixture(scope="session")
def dual(two_boxes, tmp_path_factory):
    """Transmitters with two polarisations."""
    transmitters = [
        {"name": name, "position_m": place, "antenna": {"polarization": "VH"}}
        for name, place in (("mast", [0, 0, 12]), ("pole", [30, -20, 5]))
    ]
    recipe = two_boxes(transmitter=transmitters)
    return generate(recipe, tmp_path_factory.mktemp("dual") / "dual.h5")


@pytest.fixture(scope="session")
def map_file(two_boxes, tmp_path_factory):
    return generate_radio_map(two_boxes(), tmp_path_factory.mktemp("map") / "map.h5")


@pytest.fixture(scope="session")
def peer():
    """Runs a script of tests/export/peers in an environment that pip makes on first use."""

    def run(name, requirements, script, *arguments, timeout=None):
        folder = PEERS / name
        python = folder / "bin" / "python"
        ready = folder / "ready"
        if not ready.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True)
            ready.touch()
        result = subprocess.run(
            [python, Path(__file__).parent / "peers" / script, *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
        return result.stdout

    return run


@pytest.fixture
def figure(capsys):
    """Shows a measured figure, whatever pytest does with what tests print."""

    def show(text):
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return show
