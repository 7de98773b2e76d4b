"""What quality means: utilities fitted to what decisions on twins were worth.

worlds -> twins that lack something -> slicing and streaming decide on them -> fitted utilities
"""

from rtwin.deployment.worth.fit import Fit, Prediction, fit_form, held_out
from rtwin.deployment.worth.runs import TASKS, WorthStudy, run_worth
from rtwin.deployment.worth.study import worth_results

__all__ = [
    "TASKS",
    "Fit",
    "Prediction",
    "WorthStudy",
    "fit_form",
    "held_out",
    "run_worth",
    "worth_results",
]
