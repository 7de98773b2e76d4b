"""Regions of interest: where heads will point, and which tiles to send."""

from rtwin.streaming.viewport.heads import Heads, angle_deg, facing, read_heads
from rtwin.streaming.viewport.prediction import PREDICTORS, Fitted, Moments, moments_of
from rtwin.streaming.viewport.study import ViewportStudy, run_viewport, viewport_results
from rtwin.streaming.viewport.tiles import Tiles, smallest_set

__all__ = [
    "PREDICTORS",
    "Fitted",
    "Heads",
    "Moments",
    "Tiles",
    "ViewportStudy",
    "angle_deg",
    "facing",
    "moments_of",
    "read_heads",
    "run_viewport",
    "smallest_set",
    "viewport_results",
]
