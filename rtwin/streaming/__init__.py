"""Twins of users, infrastructure and slices, and closed loops on the radio twin."""

from rtwin.streaming.behaviour import (
    Catalogue,
    HastePosterior,
    Population,
    Preference,
    draw_catalogue,
    draw_population,
    read_swipes,
)
from rtwin.streaming.decision import (
    Decision,
    DemandModel,
    Emulator,
    Knowledge,
    Quality,
    Setting,
    Weights,
)
from rtwin.streaming.twins import InfrastructureTwin, SliceTwin, Store, Twin, UserTwin

__all__ = [
    "Catalogue",
    "Decision",
    "DemandModel",
    "Emulator",
    "HastePosterior",
    "InfrastructureTwin",
    "Knowledge",
    "Population",
    "Preference",
    "Quality",
    "Setting",
    "SliceTwin",
    "Store",
    "Twin",
    "UserTwin",
    "Weights",
    "draw_catalogue",
    "draw_population",
    "read_swipes",
]
