"""Calibration that several sites share: materials are common, measurements stay at home.

campaign -> CampaignSite -> SiteUpdate (parameters, pull, precision) -> aggregate -> Shared
federate: the same in rounds, where sites can be asked again and again
"""

from rtwin.federation.sites.aggregate import Shared, aggregate, disagreement
from rtwin.federation.sites.federate import federate
from rtwin.federation.sites.files import (
    read_shared,
    read_update,
    write_materials,
    write_shared,
    write_update,
)
from rtwin.federation.sites.networks import (
    aggregate_networks,
    flat,
    learn_networks,
    learn_networks_on_arrival,
    shaped,
)
from rtwin.federation.sites.rounds import make_update, place_in, settled_update
from rtwin.federation.sites.site import CampaignSite, Site, load_site, union_of
from rtwin.federation.sites.site_update import SharedParameter, SiteUpdate

__all__ = [
    "CampaignSite",
    "Shared",
    "SharedParameter",
    "Site",
    "SiteUpdate",
    "aggregate",
    "aggregate_networks",
    "disagreement",
    "federate",
    "flat",
    "learn_networks",
    "learn_networks_on_arrival",
    "load_site",
    "make_update",
    "place_in",
    "read_shared",
    "read_update",
    "settled_update",
    "shaped",
    "union_of",
    "write_materials",
    "write_shared",
    "write_update",
]
