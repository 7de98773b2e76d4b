"""What is twin fidelity worth? The same policies decide on different twins.

For every seed there is a reference world that no twin equals; users walk in it.
A policy that needs to know the channels is shown what a twin predicts for the
users' places, and how far that twin was off at some check points; its decisions
are scored on the reference.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtwin.experiments.beliefs import Belief, SlicingExperiment, Worlds, compare_traces
from rtwin.experiments.network import (
    Episode,
    Optimised,
    Policy,
    ProportionalToDemand,
    SimulatorSettings,
    SlicedNetwork,
    StaticShares,
    load_policy,
    make_slices,
    run_episode,
)
from rtwin.progress import Progress, silent

NOBODY = "nothing"


@dataclass(frozen=True)
class Run:
    """One policy on one knowledge in one reference world."""

    seed: int
    knowledge: str
    policy: str
    episode: Episode
    gain_error_db: float
    right_cell: float


def policies(others: Mapping[str, str] | None = None) -> dict[str, Policy]:
    """The policies that are compared, by name; the first needs to know nothing.

    Args:
        others: MODULE:FUNCTION of further ones; see rtwin.experiments.network.load_policy.
    """
    return {
        "static": StaticShares(),
        "proportional": ProportionalToDemand(),
        "optimised": Optimised(),
        **{name: load_policy(what) for name, what in (others or {}).items()},
    }


def run_slicing(experiment: SlicingExperiment, progress: Progress = silent) -> list[Run]:
    """Run the experiment.

    Args:
        experiment: What is compared.
        progress: Called with stage ("experiment"), steps done and in all.
    Returns:
        All runs, seed by seed.
    Raises:
        RecipeError, OutOfRangeError, StoreError: if the scene, a twin or the
            ways cannot be used.
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/experiments/test_fidelity.py.
    """
    # Before anything is traced: is the solver there?
    Optimised().solve(np.full((1, 1), 0.5), np.ones((1, 1)))
    compared = policies(experiment.policies)
    progress("experiment", 0, 1)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name:
        worlds = Worlds(experiment, Path(name))
        runs: list[Run] = []
        per_seed = 1 + (len(compared) - 1) * worlds.num_beliefs
        for seed in range(experiment.seeds):
            for run in _runs_of(worlds, seed, compared):
                runs.append(run)
                progress("experiment", len(runs), experiment.seeds * per_seed)
    return runs


def _runs_of(worlds: Worlds, seed: int, compared: Mapping[str, Policy]) -> Iterator[Run]:
    experiment = worlds.experiment
    slices = make_slices(experiment.users, experiment.services)
    settings = SimulatorSettings(epoch_s=experiment.epoch_s)
    truth, beliefs = worlds.of(seed)
    for name, policy in compared.items():
        shown = {NOBODY: Belief(truth, 0.0)} if name == "static" else beliefs
        for knowledge, belief in shown.items():
            network = SlicedNetwork(truth, slices, settings, belief.trace, belief.error_db)
            error, right = compare_traces(belief.trace, truth)
            if knowledge == NOBODY:
                error, right = np.nan, np.nan
            yield Run(seed, knowledge, name, run_episode(network, policy, seed), error, right)
