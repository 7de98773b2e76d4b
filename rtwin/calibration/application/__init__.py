"""What a calibration is good for: recipes, maps and datasets that use what it found."""

from rtwin.calibration.application.calibrated_recipe import calibrated_recipe
from rtwin.calibration.application.dataset_alignment import align, align_weights
from rtwin.calibration.application.discrepancy_map import (
    TwinCorrection,
    calibration_attributes,
    write_twin,
)
from rtwin.calibration.application.measured_map import generate_measured_map

__all__ = [
    "TwinCorrection",
    "align",
    "align_weights",
    "calibrated_recipe",
    "calibration_attributes",
    "generate_measured_map",
    "write_twin",
]
