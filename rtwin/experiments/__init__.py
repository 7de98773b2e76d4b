"""Slicing and streaming experiments on a twin.

link trace -> SlicedNetwork -> policies decide, users are served
           -> SlicingEnv for Gymnasium, RadioMapChannel for mobile-env
run_slicing(experiment) -> what twin fidelity is worth
rtwin.experiments.ahead    what a twin earns that knows the coming seconds

What needs an optional library is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

from rtwin.experiments.beliefs import SlicingExperiment
from rtwin.experiments.fidelity import run_slicing
from rtwin.experiments.network import (
    SERVICES,
    Admitting,
    Decision,
    Episode,
    EpochReport,
    KpmRecorder,
    NetworkView,
    Optimised,
    ProportionalToDemand,
    Service,
    SimulatorSettings,
    Slice,
    SlicedNetwork,
    StaticShares,
    awaited,
    delayed,
    demand_prb,
    load_policy,
    load_services,
    make_slices,
    reward_of,
    run_episode,
    run_together,
    whole_blocks,
)
from rtwin.experiments.picture import plot_slicing
from rtwin.experiments.table import csv_table, json_report, markdown_table, rows_of
from rtwin.experiments.worlds import WorldSettings
from rtwin.extras import lazy_members

if TYPE_CHECKING:
    from rtwin.experiments.network.environment import SlicingEnv as SlicingEnv
    from rtwin.experiments.network.mobile import RadioMapChannel as RadioMapChannel
    from rtwin.experiments.network.mobile import mobile_env_config as mobile_env_config
    from rtwin.experiments.network.mobile import mobile_env_stations as mobile_env_stations
    from rtwin.experiments.network.ppo import PpoPolicy as PpoPolicy
    from rtwin.experiments.network.ppo import train_ppo as train_ppo

__all__ = [
    "SERVICES",
    "Admitting",
    "Decision",
    "Episode",
    "EpochReport",
    "KpmRecorder",
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
    "awaited",
    "csv_table",
    "delayed",
    "demand_prb",
    "json_report",
    "load_policy",
    "load_services",
    "make_slices",
    "markdown_table",
    "plot_slicing",
    "reward_of",
    "rows_of",
    "run_episode",
    "run_slicing",
    "run_together",
    "whole_blocks",
]

# Not in __all__: `import *` needs no extras.
__getattr__ = lazy_members(
    __name__,
    {
        "PpoPolicy": ("network.ppo", "Gymnasium", "'rtwin[rl]'"),
        "RadioMapChannel": ("network.mobile", "mobile-env", "mobile-env"),
        "SlicingEnv": ("network.environment", "Gymnasium", "'rtwin[experiments]'"),
        "mobile_env_config": ("network.mobile", "mobile-env", "mobile-env"),
        "mobile_env_stations": ("network.mobile", "mobile-env", "mobile-env"),
        "train_ppo": ("network.ppo", "Gymnasium", "'rtwin[rl]'"),
    },
)
