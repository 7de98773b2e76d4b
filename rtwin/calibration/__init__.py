"""Calibration: measurements in, a twin with uncertainty out, judged on held-out blocks.

    campaign.toml -> load_measurements -> fit_twin -> validate_twin -> report
                          scene -> traced links --^

calibrate(scene, campaign, output) does all of it. This layer looks at the engine
through rtwin.trace alone, and starts it only where there is a scene.
"""

from rtwin.calibration.campaign import Campaign, list_campaigns, load_campaign
from rtwin.calibration.inputs import Inputs, link_inputs
from rtwin.calibration.measured import generate_measured_map
from rtwin.calibration.measurements import Measurements, grid_means, load_measurements
from rtwin.calibration.plan import next_positions, plan_route
from rtwin.calibration.result import read_result
from rtwin.calibration.run import calibrate
from rtwin.calibration.scene import calibrated_recipe
from rtwin.calibration.twin import Twin, fit_twin
from rtwin.calibration.validation import Score, Validation, validate_twin

__all__ = [
    "Campaign",
    "Inputs",
    "Measurements",
    "Score",
    "Twin",
    "Validation",
    "calibrate",
    "calibrated_recipe",
    "fit_twin",
    "generate_measured_map",
    "grid_means",
    "link_inputs",
    "list_campaigns",
    "load_campaign",
    "load_measurements",
    "next_positions",
    "plan_route",
    "read_result",
    "validate_twin",
]
