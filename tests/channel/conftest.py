from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rtwin.channel import PathSet


@pytest.fixture(scope="session")
def make_paths() -> Callable[..., PathSet]:
    """Random paths with the given numbers per link; keywords replace single arrays."""

    def make(num_paths: Any, /, seed: int = 0, ports: tuple[int, int] = (1, 1), **given: Any):
        rng = np.random.default_rng(seed)
        num_paths = np.asarray(num_paths, dtype=np.int64)
        n = int(num_paths.sum())
        drawn = {
            "num_paths": num_paths,
            "a": 1e-4 * (rng.normal(size=(n, *ports)) + 1j * rng.normal(size=(n, *ports))),
            "delay_s": rng.uniform(1e-7, 2e-6, n),
            "aod_azimuth": rng.uniform(-np.pi, np.pi, n),
            "aod_zenith": rng.uniform(0, np.pi, n),
            "aoa_azimuth": rng.uniform(-np.pi, np.pi, n),
            "aoa_zenith": rng.uniform(0, np.pi, n),
            "doppler_hz": rng.uniform(-200, 200, n),
            "interactions": rng.choice([0, 1, 2, 4, 8], size=(n, 2), p=[0.6, 0.1, 0.1, 0.1, 0.1]),
            "frequency_hz": 3.5e9,
        }
        return PathSet(**{**drawn, **{k: np.asarray(v) for k, v in given.items()}})

    return make
