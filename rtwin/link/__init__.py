"""What a channel gives a radio link: CQI, MCS, rate, serving cell; no ray tracer is needed.

SINR -> CQI -> MCS -> bits per resource element -> rate, by the tables of
3GPP TS 38.214, and handover by event A3 of TS 38.331. The link layer of traced paths, with fading
and block errors, is the room `rtwin.link.layer`.
"""

from rtwin.link.adaptation import LinkAdaptation
from rtwin.link.handover import Handover, serving_cells
from rtwin.link.tables import cqi_efficiency, mcs_efficiency, num_resource_blocks

__all__ = [
    "Handover",
    "LinkAdaptation",
    "cqi_efficiency",
    "mcs_efficiency",
    "num_resource_blocks",
    "serving_cells",
]
