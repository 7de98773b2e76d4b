"""What was measured: the campaign file, its tables, levels in dB, and blocks to hold out."""

from rtwin.calibration.campaign.blocks import (
    HoldOut,
    block_of,
    default_block_m,
    draw,
    folds,
    hold_out,
    splits,
)
from rtwin.calibration.campaign.from_scene import transmitters_of
from rtwin.calibration.campaign.link_inputs import GAIN, WALL_FEATURES, Inputs, link_inputs
from rtwin.calibration.campaign.measurements import (
    Link,
    Measurements,
    grid_means,
    links_of,
    screened,
)
from rtwin.calibration.campaign.reading import load_measurements, read_measurements
from rtwin.calibration.campaign.recipe import (
    Campaign,
    FitSpec,
    MaterialChoice,
    campaign_from_dict,
    campaign_toml,
    list_campaigns,
    load_campaign,
)
from rtwin.calibration.campaign.tables import read_table

__all__ = [
    "GAIN",
    "WALL_FEATURES",
    "Campaign",
    "FitSpec",
    "HoldOut",
    "Inputs",
    "Link",
    "MaterialChoice",
    "Measurements",
    "block_of",
    "campaign_from_dict",
    "campaign_toml",
    "default_block_m",
    "draw",
    "folds",
    "grid_means",
    "hold_out",
    "link_inputs",
    "links_of",
    "list_campaigns",
    "load_campaign",
    "load_measurements",
    "read_measurements",
    "read_table",
    "screened",
    "splits",
    "transmitters_of",
]
