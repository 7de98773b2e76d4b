"""Liars among stations that learn together: every rule against every attack.

All pairs of a rule and an attack learn side by side as further models on one axis, from
the same rows in the same order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, NamedTuple

import numpy as np

from rtwin import progress
from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.federation.defence import ATTACKS, RULES, Attacker, Scene, Trusted
from rtwin.federation.learning import Model, Network, arrivals_of, learn_locally, step_size
from rtwin.federation.traffic import TEST_DAYS, Traffic, Windows, standardised, windows_of
from rtwin.settings import Among, Between, Count, Settings

CAP = 100.0  # of errors: what is larger or no number is shown so
PHASES = ("V", "H")


@dataclass(frozen=True)
class PoisoningStudy(Settings):
    """What is asked.

    Attributes:
        rules, attacks: By name.
        fakes: Shares of all participants.
        seeds: Starts and orders drawn.
        rounds: Of the building phase.
        buffer: Updates of a version in the upkeep phase.
        root_cells, root_days: The server's own clean data; 0 cells: it has none.
    """

    rules: Annotated[tuple[str, ...], Among(RULES)] = tuple(RULES)
    attacks: Annotated[tuple[str, ...], Among(ATTACKS)] = tuple(ATTACKS)
    fakes: Annotated[tuple[float, ...], Between(0, 1)] = (0.2, 0.4)
    seeds: Count = 5
    rounds: Count = 30
    buffer: Count = 12
    root_cells: int = 5
    root_days: int = 7


@dataclass(frozen=True)
class Case:
    """One rule against one attack."""

    rule: str
    attack: str
    share: float  # of fakes

    def fakes(self, benign: int) -> int:
        """How many fakes stand beside so many honest ones."""
        return round(benign * self.share / (1.0 - self.share))


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one case with one seed: mean absolute errors in standard deviations."""

    case: Case
    phase: str
    seed: int
    mae: float
    by_step: Floats  # after each round, or of each day


@dataclass(eq=False)
class _Field:
    """Data of all cases: rows to learn from, the server's own, and what is forecast."""

    train: Windows
    test: Windows
    root: Windows | None
    z: Floats
    train_days: int
    root_rows: dict[int, Windows] = field(default_factory=dict)


def cases_of(study: PoisoningStudy) -> list[Case]:
    """All pairs, and each rule without an attack; rules that need a root only where it is."""
    rules = [r for r in study.rules if study.root_cells or not RULES[r].needs_root]
    calm = [Case(rule, "none", 0.0) for rule in rules]
    return calm + [
        Case(rule, attack, share)
        for rule in rules
        for attack in study.attacks
        for share in study.fakes
    ]


def run_poisoning(
    study: PoisoningStudy, traffic: Traffic, model: Model, done: progress.Count = progress.uncounted
) -> list[Outcome]:
    """Errors of all cases, building (V) and upkeep (H), for every seed.

    Args:
        study: What is asked.
        traffic: At least 11 days.
        model: What the stations learn.
        done: Called with steps done and in all.
    Raises:
        OutOfRangeError: if the traffic is too short.
    """
    if traffic.num_days < TEST_DAYS + 4:
        raise OutOfRangeError(f"the traffic has {traffic.num_days} days; it must have 11 or more")
    ground = _ground(study, traffic)
    cases = cases_of(study)
    total = study.seeds * (study.rounds + TEST_DAYS)
    found: list[Outcome] = []
    for seed in range(1, study.seeds + 1):
        before = (seed - 1) * (study.rounds + TEST_DAYS)

        def step(count: int, before: int = before) -> None:
            done(before + count, total)

        trial = _Trial(study, ground, model, cases, seed)
        with np.errstate(all="ignore"):  # models that liars broke overflow: that is the result
            found += _build(trial, step)
            found += _keep(trial, lambda n: step(study.rounds + n))
    return found


def _ground(study: PoisoningStudy, traffic: Traffic) -> _Field:
    train_days = traffic.num_days - TEST_DAYS
    z, _, _ = standardised(traffic, train_days)
    test = windows_of(z, train_days, traffic.num_days)
    train = windows_of(z, 0, train_days)
    if not study.root_cells:
        return _Field(train, test, None, z, train_days)
    # Spread over the cells, so that the server knows a little of all.
    cells = np.linspace(0, z.shape[1] - 1, study.root_cells).round().astype(int)
    root = windows_of(z[:, cells], train_days - study.root_days, train_days)
    return _Field(train, test, _pooled(root), z, train_days)


def _pooled(windows: Windows) -> Windows:
    """All stations' rows as those of one."""
    x = windows.x.reshape(1, -1, windows.x.shape[-1])
    return Windows(x, windows.y.reshape(1, -1), windows.hour)


def _error(model: Model, weights: Floats, windows: Windows) -> Floats:
    """Mean absolute error of models [case, weight] on all stations' windows, capped, [case]."""
    stations = len(windows.x)
    stacked = np.repeat(weights[:, None], stations, axis=1)
    off = np.abs(model.predict(stacked, windows.x) - windows.y).mean(axis=(1, 2))
    return np.where(np.isfinite(off), np.minimum(off, CAP), CAP)


def _combined(
    case: Case,
    attacker: Attacker,
    weights: Floats,
    base: Floats,
    benign: Floats,
    fakes: int,
    told: int,
    trusted: tuple[Floats | None, Callable[[Floats], Floats]],
) -> Floats:
    """The update that a rule makes of honest and fake ones, [weight]."""
    root, loss = trusted
    lies = attacker.updates(
        Scene(weights, base, benign, fakes, root, None if root is None else loss)
    )
    updates = np.concatenate([benign, lies])
    if not np.isfinite(updates).all():
        return np.full(len(weights), np.nan)
    return RULES[case.rule].apply(updates, Trusted(told, root, loss))


