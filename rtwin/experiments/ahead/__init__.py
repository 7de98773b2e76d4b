"""Blocks reserved ahead: what a twin knows of the coming seconds that no report can tell.

maps of a world, its users' ways -> forecasts of the coming window -> reservations -> what they earn
"""

from rtwin.experiments.ahead.forecasts import (
    Forecast,
    error_by_age,
    forecast,
    last_report,
    straight_on,
)
from rtwin.experiments.ahead.runs import Run
from rtwin.experiments.ahead.settings import AheadStudy
from rtwin.experiments.ahead.study import ahead_results, run_ahead
from rtwin.experiments.ahead.tuning import tuned_margin, tuned_shares

__all__ = [
    "AheadStudy",
    "Forecast",
    "Run",
    "ahead_results",
    "error_by_age",
    "forecast",
    "last_report",
    "run_ahead",
    "straight_on",
    "tuned_margin",
    "tuned_shares",
]
