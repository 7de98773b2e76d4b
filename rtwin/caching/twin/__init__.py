"""Twins of requests: forecasts, and traces that are drawn from them."""

from rtwin.caching.twin.counts import (
    CountTwin,
    GeneratorSettings,
    counted,
    fit_counts,
    fit_exponent,
    generate_requests,
    loss_of,
)
from rtwin.caching.twin.tastes import PresentCounts, TasteTwin, fit_tastes, generate_walks

__all__ = [
    "CountTwin",
    "GeneratorSettings",
    "PresentCounts",
    "TasteTwin",
    "counted",
    "fit_counts",
    "fit_exponent",
    "fit_tastes",
    "generate_requests",
    "generate_walks",
    "loss_of",
]