class _Root:
    """What the server's clean data say of models."""

    def __init__(self, model: Model, windows: Windows | None) -> None:
        self.model, self.windows = model, windows

    def update(self, weights: Floats, rng: np.random.Generator) -> Floats | None:
        """What an epoch over them does to each case's model, [case, weight]."""
        if self.windows is None:
            return None
        start = weights[:, None]
        return learn_locally(self.model, start, self.windows.x, self.windows.y, rng)[:, 0] - weights

    def loss(self, weights: Floats, updates: Floats) -> Floats:
        """Squared error of each row after each update, [participant, row]."""
        if self.windows is None:
            return np.zeros((len(updates), 1))
        after = (weights + updates)[:, None]
        off = self.model.predict(after, self.windows.x) - self.windows.y
        return off[:, 0] ** 2


class _Trial(NamedTuple):
    """All cases with one seed."""

    study: PoisoningStudy
    ground: _Field
    model: Model
    cases: Sequence[Case]
    seed: int


def _build(trial: _Trial, done: Callable[[int], None]) -> list[Outcome]:
    """The V phase: synchronous rounds from scratch."""
    study, ground, model, cases, seed = trial
    rng = np.random.default_rng([seed, 10])
    base = model.initial(seed + 1000)
    weights = np.tile(model.initial(seed), (len(cases), 1))
    attackers = [Attacker(case.attack) for case in cases]
    stations = len(ground.train.x)
    root = _Root(model, ground.root)
    steps = []
    for number in range(study.rounds):
        stacked = np.repeat(weights[:, None], stations, axis=1)
        local = learn_locally(model, stacked, ground.train.x, ground.train.y, rng) - stacked
        clean = root.update(weights, rng)
        for g, case in enumerate(cases):
            fakes = case.fakes(stations)
            trusted = (None if clean is None else clean[g], partial(root.loss, weights[g].copy()))
            weights[g] += _combined(
                case, attackers[g], weights[g], base, local[g], fakes, fakes, trusted
            )
        steps.append(_error(model, weights, ground.test))
        done(number + 1)
    curve = np.array(steps)
    return [
        Outcome(case, "V", seed, float(curve[-1, g]), curve[:, g]) for g, case in enumerate(cases)
    ]


def _keep(trial: _Trial, done: Callable[[int], None]) -> list[Outcome]:
    """The H phase: a clean model, then a week of arrivals with liars among them."""
    study, ground, model, cases, seed = trial
    rng = np.random.default_rng([seed, 11])
    stations = len(ground.train.x)
    start = model.initial(seed)
    for _ in range(study.rounds):
        local = learn_locally(
            model, np.tile(start, (stations, 1)), ground.train.x, ground.train.y, rng
        )
        start = local.mean(axis=0)
    base = model.initial(seed + 1000)
    root = _Root(model, ground.root)
    by_share: dict[float, list[int]] = {}
    for g, case in enumerate(cases):
        by_share.setdefault(case.share, []).append(g)
    weights = np.tile(start, (len(cases), 1))
    attackers = [Attacker(case.attack) for case in cases]
    days = []
    for number in range(TEST_DAYS):
        day = ground.train_days + number
        days.append(_error(model, weights, windows_of(ground.z, day, day + 1)))
        new = windows_of(ground.z, max(day - 6, 0), day + 1)
        for share, members in by_share.items():
            some = [cases[g] for g in members]
            weights[members] = _day(
                study,
                model,
                some,
                [attackers[g] for g in members],
                weights[members],
                new,
                base,
                root,
                (seed, number, share),
            )
        done(number + 1)
    curve = np.array(days)
    return [
        Outcome(case, "H", seed, float(curve[:, g].mean()), curve[:, g])
        for g, case in enumerate(cases)
    ]


def _day(
    study: PoisoningStudy,
    model: Model,
    cases: Sequence[Case],
    attackers: Sequence[Attacker],
    weights: Floats,
    new: Windows,
    base: Floats,
    root: _Root,
    drawn: tuple[int, int, float],
) -> Floats:
    """A day of arrivals in buffers, for cases with one share of fakes, [case, weight]."""
    seed, number, share = drawn
    rng = np.random.default_rng([seed, 12, number])
    stations, fakes = len(new.x), cases[0].fakes(len(new.x))
    seconds = 1.0 / Network().speeds(stations + fakes, seed * 100 + number)
    # Who lies is drawn, so that liars are neither first nor last.
    liar = np.zeros(stations + fakes, bool)
    liar[rng.permutation(stations + fakes)[:fakes]] = True
    honest = np.cumsum(~liar) - 1
    history, held = [weights], []
    for arrival in arrivals_of(seconds, 1, study.buffer):
        held.append(arrival)
        if len(held) < study.buffer:
            continue
        here = history[-1].copy()
        true = [a for a in held if not liar[a.station]]
        which = [int(honest[a.station]) for a in true]
        began = np.stack([history[a.version] for a in true], axis=1)
        local = learn_locally(model, began, new.x[which], new.y[which], rng) - began
        local *= np.array([step_size(a.staleness, 1.0) for a in true])[:, None]
        clean = root.update(here, rng)
        told = round(share * study.buffer)
        for g, case in enumerate(cases):
            trusted = (None if clean is None else clean[g], partial(root.loss, here[g].copy()))
            here[g] += _combined(
                case, attackers[g], here[g], base, local[g], len(held) - len(true), told, trusted
            )
        history.append(here)
        held = []
    return history[-1]
