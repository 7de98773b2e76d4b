"""The deployment study: which twin gets which mapping, on a shared budget.

Regions of unlike weight lose touch with the world at unlike speed. Policies share a slot's units
among updates and rebuilds; the table compares what they lose with a bound that none can beat.
"""

from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass

import numpy as np
import xarray

from rtwin import progress
from rtwin.deployment.exact import Deployment
from rtwin.deployment.picture import plot_losses
from rtwin.deployment.policies import DEFAULT, POLICIES
from rtwin.deployment.process import LEVELS, MAPPINGS, Mapping, drawn_regions
from rtwin.deployment.simulate import Runs, simulate
from rtwin.errors import OutOfRangeError, nearest
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import figure_of
from rtwin.settings import Count, Settings


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
        policies: Of rtwin.deployment.policies; () for all.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.update_levels < LEVELS and 0 <= self.update_floor < LEVELS):
            raise OutOfRangeError(f"levels of an update are from 0 to {LEVELS - 1}")
        for name in self.policies:
            if name not in POLICIES:
                raise OutOfRangeError(f"no policy '{name}'; {nearest(name, tuple(POLICIES))}")

    def deployment(self) -> Deployment:
        """Regions, mappings and budget."""
        update = Mapping("horizontal", (self.update_units,), self.update_levels, self.update_floor)
        rebuild = Mapping("vertical", (self.rebuild_units,), LEVELS)
        mappings = (MAPPINGS[0], update, rebuild)
        return Deployment(
            drawn_regions(self.regions, self.seed), mappings, self.budget, self.discount
        )


def run_deployment(
    study: DeploymentStudy, done: progress.Count = progress.uncounted
) -> dict[str, Runs]:
    """Run every policy; all see the same drift's draws."""
    plan = study.deployment()
    names = study.policies or tuple(POLICIES)
    found = {}
    for number, name in enumerate(names):
        found[name] = simulate(
            plan, POLICIES[name], runs=study.runs, slots=study.slots, seed=study.seed
        )
        done(number + 1, len(names))
    return found


def deployment_results(study: DeploymentStudy, found: Table[str, Runs]) -> StudyResults:
    """Everything that the study writes."""
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
        [table],
        arrays,
        {"policies": picture},
    )


def _stacked(found: Table[str, Runs], name: str) -> tuple[tuple[str, ...], np.ndarray]:
    values = np.stack([getattr(runs, name) for runs in found.values()])
    return ("policy", "run", "slot", "region"), values.astype(np.int8)
