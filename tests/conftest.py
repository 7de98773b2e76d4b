"""How a run is spread over the cores, and small scenes that tests of several layers share."""

import copy
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from rtwin.dataset import generate_radio_map
from rtwin.scene import Recipe, recipe_from_dict

from .quick import Quick
from .tables import box, plane, wall

MOST_WORKERS = 8  # each holds an engine and TensorFlow, about 1 GB
# How fast a machine draws examples, and how long one takes, is not what tests are about.
settings.register_profile("rtwin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rtwin")
_DOCS = "tests/docs/"
_COLLECTED = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C as in a terminal: a shell that starts pytest in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("quick"):
        config.pluginmanager.register(Quick())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="pass over what traces, learns or runs a program"
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker per core; none for files that are named, which are sooner done than distributed."""
    if all(arg.partition("::")[0].endswith(".py") for arg in config.args):
        return 0
    return min(os.cpu_count() or 1, MOST_WORKERS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left alone with it."""
    config.stash[_COLLECTED] = {item.path for item in items}
    items.sort(key=lambda item: shared_by(item.nodeid) != _DOCS)


def shared_by(nodeid: str) -> str:
    """What runs in one worker since it shares costly fixtures: a file, or the docs' commands."""
    file = nodeid.partition("::")[0]
    return _DOCS if file.startswith(_DOCS) and "notebooks" not in file else file


class _Shared(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """For `--dist loadfile`: as it, but all that runs the docs' commands together."""
    return _Shared(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def collected_files(request: pytest.FixtureRequest) -> set[Path]:
    """The files of all tests that this run collected, before any were deselected."""
    return request.config.stash[_COLLECTED]


TWO_BOXES: dict[str, Any] = {
    "title": "Two boxes and a sheet",
    "frequency_hz": 3.5e9,
    "geometry": {"ground": ["ground"]},
    # The boxes reach below the ground: faces that lie on each other would leave
    # it to chance which of the two materials a ray meets.
    "object": [
        plane(120),
        box("brick_box", [20, 12, 4], [14, 10, 12], yaw_deg=10),
        box("metal_box", [-18, -15, 3], [8, 16, 10], "metal", yaw_deg=-20),
        wall("sheet", ([-20, 20], [5, 26]), 0.5, 6, "glass"),
    ],
    "transmitter": [
        {"name": "mast", "position_m": [0, 0, 12]},
        {"name": "pole", "position_m": [30, -20, 5]},
    ],
    "receivers": {"kind": "random", "count": 12, "area": [-45, -45, 45, 45]},
    "solver": {"max_depth": 3, "rays": 20_000},
    "radio_map": {"cell_size_m": 5.0, "rays": 100_000},
}


@pytest.fixture(scope="session")
def two_boxes():
    """Makes recipes of the two-box scene; keyword tables replace or extend its own."""

    def make(**changes: Any) -> Recipe:
        data = copy.deepcopy(TWO_BOXES)
        for key, value in changes.items():
            if isinstance(value, dict) and key in ("solver", "radio_map"):
                data[key] = {**data[key], **value}
            else:
                data[key] = value
        return recipe_from_dict(data, "two_boxes")

    return make


@pytest.fixture(scope="session")
def map_file(two_boxes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The radio map of the two-box scene."""
    return generate_radio_map(two_boxes(), tmp_path_factory.mktemp("map") / "map.h5")
