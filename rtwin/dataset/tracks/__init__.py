"""Tracks: a twin sampled along the ways of moving users, as their link trace."""

from rtwin.dataset.tracks.link_budget import make_link_trace
from rtwin.dataset.tracks.sample import sample, sample_map
from rtwin.dataset.tracks.twin import SampleSettings, recipe_of

__all__ = [
    "SampleSettings",
    "make_link_trace",
    "recipe_of",
    "sample",
    "sample_map",
]
