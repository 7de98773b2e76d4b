"""Finite databases and pools of models: twins of users, infrastructure and slices."""

from rtwin.streaming.twins.collection import held, on_beat, on_delta
from rtwin.streaming.twins.pool import Model, ModelPool
from rtwin.streaming.twins.privacy import (
    blurred,
    count_variance,
    counts_of,
    noised_counts,
    randomised,
    truth_chance,
)
from rtwin.streaming.twins.store import Store
from rtwin.streaming.twins.twin import CAPACITY, InfrastructureTwin, SliceTwin, Twin, UserTwin

__all__ = [
    "CAPACITY",
    "InfrastructureTwin",
    "Model",
    "ModelPool",
    "SliceTwin",
    "Store",
    "Twin",
    "UserTwin",
    "blurred",
    "count_variance",
    "counts_of",
    "held",
    "noised_counts",
    "on_beat",
    "on_delta",
    "randomised",
    "truth_chance",
]
