"""Which material each building or object is made of, out of a list of candidates.

Every object that may be of another material gets one of its own, whose numbers
are then set to those of a candidate: the paths are traced once and evaluated as
often as there are candidates to try.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import Campaign, FitSpec, MaterialChoice, Measurements
from rtwin.calibration.journal import Journal
from rtwin.calibration.physics.fitting import TOLD_APART, Problem, Scatter
from rtwin.calibration.physics.model import (
    MATERIAL_KINDS,
    Parameter,
    PhysicalModel,
    build_model,
    with_object_materials,
    world_of,
)
from rtwin.errors import CampaignError
from rtwin.progress import Count, uncounted
from rtwin.scene import Material, Recipe, recipe_dict, recipe_from_dict
from rtwin.trace import World

_OWN = "choice"
_DRAWN_SHARE = 0.5  # prior probability that the scene's material is right
_SWEEPS = 4
_STEPS = 3  # of the fit with each choice
_MAX_GROUPS = 200
_MAX_ROWS = 400


@dataclass(frozen=True)
class Group:
    """Objects that are of one material, whichever it is."""

    objects: tuple[str, ...]
    candidates: tuple[str, ...]  # the drawn one first
    power_share: float  # of the power at the measured points that touches them


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        materials: Material of every object that is not as it was drawn.
        rows: One for each group: objects, drawn and chosen material, how much
            worse the runner-up fits, verdict.
    """

    materials: dict[str, str]
    rows: tuple[dict[str, Any], ...]


def choose_materials(
    recipe: Recipe,
    campaign: Campaign,
    data: Measurements,
    parameters: tuple[Parameter, ...],
    seed: int = 1,
    progress: Count = uncounted,
    journal: Journal | None = None,
) -> Choice:
    """Choose the material of every object that `fit.material_choice` names.

    Coordinate search: one group after the other is tried with all candidates,
    from the drawn materials and from each candidate for all, until nothing gets
    better. What needs no new fields (antenna, losses, dynamic range) is fitted with
    every choice. The scene's own material has half of the prior.

    Args:
        recipe: The scene as it is drawn.
        campaign: Says which objects and candidates.
        data: Rows to explain; at most 400 are looked at.
        parameters: Of the fit; those of materials are not fitted here.
        seed: Of the draw of rows.
    Raises:
        CampaignError: if no object has such a name, or a candidate is unknown.
    Source: checked by tests/calibration/physics/test_material_choice.py with walls of
    known materials.
    """
    journal = journal or Journal()
    if len(data) > _MAX_ROWS:
        data = data.take(np.sort(np.random.default_rng(seed).permutation(len(data))[:_MAX_ROWS]))
    drawn = world_of(recipe, campaign)
    groups = _groups(drawn, build_model(drawn, data), campaign)
    seen = [group for group in groups if group.power_share > 0]
    rows = [_unseen(group) for group in groups if not group.power_share]
    if not seen:
        return Choice({}, tuple(rows))
    search = _Search(recipe, campaign, data, parameters, seen, drawn)
    found = journal.step(lambda: search.run(progress))
    best = found["choice"].astype(np.int64)
    materials: dict[str, str] = {}
    for number, group in enumerate(seen):
        rise = found["rise"][number, : len(group.candidates)]
        row = _row(group, int(best[number]), rise)
        rows.append(row)
        if row["chosen"] != row["drawn"]:
            materials |= dict.fromkeys(group.objects, row["chosen"])
    return Choice(materials, tuple(rows))


