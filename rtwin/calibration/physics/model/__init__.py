"""What the scene predicts for each link of a campaign, and what of it may change."""

from rtwin.calibration.physics.model.campaign_scene import (
    SceneFeatures,
    campaign_recipe,
    measurements_in_scene,
    scene_features,
    with_materials,
    with_object_materials,
    with_offsets,
    world_of,
    world_with_links,
)
from rtwin.calibration.physics.model.parameters import Parameter, parameters_of
from rtwin.calibration.physics.model.path_model import (
    MATERIAL_KINDS,
    PATH_CLASSES,
    Bundle,
    PhysicalModel,
    build_model,
)
from rtwin.calibration.physics.model.synthetic_campaign import make_campaign, materials_about

__all__ = [
    "MATERIAL_KINDS",
    "PATH_CLASSES",
    "Bundle",
    "Parameter",
    "PhysicalModel",
    "SceneFeatures",
    "build_model",
    "campaign_recipe",
    "make_campaign",
    "materials_about",
    "measurements_in_scene",
    "parameters_of",
    "scene_features",
    "with_materials",
    "with_object_materials",
    "with_offsets",
    "world_of",
    "world_with_links",
]
