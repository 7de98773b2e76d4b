"""What places explain: regressions, Gaussian processes, and the average that is the twin."""

from rtwin.calibration.statistics.averaging import Twin, fit_twin
from rtwin.calibration.statistics.baselines import (
    PATTERN,
    PATTERN_SD,
    SLOPE,
    SLOPE_SD,
    baselines,
)
from rtwin.calibration.statistics.bounds import heard_mean, log_score, noise_floor_db
from rtwin.calibration.statistics.gaussian_process import Design, fit_process
from rtwin.calibration.statistics.kernel import LinkKernel, Term
from rtwin.calibration.statistics.measurement_plan import next_positions, plan_route

__all__ = [
    "PATTERN",
    "PATTERN_SD",
    "SLOPE",
    "SLOPE_SD",
    "Design",
    "LinkKernel",
    "Term",
    "Twin",
    "baselines",
    "fit_process",
    "fit_twin",
    "heard_mean",
    "log_score",
    "next_positions",
    "noise_floor_db",
    "plan_route",
]
