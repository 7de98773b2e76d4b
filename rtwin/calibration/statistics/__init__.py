"""What places explain: regressions, Gaussian processes, and the average that is the twin."""

from rtwin.calibration.statistics.averaging import Twin, fit_twin
from rtwin.calibration.statistics.baselines import baselines
from rtwin.calibration.statistics.gaussian_process import Design, fit_process
from rtwin.calibration.statistics.kernel import LinkKernel, Term
from rtwin.calibration.statistics.measurement_plan import next_positions, plan_route

__all__ = [
    "Design",
    "LinkKernel",
    "Term",
    "Twin",
    "baselines",
    "fit_process",
    "fit_twin",
    "next_positions",
    "plan_route",
]