def _groups(world: World, model: PhysicalModel, campaign: Campaign) -> list[Group]:
    share = _power_by_object(world, model)
    drawn: dict[str, str] = {}
    for number, name in enumerate(world.object_names):
        of = world.triangles.material[world.triangles.object == number]
        if of.size:
            drawn[name] = world.material_names[int(of[0])]
    groups: list[Group] = []
    taken: set[str] = set()
    for spec in campaign.fit.material_choice:
        names = [n for n in drawn if n not in taken and _matches(n, spec)]
        if not names:
            raise CampaignError(
                f"{campaign.name}: fit.material_choice.objects = {list(spec.objects)} names no "
                f"object; there are {', '.join(sorted(drawn)[:8])}"
                f"{', ...' if len(drawn) > 8 else ''}"
            )
        taken.update(names)
        parts = [tuple(names)] if spec.together else [(name,) for name in names]
        for objects in parts:
            first = drawn[objects[0]]
            others = tuple(c for c in spec.candidates if c != first)
            touched = float(sum(share.get(name, 0.0) for name in objects))
            groups.append(Group(objects, (first, *others), touched))
    groups.sort(key=lambda group: -group.power_share)
    kept = groups[:_MAX_GROUPS]
    return kept + [replace(group, power_share=0.0) for group in groups[_MAX_GROUPS:]]


def _matches(name: str, spec: MaterialChoice) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in spec.objects)


def _power_by_object(world: World, model: PhysicalModel) -> dict[str, float]:
    """Mean share of the power at the measured points that touches each object."""
    total = np.zeros(len(world.object_names))
    for bundle, power in zip(model.bundles, model.pair_powers((), np.zeros(0)), strict=True):
        sum_of_row = np.bincount(bundle.row, power, minlength=len(bundle.rows))
        weight = power / np.maximum(sum_of_row[bundle.row], 1e-300)
        used = bundle.paths.interactions != 0
        thing = world.triangles.object[np.where(used, bundle.paths.triangle, 0)]
        for number in np.unique(thing[used]):
            touches = ((thing == number) & used).any(axis=1)
            total[number] += weight[touches[bundle.path]].sum()
    return {name: v / len(model.data) for name, v in zip(world.object_names, total, strict=True)}


class _Search:
    """Losses of choices: one number of a candidate for each group."""

    def __init__(
        self,
        recipe: Recipe,
        campaign: Campaign,
        data: Measurements,
        parameters: tuple[Parameter, ...],
        groups: list[Group],
        drawn: World,
    ) -> None:
        self.groups = groups
        self.values = _candidates(recipe, campaign, groups, drawn)
        self.model = build_model(_own_materials(recipe, campaign, groups, drawn), data)
        self.spec: FitSpec = campaign.fit
        self.cheap = tuple(p for p in parameters if p.kind not in MATERIAL_KINDS)
        self.scatter: Scatter | None = None
        self.known: dict[tuple[int, ...], float] = {}

    def loss(self, choice: tuple[int, ...]) -> float:
        if choice not in self.known:
            problem = self._problem(choice)
            origin = np.zeros(len(problem.parameters))
            if self.scatter is None:
                problem.adopt_noise(origin)
                self.scatter = problem.scatter
            problem.scatter = self.scatter
            _, loss = problem.descend(origin, steps=_STEPS)
            self.known[choice] = loss + self._prior(choice)
        return self.known[choice]

    def _prior(self, choice: tuple[int, ...]) -> float:
        total = 0.0
        for number, group in zip(choice, self.groups, strict=True):
            share = (1 - _DRAWN_SHARE) / (len(group.candidates) - 1)
            total -= 2 * np.log(share / _DRAWN_SHARE) if number else 0.0
        return float(total)

    def _problem(self, choice: tuple[int, ...]) -> Problem:
        made = [
            Parameter(kind, f"{_OWN}-{n}", getattr(self.values[group.candidates[number]], kind), 0)
            for n, (number, group) in enumerate(zip(choice, self.groups, strict=True))
            for kind in MATERIAL_KINDS
        ]
        return Problem(self.model, (*self.cheap, *made), self.spec)

    def run(self, progress: Count) -> dict[str, Floats]:
        """The best choice, and by how much each candidate of each group is worse than it."""
        most = max(len(group.candidates) for group in self.groups)
        starts = [(0,) * len(self.groups)]
        starts += [
            tuple(min(n, len(g.candidates) - 1) for g in self.groups) for n in range(1, most)
        ]
        best = starts[0]
        for number, start in enumerate(starts):
            progress(number, len(starts))
            end = self._walk(start)
            if self.loss(end) < self.loss(best):
                best = end
            if number == 0:
                # What the first end leaves over is the noise that counts.
                self._adopt_noise(end)
        best = self._walk(best)
        rise = np.full((len(self.groups), most), np.inf)
        for n, group in enumerate(self.groups):
            for number in range(len(group.candidates)):
                other = (*best[:n], number, *best[n + 1 :])
                # Others may make up for it: they are chosen anew.
                end = self._walk(other, but=n) if number != best[n] else best
                rise[n, number] = self.loss(end) - self.loss(best)
        progress(1, 1)
        return {"choice": np.array(best, np.float64), "rise": rise}

    def _adopt_noise(self, choice: tuple[int, ...]) -> None:
        problem = self._problem(choice)
        z, _ = problem.descend(np.zeros(len(problem.parameters)), steps=_STEPS)
        problem.adopt_noise(z)
        self.scatter = problem.scatter
        self.known = {}

    def _walk(self, choice: tuple[int, ...], but: int | None = None) -> tuple[int, ...]:
        for _ in range(_SWEEPS):
            before = choice
            for n, group in enumerate(self.groups):
                if n == but:
                    continue
                others = [
                    (*choice[:n], number, *choice[n + 1 :])
                    for number in range(len(group.candidates))
                ]
                choice = min(others, key=self.loss)
            if choice == before:
                break
        return choice


