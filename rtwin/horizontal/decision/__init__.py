"""Preserve, update or re-trace: the choice, and intervals that keep what they promise."""

from rtwin.horizontal.decision.choice import (
    Decision,
    Drift,
    Evidence,
    Limits,
    Rung,
    TransmitterDecision,
    decide,
)
from rtwin.horizontal.decision.conformal import (
    EVERY,
    ConformalScale,
    conformal_scale,
    miss_threshold,
)

__all__ = [
    "EVERY",
    "ConformalScale",
    "Decision",
    "Drift",
    "Evidence",
    "Limits",
    "Rung",
    "TransmitterDecision",
    "conformal_scale",
    "decide",
    "miss_threshold",
]
