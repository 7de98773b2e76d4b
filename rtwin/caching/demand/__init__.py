"""Who asks where for what: drawn demand, logs, stations in reach."""

from rtwin.caching.demand.drawn import (
    NO_BURSTS,
    Bursts,
    DriftingDemand,
    WalkingDemand,
    draw_clients,
    zipf,
)
from rtwin.caching.demand.gateway import read_gateway
from rtwin.caching.demand.reach import WITHIN_DB, Reach, reach_of_trace, requests_at, ring_reach
from rtwin.caching.demand.trace import NO_STATION, Catalogue, RequestTrace, joined
from rtwin.caching.demand.viewing import viewers_at

__all__ = [
    "NO_BURSTS",
    "NO_STATION",
    "WITHIN_DB",
    "Bursts",
    "Catalogue",
    "DriftingDemand",
    "Reach",
    "RequestTrace",
    "WalkingDemand",
    "draw_clients",
    "joined",
    "reach_of_trace",
    "read_gateway",
    "requests_at",
    "ring_reach",
    "viewers_at",
    "zipf",
]
