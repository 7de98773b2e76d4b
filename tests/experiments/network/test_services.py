"""Traffic: mean rates, beats and sizes are what a service says."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.experiments import SERVICES, Service, Slice, make_slices
from rtwin.experiments.network.services import Traffic

SLOT_S = 1e-3


def arrivals(service, num_slots, pieces=1, num_ues=40, seed=1):
    traffic = Traffic([service] * num_ues, SLOT_S, np.random.default_rng(seed))
    return np.concatenate([traffic.arrivals(num_slots // pieces) for _ in range(pieces)])


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda s: s.name)
def test_mean_rate(service):
    num_slots = 60_000
    found = arrivals(service, num_slots)
    assert (found == np.rint(found)).all()
    mean_mbps = found.sum() / (num_slots * SLOT_S * 40) / 1e6
    bursts = num_slots * SLOT_S * 40 / service.interval_s
    # Five standard errors of a Poisson count of bursts, or of the phases of beats.
    tolerance = 5 * np.hypot(1, service.spread) / np.sqrt(bursts)
    assert mean_mbps == pytest.approx(service.rate_mbps, rel=tolerance)


def test_a_beat_is_kept_over_pieces():
    service = Service("beat", 1000.0, 0.0105, True, 0.0, 0.1, 0.99)
    whole, cut = arrivals(service, 4200), arrivals(service, 4200, pieces=42)
    np.testing.assert_array_equal(whole, cut)
    for ue in range(5):
        gaps = np.diff(np.flatnonzero(whole[:, ue]))
        assert set(gaps) == {10, 11}
        assert whole[:, ue].sum() == 1000 * 400


def test_sizes_of_frames_are_cut():
    found = arrivals(SERVICES["vr"], 20_000)
    sizes = found[found > 0] / SERVICES["vr"].burst_bits
    assert sizes.min() >= 0.5
    assert sizes.max() <= 1.5
    assert sizes.std() == pytest.approx(0.105, rel=0.05)


def test_phases_differ_between_users():
    first = arrivals(SERVICES["vr"], 1000).argmax(axis=0)
    assert len(set(first)) > 8


def test_peak_and_mean_rates():
    vr = SERVICES["vr"]
    assert vr.rate_mbps == pytest.approx(30.0)
    assert vr.peak_mbps == pytest.approx(50.0)  # a sixtieth of a second in 10 ms
    assert SERVICES["embb"].peak_mbps == SERVICES["embb"].rate_mbps  # its budget is longer


def test_impossible_services_and_slices():
    with pytest.raises(OutOfRangeError, match="there are short_video, vr, holographic"):
        make_slices({"video": 3})
    with pytest.raises(OutOfRangeError, match="must be above 0"):
        Service("x", 0.0, 1.0, True, 0.0, 1.0, 0.9)
    with pytest.raises(OutOfRangeError, match=r"\[0, 1\) and \(0, 1\]"):
        Service("x", 1.0, 1.0, True, 0.0, 1.0, 1.5)
    with pytest.raises(OutOfRangeError, match="at least one user"):
        Slice(SERVICES["vr"], 0)


def test_sizes_that_vary_much_are_cut_at_half_and_one_and_a_half_times_the_mean():
    wild = Service("wild", 1e5, 0.02, True, 0.9, 0.1, 0.99)
    found = arrivals(wild, 5_000)
    sizes = found[found > 0] / wild.burst_bits
    assert (sizes.min(), sizes.max()) == (0.5, 1.5)
