"""Known changes: the cheapest exact way to the paths of an edited world, and rungs below it."""

from rtwin.horizontal.known_change.ladder import (
    RUNGS,
    Estimate,
    analytic,
    few_ray,
    guarded,
    partial,
)
from rtwin.horizontal.known_change.retrace import Retraced, retrace, retraced_maps
from rtwin.horizontal.known_change.update import update_twin

__all__ = [
    "RUNGS",
    "Estimate",
    "Retraced",
    "analytic",
    "few_ray",
    "guarded",
    "partial",
    "retrace",
    "retraced_maps",
    "update_twin",
]
