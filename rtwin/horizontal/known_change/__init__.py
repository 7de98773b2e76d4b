"""Known changes: the cheapest exact way to the paths of an edited world, and rungs below it."""

from rtwin.horizontal.known_change.ladder import (
    RUNGS,
    Estimate,
    analytic,
    few_ray,
    guarded,
    partial,
)
from rtwin.horizontal.known_change.retrace import Retraced, Way, retrace, retraced_maps

__all__ = [
    "RUNGS",
    "Estimate",
    "Retraced",
    "Way",
    "analytic",
    "few_ray",
    "guarded",
    "partial",
    "retrace",
    "retraced_maps",
]
