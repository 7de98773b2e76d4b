"""Calibration: measurements in, a twin with uncertainty out, judged on held-out blocks.

    campaign.toml -> load_measurements -> fit_twin -> validate_twin -> report
                          scene -> traced links --^

calibrate(scene, campaign, output) does all of it. This layer looks at the engine
through rtwin.trace alone, and starts it only where there is a scene.
"""

from rtwin.calibration.application import (
    TwinCorrection,
    align,
    align_weights,
    calibrated_recipe,
    calibration_attributes,
    generate_measured_map,
)
from rtwin.calibration.campaign import (
    Campaign,
    Inputs,
    Measurements,
    campaign_toml,
    grid_means,
    link_inputs,
    list_campaigns,
    load_campaign,
    load_measurements,
)
from rtwin.calibration.drive_test import DriveCampaign, drive_campaign, is_table
from rtwin.calibration.judgement import Score, Validation, read_result, validate_twin
from rtwin.calibration.pipeline import calibrate
from rtwin.calibration.statistics import Twin, fit_twin, next_positions, plan_route

__all__ = [
    "Campaign",
    "DriveCampaign",
    "Inputs",
    "Measurements",
    "Score",
    "Twin",
    "TwinCorrection",
    "Validation",
    "align",
    "align_weights",
    "calibrate",
    "calibrated_recipe",
    "calibration_attributes",
    "campaign_toml",
    "drive_campaign",
    "fit_twin",
    "generate_measured_map",
    "grid_means",
    "is_table",
    "link_inputs",
    "list_campaigns",
    "load_campaign",
    "load_measurements",
    "next_positions",
    "plan_route",
    "read_result",
    "validate_twin",
]
