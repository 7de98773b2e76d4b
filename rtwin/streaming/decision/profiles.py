"""Services of the article's table as services of the slicing simulator, deadlines included."""

from dataclasses import replace

from rtwin.errors import OutOfRangeError
from rtwin.experiments import Service

INTERACTIONS = ("weak", "strong")
# name: rate [Mbit/s], unit of time [s], deadline with weak and with strong interaction [s]
_TABLE: dict[str, tuple[float, float, float, float]] = {
    "short_video_4k": (45.0, 1.0, 2.0, 2.0),
    "vr_8k": (90.0, 1 / 60, 0.020, 0.010),
    "vr_30k": (900.0, 1 / 60, 0.010, 0.005),
    "holographic_4k": (100.0, 1 / 30, 0.020, 0.005),
}
_SUCCESS = {"short_video_4k": 0.95}  # of the bits in time; 99 % for the others


def profile(name: str, interaction: str = "weak", share_sent: float = 1.0) -> Service:
    """A service of the article's Table 1.

    Args:
        name: One of short_video_4k, vr_8k, vr_30k, holographic_4k.
        interaction: "weak" (of holograms: 3 degrees of freedom) or "strong" (6): the later and the
            earlier deadline of the table's range.
        share_sent: Share of the sphere that is sent, where tiles follow the viewport.
    Raises:
        OutOfRangeError: if there is no such service or interaction, or the share is not in (0, 1].
    Source: arXiv 2310.19079, Table 1, ranges at their middle; frames of 60 and 30 a second are
        ours. Checked by tests/streaming/decision/test_profiles.py.
    """
    if name not in _TABLE:
        raise OutOfRangeError(f"profile is {name!r}; there are {', '.join(_TABLE)}")
    if interaction not in INTERACTIONS or not 0 < share_sent <= 1:
        raise OutOfRangeError(
            f"interaction is {interaction!r}, share_sent {share_sent:g}; they must be weak or "
            "strong, and above 0 up to 1"
        )
    rate, unit_s, weak_s, strong_s = _TABLE[name]
    bits = rate * 1e6 * unit_s
    deadline = weak_s if interaction == "weak" else strong_s
    made = Service(name, bits, unit_s, True, 0.105, deadline, _SUCCESS.get(name, 0.99))
    return replace(made, burst_bits=bits * share_sent)