def _own_materials(recipe: Recipe, campaign: Campaign, groups: list[Group], drawn: World) -> World:
    """The scene with a material of its own for each group, of the drawn one's numbers."""
    data = recipe_dict(recipe)
    for n, group in enumerate(groups):
        made = drawn.materials[group.candidates[0]]
        data["materials"][f"{_OWN}-{n}"] = {k: float(getattr(made, k)) for k in MATERIAL_KINDS}
    named = recipe_from_dict(data, recipe.name, recipe.folder)
    own = {name: f"{_OWN}-{n}" for n, group in enumerate(groups) for name in group.objects}
    return world_of(with_object_materials(named, own), campaign)


def _candidates(
    recipe: Recipe, campaign: Campaign, groups: list[Group], drawn: World
) -> dict[str, Material]:
    """Numbers of every candidate at the campaign's frequency."""
    wanted = sorted({name for group in groups for name in group.candidates})
    missing = [name for name in wanted if name not in drawn.materials]
    if not missing:
        return drawn.materials
    # The scene has none of these yet: give each to some object and see what it becomes.
    objects = [name for group in groups for name in group.objects]
    found = dict(drawn.materials)
    for start in range(0, len(missing), len(objects)):
        some = dict(zip(objects, missing[start:], strict=False))
        found |= world_of(with_object_materials(recipe, some), campaign).materials
    return found


def _unseen(group: Group) -> dict[str, Any]:
    return {
        "objects": list(group.objects),
        "drawn": group.candidates[0],
        "chosen": group.candidates[0],
        "best": group.candidates[0],
        "rise": None,
        "power_share": 0.0,
        "identified": False,
        "verdict": "no path to a measured point touches it; it stays as drawn",
    }


def _row(group: Group, best: int, rise: Floats) -> dict[str, Any]:
    others = [n for n in range(len(group.candidates)) if n != best]
    second = min(others, key=lambda n: rise[n])
    seen = bool(rise[second] >= TOLD_APART)
    name, drawn = group.candidates[best], group.candidates[0]
    alike = [group.candidates[n] for n in others if rise[n] < TOLD_APART]
    return {
        "objects": list(group.objects),
        "drawn": drawn,
        "chosen": name if seen else drawn,
        "best": name,
        "rise": float(rise[second]),
        "power_share": group.power_share,
        "identified": seen,
        "verdict": "seen"
        if seen
        else (f"{name} fits best and {', '.join(alike)} about as well; it stays as drawn"),
    }
