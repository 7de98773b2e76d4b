"""Twins that the tests export, and the environments of other tools."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtwin.dataset import RadioMap, generate, make_link_trace, write_link_trace
from rtwin.link import LinkAdaptation

from ..peers import python_of, run_peer

ROOT = Path(__file__).parents[2]
MASTS = np.array([[0.0, 0.0, 12.0], [30.0, -20.0, 5.0]])


@pytest.fixture
def cells():
    """Two masts over 3 x 2 cells of 10 m from (0, 0) on, at 1.5 m; the second misses the last."""
    x, y = np.meshgrid([5.0, 15.0, 25.0], [5.0, 15.0])
    centers = np.stack([x, y, np.full_like(x, 1.5)], axis=-1)
    gain = np.stack([1e-8 * (1 + np.arange(6.0)), np.full(6, 1e-10)]).reshape(2, 2, 3)
    gain[1, 1, 2] = 0.0
    return RadioMap(
        tx_name=("mast", "pole"),
        tx_position_m=MASTS,
        tx_power_dbm=np.full(2, 30.0),
        cell_centers_m=centers,
        path_gain=gain,
        path_gain_standard_error=np.zeros_like(gain),
        rss_dbm=np.zeros_like(gain, np.float32),
        sinr=np.zeros_like(gain),
        serving_transmitter=np.zeros((2, 3), np.int16),
        attributes={"frequency_hz": 3.5e9, "cell_size_m": 10.0},
    )


@pytest.fixture(scope="session")
def standing(two_boxes, tmp_path_factory):
    """Two transmitters, twelve receivers that stand, and a link without a path."""
    recipe = two_boxes(
        receivers={
            "kind": "list",
            "keep_invalid": True,
            "positions_m": [
                [-30, 10, 1.5],
                [10, -30, 1.5],
                [20, 12, 5.0],
                [5, 5, 2],
                [40, 30, 1.5],
            ],
        },
        solver={"diffraction": True},
    )
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
            {
                "name": "mast",
                "position_m": [0, 0, 12],
                "velocity_m_s": [0, 4, 1],
                "azimuth_deg": 30,
                "downtilt_deg": 10,
                "antenna": {"pattern": "tr38901"},
            },
            {"name": "pole", "position_m": [30, -20, 5]},
        ],
        receivers={
            "kind": "trajectory",
            "waypoints_m": [[-30, 5, 1.5], [-20, 30, 1.5]],
            "speed_m_s": 10,
            "interval_s": 0.7,
        },
    )
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
def trace_file(tmp_path_factory):
    """A link trace of 2 cells and 3 users, 20 steps of 0.1 s, with made-up rates."""
    rng = np.random.default_rng(7)
    serving = np.repeat(rng.integers(-1, 2, (4, 3)), 5, axis=0)
    gain = np.full((20, 3, 2), 1e-9)
    trace = make_link_trace(
        {
            "tx_name": ("mast", "pole"),
            "tx_position_m": np.array([[0.0, 0, 12], [30, -20, 5]]),
            "tx_orientation_rad": np.zeros((2, 3)),
            "tx_velocity_m_s": np.zeros((2, 3)),
            "tx_power_dbm": np.full(2, 44.0),
        },
        5.0 + 0.1 * np.arange(20),
        ("a", "../b", 'c"'),
        np.zeros((20, 3, 3)),
        gain,
        noise_power_w=1e-12,
        adaptation=LinkAdaptation(20e6),
        attributes={"scene": "two_boxes"},
    )
    rates = rng.uniform(0, 200, (20, 3, 2)).astype("<f4")
    state = np.where(serving < 0, 2, 0).astype("u1")
    trace = replace(trace, rate_mbps=rates, serving_tx=serving.astype("<i2"), state=state)
    return write_link_trace(trace, tmp_path_factory.mktemp("trace") / "trace.h5")


@pytest.fixture(scope="session")
def peer():
    """Runs a script of tests/export/peers in an environment that pip makes on first use."""

    def run(name, requirements, script, *arguments, timeout=None):
        file = Path(__file__).parent / "peers" / script
        return run_peer(python_of(name, requirements), file, *arguments, timeout=timeout)

    return run


@pytest.fixture
def figure(capsys):
    """Shows a measured figure, whatever pytest does with what tests print."""

    def show(text):
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return show
