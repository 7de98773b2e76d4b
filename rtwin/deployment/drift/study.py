"""The deployment study: which twin gets which mapping, on a shared budget.

Regions of unlike weight lose touch with the world at unlike speed. Policies share a slot's units
among updates and rebuilds; the table compares what they lose with a bound that none can beat.
"""

import itertools
import time
from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import xarray

from rtwin import progress
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.drift.policies import DEFAULT, POLICIES, Policy
from rtwin.deployment.drift.regions import LEVELS, MAPPINGS, Mapping, drawn_regions
from rtwin.deployment.drift.simulate import Runs, simulate
from rtwin.deployment.learned import LearnedPolicy, train_policy
from rtwin.deployment.picture import plot_losses
from rtwin.errors import OutOfRangeError, nearest
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import figure_of
from rtwin.settings import AtLeast, Count, Settings

GRAPH = "PPO, graph"
LEARNED: dict[str, dict[str, Any]] = {
    GRAPH: {"bits": 32},
    "PPO, graph, 8 bits across": {"bits": 8},
    "PPO, layers": {"network": "layers"},
}
TWICE = ("both, greedy", GRAPH, DEFAULT)  # layers know one number of regions alone


@dataclass(frozen=True)
class DeploymentStudy(Settings):
    """What is asked.

    Attributes:
        regions: How many twins share the budget.
        budget: Units in a slot; an update costs `update_units`, a rebuild `rebuild_units`.
        update_levels, update_floor: Levels of error that an update takes off, and what it
            cannot go below.
        runs, slots: How often and how long each policy is run.
        discount: Of what comes a slot later.
        seed: Of regions and drift.
        policies: Of rtwin.deployment.drift.policies; () for all.
        ppo_steps: Slots that PPO learns from; 0 for no learned policies.
    """

    regions: Count = 10
    budget: Count = 6
    update_units: Count = 1
    rebuild_units: Count = 4
    update_levels: int = 3
    update_floor: int = 1
    runs: Count = 30
    slots: Count = 120
    discount: float = 0.95
    seed: int = 0
    policies: tuple[str, ...] = ()
    ppo_steps: Annotated[int, AtLeast(0)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.update_levels < LEVELS and 0 <= self.update_floor < LEVELS):
            raise OutOfRangeError(f"levels of an update are from 0 to {LEVELS - 1}")
        for name in self.policies:
            if name not in POLICIES:
                raise OutOfRangeError(f"no policy '{name}'; {nearest(name, tuple(POLICIES))}")

    def deployment(self, times: int = 1) -> Deployment:
        """Regions, mappings and budget; of so many times as many regions."""
        update = Mapping("horizontal", (self.update_units,), self.update_levels, self.update_floor)
        rebuild = Mapping("vertical", (self.rebuild_units,), LEVELS)
        mappings = (MAPPINGS[0], update, rebuild)
        regions = drawn_regions(times * self.regions, self.seed)
        return Deployment(regions, mappings, times * self.budget, self.discount)


@dataclass(frozen=True, eq=False)
class Found:
    """What the study found.

    Attributes:
        runs: Of every policy, by name.
        twice: Of some policies on twice as many regions and units.
        trained: Learned policies, with the seconds of the processor that training took.
    """

    runs: Table[str, Runs]
    twice: Table[str, Runs] = field(default_factory=dict)
    trained: Table[str, tuple[LearnedPolicy, float]] = field(default_factory=dict)


def run_deployment(study: DeploymentStudy, done: progress.Count = progress.uncounted) -> Found:
    """Run every policy; all see the same drift's draws.

    Raises:
        MissingExtraError: if policies are to be learned and Stable-Baselines3 is not installed.
    """
    plan = study.deployment()
    policies = {name: POLICIES[name] for name in study.policies or POLICIES}
    total = len(policies) + (2 * len(LEARNED) + len(TWICE) if study.ppo_steps else 0)
    count = itertools.count(1)

    def run(plan: Deployment, policy: Policy) -> Runs:
        found = simulate(plan, policy, runs=study.runs, slots=study.slots, seed=study.seed)
        done(next(count), total)
        return found

    trained: dict[str, tuple[LearnedPolicy, float]] = {}
    for name, how in (LEARNED if study.ppo_steps else {}).items():
        start = time.process_time()
        options = {"slots": study.slots, "seed": study.seed, **how}
        learned = train_policy(plan, study.ppo_steps, **options)
        trained[name] = learned, time.process_time() - start
        done(next(count), total)
    runs = {name: run(plan, policy) for name, policy in policies.items()}
    runs |= {name: run(plan, policy) for name, (policy, _) in trained.items()}
    twice: dict[str, Runs] = {}
    if trained:
        larger = study.deployment(2)
        for name in TWICE:
            policy = trained[name][0] if name in trained else POLICIES[name]
            twice[name] = run(larger, policy)
    return Found(runs, twice, trained)


