"""Finite databases and pools of models: twins of users, infrastructure and slices."""

from rtwin.streaming.twins.pool import Model, ModelPool
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
]
