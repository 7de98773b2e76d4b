"""A link trace of users who wander between five stations, and a study of few requests on it."""

import numpy as np
import pytest

from rtwin.caching.study import CachingStudy, run_caching
from rtwin.dataset import make_link_trace, write_link_trace
from rtwin.link import LinkAdaptation


@pytest.fixture(scope="session")
def trace_file(tmp_path_factory):
    rng = np.random.default_rng(3)
    level = -90 + np.cumsum(rng.normal(0, 2.0, (120, 8, 5)), axis=0)
    stations = {
        "tx_name": tuple(f"s{n}" for n in range(5)),
        "tx_position_m": np.zeros((5, 3)),
        "tx_orientation_rad": np.zeros((5, 3)),
        "tx_velocity_m_s": np.zeros((5, 3)),
        "tx_power_dbm": np.full(5, 40.0),
    }
    trace = make_link_trace(
        stations,
        np.arange(120, dtype=float),
        tuple(f"u{n}" for n in range(8)),
        np.zeros((120, 8, 3)),
        10 ** (level / 10),
        noise_power_w=1e-13,
        adaptation=LinkAdaptation(20e6),
    )
    return write_link_trace(trace, tmp_path_factory.mktemp("walks") / "walks.h5")


@pytest.fixture(scope="session")
def small(trace_file):
    return CachingStudy(
        seeds=2,
        slots=10,
        history=80,
        warm_up=40,
        test=150,
        trace=trace_file,
        other_slots=(30,),
        other_histories=(40,),
        rounds=1,
        workers=1,
    )


@pytest.fixture(scope="session")
def found(small):
    return run_caching(small)
