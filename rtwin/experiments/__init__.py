"""Slicing and streaming experiments on a twin.

link trace -> SlicedNetwork -> policies decide, users are served
           -> SlicingEnv for Gymnasium, RadioMapChannel for mobile-env
run_slicing(experiment) -> what twin fidelity is worth

What needs an optional library is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

from rtwin.experiments.beliefs import SlicingExperiment
from rtwin.experiments.episodes import Episode, delayed, run_episode
from rtwin.experiments.fidelity import run_slicing
from rtwin.experiments.picture import plot_slicing
from rtwin.experiments.policies import (
    Optimised,
    ProportionalToDemand,
    StaticShares,
    demand_prb,
    whole_blocks,
)
from rtwin.experiments.rewards import reward_of
from rtwin.experiments.services import SERVICES, Service, Slice, make_slices
from rtwin.experiments.simulator import (
    EpochReport,
    NetworkView,
    SimulatorSettings,
    SlicedNetwork,
)
from rtwin.experiments.table import csv_table, json_report, markdown_table, rows_of
from rtwin.experiments.worlds import WorldSettings
from rtwin.extras import lazy_members

if TYPE_CHECKING:
    from rtwin.experiments.environment import SlicingEnv as SlicingEnv
    from rtwin.experiments.mobile import RadioMapChannel as RadioMapChannel
    from rtwin.experiments.mobile import mobile_env_config as mobile_env_config
    from rtwin.experiments.mobile import mobile_env_stations as mobile_env_stations
    from rtwin.experiments.ppo import PpoPolicy as PpoPolicy
    from rtwin.experiments.ppo import train_ppo as train_ppo

__all__ = [
    "SERVICES",
    "Episode",
    "EpochReport",
    "NetworkView",
    "Optimised",
    "ProportionalToDemand",
    "Service",
    "SimulatorSettings",
    "Slice",
    "SlicedNetwork",
    "SlicingExperiment",
    "StaticShares",
    "WorldSettings",
    "csv_table",
    "delayed",
    "demand_prb",
    "json_report",
    "make_slices",
    "markdown_table",
    "plot_slicing",
    "reward_of",
    "rows_of",
    "run_episode",
    "run_slicing",
    "whole_blocks",
]

# Not in __all__: `import *` needs no extras.
__getattr__ = lazy_members(
    __name__,
    {
        "PpoPolicy": ("ppo", "Gymnasium", "'rtwin[rl]'"),
        "RadioMapChannel": ("mobile", "mobile-env", "mobile-env"),
        "SlicingEnv": ("environment", "Gymnasium", "'rtwin[experiments]'"),
        "mobile_env_config": ("mobile", "mobile-env", "mobile-env"),
        "mobile_env_stations": ("mobile", "mobile-env", "mobile-env"),
        "train_ppo": ("ppo", "Gymnasium", "'rtwin[rl]'"),
    },
)
