"""Who watches what for how long: videos, swipes, tastes."""

from rtwin.streaming.behaviour.catalogue import (
    MAX_DURATION_S,
    NUM_TYPES,
    Catalogue,
    catalogue_of,
    draw_catalogue,
)
from rtwin.streaming.behaviour.population import Population, draw_population
from rtwin.streaming.behaviour.preference import Preference, overlap
from rtwin.streaming.behaviour.reading import read_swipes
from rtwin.streaming.behaviour.swipes import (
    HastePosterior,
    Views,
    cut_views,
    draw_views,
    watched_test,
)

__all__ = [
    "MAX_DURATION_S",
    "NUM_TYPES",
    "Catalogue",
    "HastePosterior",
    "Population",
    "Preference",
    "Views",
    "catalogue_of",
    "cut_views",
    "draw_catalogue",
    "draw_population",
    "draw_views",
    "overlap",
    "read_swipes",
    "watched_test",
]
