"""Link traces made by hand: gains are what a test says, everything else follows."""

import numpy as np
import pytest

from rtwin.dataset import make_link_trace
from rtwin.link import LinkAdaptation
from rtwin.units import from_db

from ..tables import masts


def trace_of(snr_db, step_s=0.1, bandwidth_hz=20e6):
    """A trace whose users have these SNRs without interference, [time, ue, tx] [dB]."""
    snr_db = np.asarray(snr_db, np.float64)
    num_steps, num_ues, num_tx = snr_db.shape
    noise_w = 1e-12
    return make_link_trace(
        masts(num_tx),
        step_s * np.arange(num_steps),
        tuple(f"ue_{i}" for i in range(num_ues)),
        np.zeros((num_steps, num_ues, 3)),
        noise_w * from_db(snr_db),
        noise_power_w=noise_w,
        adaptation=LinkAdaptation(bandwidth_hz),
        interference_load=0.0,
    )


@pytest.fixture
def steady():
    """Ten users at 20 dB in one of two cells, for 10 s."""
    snr_db = np.full((100, 10, 2), -40.0)
    snr_db[:, ::2, 0] = snr_db[:, 1::2, 1] = 20.0
    return trace_of(snr_db)


@pytest.fixture
def moving():
    """Twelve users that wander between two cells, in and out of coverage, for 20 s."""
    rng = np.random.default_rng(3)
    steps = rng.normal(0, 1.0, (200, 12, 2))
    return trace_of(np.clip(8 + np.cumsum(steps, axis=0), -30, 35))
