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

from rtwin.errors import StoreError
from rtwin.experiments.beliefs import Belief, SlicingExperiment, Worlds, compare_traces
from rtwin.experiments.network import (
    Admitting,
    Episode,
    KpmRecorder,
    Optimised,
    Policy,
    ProportionalToDemand,
    SimulatorSettings,
    SlicedNetwork,
    StaticShares,
    load_policy,
    make_slices,
    run_together,
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


def run_slicing(
    experiment: SlicingExperiment, progress: Progress = silent, kpm: Path | None = None
) -> list[Run]:
    """Run the experiment.

    Args:
        experiment: What is compared.
        progress: Called with stage ("experiment"), steps done and in all.
        kpm: Folder for the KPIs of every run, POLICY/KNOWLEDGE/seed_N; None: none are written.
    Returns:
        All runs, seed by seed.
    Raises:
        RecipeError, OutOfRangeError, StoreError: if the scene, a twin or the
            ways cannot be used.
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/experiments/test_fidelity.py.
    """
    if kpm is not None and kpm.exists() and (not kpm.is_dir() or any(kpm.iterdir())):
        raise StoreError(f"{kpm}: is not an empty folder; name a new one for the KPIs")
    # Before anything is traced: is the solver there?
    Optimised().solve(np.full((1, 1), 0.5), np.ones((1, 1)))
    compared = policies(experiment.policies)
    progress("experiment", 0, 1)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name:
        worlds = Worlds(experiment, Path(name))
        runs: list[Run] = []
        per_seed = 1 + (len(compared) - 1) * worlds.num_beliefs
        for seed in range(experiment.seeds):
            for run in _runs_of(worlds, seed, compared, kpm):
                runs.append(run)
                progress("experiment", len(runs), experiment.seeds * per_seed)
    return runs


def _runs_of(
    worlds: Worlds, seed: int, compared: Mapping[str, Policy], kpm: Path | None
) -> Iterator[Run]:
    experiment = worlds.experiment
    slices = make_slices(experiment.users, experiment.services)
    settings = SimulatorSettings(
        epoch_s=experiment.epoch_s,
        coupled=experiment.interference_load is None,
        lending=experiment.lending,
    )
    truth, beliefs = worlds.of(seed)
    which: list[tuple[str, str]] = []
    networks, decide, found = [], [], []
    for name, policy in compared.items():
        shown = {NOBODY: Belief(truth, 0.0)} if name == "static" else beliefs
        for knowledge, belief in shown.items():
            which.append((name, knowledge))
            networks.append(SlicedNetwork(truth, slices, settings, belief.trace, belief.error_db))
            # What one's own policy remembers is of its own run.
            own = experiment.policies.get(name)
            chosen = policy if own is None else load_policy(own)
            admits = experiment.admission and knowledge != NOBODY
            decide.append(Admitting(chosen) if admits else chosen)
            error = compare_traces(belief.trace, truth)
            found.append((np.nan, np.nan) if knowledge == NOBODY else error)
    recorders = [KpmRecorder(network, truth) for network in networks] if kpm is not None else []
    episodes = run_together(networks, decide, seed, observe=recorders)
    if kpm is not None:
        for (name, knowledge), recorder in zip(which, recorders, strict=True):
            place = (_folder_name(name), _folder_name(knowledge), f"seed_{seed}")
            recorder.write(kpm.joinpath(*place))
    for (name, knowledge), episode, (error_db, right) in zip(which, episodes, found, strict=True):
        yield Run(seed, knowledge, name, episode, error_db, right)


def _folder_name(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)
