"""What the scene explains: traced paths of a campaign, and the search for what makes them fit."""

from rtwin.calibration.physics.fitting import PhysicalFit, information_table, stored_fit
from rtwin.calibration.physics.model import (
    Parameter,
    PhysicalModel,
    build_model,
    campaign_recipe,
    make_campaign,
    materials_about,
    measurements_in_scene,
    scene_features,
    with_materials,
    with_object_materials,
    world_with_links,
)
from rtwin.calibration.physics.traced_campaign import (
    CALIBRATED,
    RAY_TRACED,
    TracedCampaign,
    fitted_materials,
    physical_inputs,
    trace_campaign,
)

__all__ = [
    "CALIBRATED",
    "RAY_TRACED",
    "Parameter",
    "PhysicalFit",
    "PhysicalModel",
    "TracedCampaign",
    "build_model",
    "campaign_recipe",
    "fitted_materials",
    "information_table",
    "make_campaign",
    "materials_about",
    "measurements_in_scene",
    "physical_inputs",
    "scene_features",
    "stored_fit",
    "trace_campaign",
    "with_materials",
    "with_object_materials",
    "world_with_links",
]
