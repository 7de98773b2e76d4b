"""The search for the parameters that fit, and what the measurements tell of each."""

from rtwin.calibration.physics.fitting.fisher_information import information_table
from rtwin.calibration.physics.fitting.fit import SEEN, PhysicalFit, fit_physics, stored_fit
from rtwin.calibration.physics.fitting.left_out_blocks import predicts_better
from rtwin.calibration.physics.fitting.loss import (
    LIMIT,
    TOLD_APART,
    Problem,
    Scatter,
    scaled_gain_db,
)

__all__ = [
    "LIMIT",
    "SEEN",
    "TOLD_APART",
    "PhysicalFit",
    "Problem",
    "Scatter",
    "fit_physics",
    "information_table",
    "predicts_better",
    "scaled_gain_db",
    "stored_fit",
]
