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
from rtwin.calibration.statistics.contradiction import LIMIT, Contradiction, contradictions
from rtwin.calibration.statistics.gaussian_process import Design, fit_process
from rtwin.calibration.statistics.kernel import LinkKernel, Term
from rtwin.calibration.statistics.measurement_plan import next_positions, plan_route
from rtwin.calibration.statistics.trust import (
    NOT_BELIEVED,
    RowTrust,
    believed,
    check_rows,
    trust_table,
)

__all__ = [
    "LIMIT",
    "NOT_BELIEVED",
    "PATTERN",
    "PATTERN_SD",
    "SLOPE",
    "SLOPE_SD",
    "Contradiction",
    "Design",
    "LinkKernel",
    "RowTrust",
    "Term",
    "Twin",
    "baselines",
    "believed",
    "check_rows",
    "contradictions",
    "fit_process",
    "fit_twin",
    "heard_mean",
    "log_score",
    "next_positions",
    "noise_floor_db",
    "plan_route",
    "trust_table",
]
