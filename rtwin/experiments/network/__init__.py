"""A network that shares its cells' blocks out among slices: traffic, simulator, policies.

What needs an optional library, its environment, PPO and mobile-env's channel, is not imported here.
"""

from rtwin.experiments.network.channels import adaptation_of, believed_efficiency
from rtwin.experiments.network.episodes import (
    Episode,
    awaited,
    delayed,
    run_episode,
    run_together,
    seen_at,
)
from rtwin.experiments.network.kpm import KpmRecorder
from rtwin.experiments.network.plugins import load_policy, load_services
from rtwin.experiments.network.policies import (
    Admitting,
    Optimised,
    Policy,
    ProportionalToDemand,
    StaticShares,
    demand_prb,
    floored_blocks,
    whole_blocks,
)
from rtwin.experiments.network.reports import PRB_PRICE, EpochReport, reward_of
from rtwin.experiments.network.services import SERVICES, Service, Slice, make_slices
from rtwin.experiments.network.simulator import SimulatorSettings, SlicedNetwork
from rtwin.experiments.network.view import Decision, NetworkView

__all__ = [
    "PRB_PRICE",
    "SERVICES",
    "Admitting",
    "Decision",
    "Episode",
    "EpochReport",
    "KpmRecorder",
    "NetworkView",
    "Optimised",
    "Policy",
    "ProportionalToDemand",
    "Service",
    "SimulatorSettings",
    "Slice",
    "SlicedNetwork",
    "StaticShares",
    "adaptation_of",
    "awaited",
    "believed_efficiency",
    "delayed",
    "demand_prb",
    "floored_blocks",
    "load_policy",
    "load_services",
    "make_slices",
    "reward_of",
    "run_episode",
    "run_together",
    "seen_at",
    "whole_blocks",
]
