"""The article's services in the slicing simulator, which checks their deadlines."""

import pytest

from rtwin.errors import OutOfRangeError
from rtwin.experiments import SimulatorSettings, Slice, SlicedNetwork
from rtwin.streaming.decision.profiles import profile


@pytest.mark.parametrize(
    ("name", "rate", "weak", "strong"),
    [
        ("short_video_4k", 45, 2.0, 2.0),
        ("vr_8k", 90, 0.020, 0.010),
        ("vr_30k", 900, 0.010, 0.005),
        ("holographic_4k", 100, 0.020, 0.005),
    ],
)
def test_rates_and_deadlines_are_the_table(name, rate, weak, strong):
    assert profile(name).rate_mbps == pytest.approx(rate)
    assert profile(name).latency_s == weak
    # Bursts are frames, of short video seconds.
    beat = {"short_video_4k": 1, "holographic_4k": 30}.get(name, 60)
    assert profile(name).interval_s == pytest.approx(1 / beat)
    assert profile(name).reliability == (0.95 if name == "short_video_4k" else 0.99)
    assert profile(name, "strong").latency_s == strong
    assert profile(name, share_sent=0.3).rate_mbps == pytest.approx(0.3 * rate)


def test_the_simulator_drops_what_misses_the_deadline(trace):
    def dropped(share):
        network = SlicedNetwork(
            trace, [Slice(profile("vr_8k", share_sent=share), 1)], SimulatorSettings(1.0)
        )
        return network.step([[24], [24]]).ue_drop_share[0]

    # 24 blocks carry some 50 Mbit/s at best: a whole 8K sphere does not fit, a tenth does.
    assert dropped(1.0) > 0.2
    assert dropped(0.1) < 0.05


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="profile is 'vr_16k'"):
        profile("vr_16k")
    with pytest.raises(OutOfRangeError, match="interaction is 'none'"):
        profile("vr_8k", "none")
