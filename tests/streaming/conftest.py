"""A small catalogue, a crowd, and channels without a ray tracer."""

from typing import ClassVar

import numpy as np
import pytest

from rtwin.dataset import make_link_trace
from rtwin.experiments.beliefs import Belief
from rtwin.link import LinkAdaptation
from rtwin.streaming.behaviour import draw_catalogue, draw_population
from rtwin.streaming.decision import DemandModel, Knowledge, Setting

BLOCK_BITS = 12 * 28e3 * 0.86  # per second and bit of spectral efficiency


@pytest.fixture(scope="session")
def catalogue():
    return draw_catalogue(80, seed=3)


@pytest.fixture(scope="session")
def crowd():
    return draw_population(16, 5)


@pytest.fixture(scope="session")
def setting(catalogue):
    return Setting(DemandModel(catalogue, 30.0), num_prb=24)


@pytest.fixture(scope="session")
def known(crowd):
    rng = np.random.default_rng(2)
    bits = BLOCK_BITS * rng.uniform(0.5, 7.0, 16)[None] * np.ones((3, 1))
    return Knowledge(rng.integers(0, 2, 16), bits, crowd.taste, crowd.haste, 2)


def walking_trace(num_users=16, num_steps=120, seed=0, shift_db=0.0):
    """Users who come and go between two stations, 10 MHz, a row each second."""
    rng = np.random.default_rng(seed)
    place = np.cumsum(rng.normal(0, 1.2, (num_steps, num_users)), axis=0) + rng.uniform(
        -60, 60, num_users
    )
    distance = np.abs(place[..., None] - np.array([-70.0, 70.0])) + 15.0
    gain_db = -48.0 - 35.0 * np.log10(distance) + shift_db
    position = np.zeros((num_steps, num_users, 3))
    position[..., 0] = place
    columns = {
        "tx_name": ("west", "east"),
        "tx_position_m": np.array([[-70.0, 0, 10], [70.0, 0, 10]]),
        "tx_orientation_rad": np.zeros((2, 3)),
        "tx_velocity_m_s": np.zeros((2, 3)),
        "tx_power_dbm": np.full(2, 27.0),
    }
    return make_link_trace(
        columns,
        np.arange(num_steps, dtype=float),
        tuple(f"ue_{n}" for n in range(num_users)),
        position,
        10 ** (gain_db / 10),
        noise_power_w=1e-13,
        adaptation=LinkAdaptation(10e6),
        interference_load=0.1,
        attributes={"content_hash": f"walk-{seed}"},
    )


class StandInWorlds:
    """In place of traced worlds: users between two stations, and twins that are off [dB]."""

    link = None
    shifts_db: ClassVar[dict[str, float]]
    num_steps: ClassVar[int]

    def __init__(self, radio, folder):
        self.shared = {"ray-traced twin": NamedMap}

    def tracks(self, seed):
        return seed

    def of(self, seed):
        def trace(shift_db=0.0):
            return walking_trace(16, self.num_steps, seed, shift_db)

        beliefs = {name: Belief(trace(db), abs(db)) for name, db in self.shifts_db.items()}
        return trace(), beliefs


class NamedMap:
    """A map in name alone."""

    attributes: ClassVar = {"content_hash": "map"}


@pytest.fixture(scope="session")
def trace():
    return walking_trace()