def deployment_results(study: DeploymentStudy, everything: Found) -> StudyResults:
    """Everything that the study writes."""
    found = everything.runs
    bound, price = study.deployment().bound()
    losses = {name: figure_of(runs.loss.tolist()) for name, runs in found.items()}
    reference = found.get(DEFAULT)
    rows: list[dict[str, Cell]] = []
    for name, runs in found.items():
        row: dict[str, Cell] = {
            "policy": name,
            "loss": losses[name],
            "over the bound [%]": 100 * (float(runs.loss.mean()) / bound - 1) if bound else 0.0,
            "units a slot": float(runs.units.mean()),
            "updates a slot": float((runs.mapping == 1).sum(axis=2).mean()),
            "rebuilds a slot": float((runs.mapping == 2).sum(axis=2).mean()),
            "mean level": float(runs.level.mean()),
        }
        if reference is not None:
            paired = runs.loss - reference.loss
            row["more than the index"] = figure_of(paired.tolist())
        rows.append(row)
    table = StudyTable(
        "policies",
        f"{study.regions} regions, {study.budget} units a slot",
        rows,
        {"loss": 1, "over the bound [%]": 0, "units a slot": 1, "more than the index": 1}
        | {"updates a slot": 1, "rebuilds a slot": 1, "mean level": 2},
        f"Loss is discounted, from a world without error. No policy can lose less than "
        f"{bound:.1f}, where a unit is worth {price:.3f}: that bound keeps the budget on average "
        "alone, which no real policy may.",
    )
    shown = [name for name in ("both, greedy", DEFAULT) if name in found]
    shown += [name for name in found if name not in shown]
    picture = plot_losses(
        {name: (float(loss.mean), float(loss.half_width)) for name, loss in losses.items()},
        bound,
        {name: found[name].mapping[0] for name in shown[:2]},
    )
    arrays = xarray.Dataset(
        {
            "mapping": _stacked(found, "mapping"),
            "error_level": _stacked(found, "level"),
            "loss": (("policy", "run"), np.array([runs.loss for runs in found.values()])),
        },
        coords={"policy": list(found)},
        attrs={"bound": bound, "price": price},
    )
    return StudyResults(
        "deployment",
        "Which twin to update, which to rebuild",
        asdict(study),
        [table, *_learned_tables(study, everything)],
        arrays,
        {"policies": picture},
    )


def _learned_tables(study: DeploymentStudy, found: Found) -> list[StudyTable]:
    """What learning took, and what was learned on twice as many regions."""
    if not found.trained:
        return []
    learned: list[dict[str, Cell]] = [
        {
            "policy": name,
            "slots learned from": study.ppo_steps,
            "training [processor s]": seconds,
            "crossed the cut [MB]": policy.crossed / 1e6,
            "loss": figure_of(found.runs[name].loss.tolist()),
        }
        for name, (policy, seconds) in found.trained.items()
    ]
    bound, _ = study.deployment(2).bound()
    reference = found.twice[DEFAULT].loss
    twice: list[dict[str, Cell]] = [
        {
            "policy": name,
            "loss": figure_of(runs.loss.tolist()),
            "over the bound [%]": 100 * (float(runs.loss.mean()) / bound - 1) if bound else 0.0,
            "more than the index": figure_of((runs.loss - reference).tolist()),
        }
        for name, runs in found.twice.items()
    ]
    decimals = {"loss": 1, "over the bound [%]": 0, "more than the index": 1}
    return [
        StudyTable(
            "learned",
            "What was learned, and what it took",
            learned,
            decimals | {"training [processor s]": 0, "crossed the cut [MB]": 0},
            "A graph that is split encodes at its stations; what they encode goes up to the "
            "server, gradients come down. Raw observations would be "
            f"{study.ppo_steps * study.regions * 7 * 4 / 1e6:.0f} MB, up alone and once.",
        ),
        StudyTable(
            "twice",
            f"The same policies on {2 * study.regions} regions, nothing learned anew",
            twice,
            decimals,
        ),
    ]


def _stacked(found: Table[str, Runs], name: str) -> tuple[tuple[str, ...], np.ndarray]:
    values = np.stack([getattr(runs, name) for runs in found.values()])
    return ("policy", "run", "slot", "region"), values.astype(np.int8)
