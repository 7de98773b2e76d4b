"""Runs of one seed: decisions on what codes leave, on noised likes, on blurred places."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.streaming.behaviour import overlap
from rtwin.streaming.decision import Decision, DemandModel, Knowledge, Setting, fixed
from rtwin.streaming.loop import Belief, ClosedLoop, World
from rtwin.streaming.study import StreamingStudy
from rtwin.streaming.twins import blurred, counts_of, noised_counts, randomised
from rtwin.streaming.userdata.codes import Code, decoded, window_of

NOTHING_TOLD = "neither likes nor swipes"
Row = dict[str, Any]
Change = Callable[[Knowledge], Knowledge]
Sampled = Callable[[LinkTrace, Floats], LinkTrace]


@dataclass
class Runs:
    """Runs of one seed by k-means with six groups; `base` is what they are compared with.

    Attributes:
        asked: The streaming study in whose worlds users walk.
        demand: Model of demand.
        world: The seed's.
        base: What twins are told where nothing is left out.
    """

    asked: StreamingStudy
    demand: DemandModel
    world: World
    base: Belief

    def __post_init__(self) -> None:
        self.known: list[Knowledge] = []
        self.loop = self._run(self.base, self._kept)
        self.utility = self.loop.log.mean("utility", self.asked.warm_up)

    def _kept(self, known: Knowledge) -> Knowledge:
        self.known.append(known)
        return known

    def _run(self, belief: Belief, change: Change | None = None) -> ClosedLoop:
        def decide(setting: Setting, known: Knowledge) -> Decision:
            return fixed(setting, known if change is None else change(known))

        blocks = int(self.world.trace.attributes["num_prb"])
        weights = self.asked.weights(self.asked.price)
        setting = Setting(self.demand, weights=weights, num_prb=blocks)
        loop = ClosedLoop(self.world, belief, setting, decide)
        loop.run(self.asked.intervals)
        return loop

    def _row(self, belief: Belief, change: Change | None = None) -> Row:
        log, warm = self._run(belief, change).log, self.asked.warm_up
        utility = log.mean("utility", warm)
        return {
            "seed": self.world.seed,
            "satisfaction": log.mean("satisfaction", warm),
            "utility": utility,
            "lost": self.utility - utility,
        }

    def people(self) -> tuple[Floats, Floats]:
        """What twins hold of users, [row, column of PEOPLE], and how content they were, [row]."""
        columns, content = [], []
        for interval in range(self.asked.warm_up, len(self.known)):
            known, start = self.known[interval], self.world.rows(interval).start
            bits = np.log(np.maximum(known.bits, 1e2))
            alike = overlap(known.taste, known.taste.mean(axis=0))
            place = self.world.trace.ue_position_m[start, :, :2].T
            rows = (bits.mean(axis=0), bits.std(axis=0), alike, np.log(known.haste), *place)
            columns.append(np.stack(rows, axis=1))
            content.append(self.loop.log.satisfaction[interval])
        return np.concatenate(columns), np.concatenate(content)

    def coded(self, codes: list[Code]) -> list[Row]:
        """Decisions on what codes leave."""
        rows = []
        for code in codes:
            errors: list[float] = []
            row = self._row(self.base, partial(_through, code, errors))
            about = {"code": code.name, "width": code.width, "weights": code.weights}
            rows.append(about | row | {"error": float(np.mean(errors))})
        return rows

    def private(self, epsilons: tuple[float, ...]) -> list[Row]:
        """Decisions on likes under central and local differential privacy."""
        rows: list[Row] = []
        for where, mechanism in (("central", noised_counts), ("local", answers)):
            for epsilon in epsilons:
                told = replace(self.base, private=partial(_by_user, mechanism, epsilon))
                rows.append({"privacy": where, "epsilon": epsilon} | self._row(told))
        row = self._row(replace(self.base, users="none"))
        return [*rows, {"privacy": NOTHING_TOLD, "epsilon": 0.0} | row]

    def moved(self, traced: Belief, sampled: Sampled, moves_m: tuple[float, ...]) -> list[Row]:
        """Decisions on a map that is asked at blurred places; a user moves once in an interval.

        Args:
            traced: What the map says at the users' own places.
            sampled: What it says at others, [row, user, 3].
            moves_m: Mean distances [m].
        """
        truth, stride, rows = self.world.trace, self.world.rows_per_interval, []
        count = -(-truth.num_steps // stride)
        for move_m in (0.0, *moves_m):
            belief = traced
            if move_m:
                rng = np.random.Generator(np.random.PCG64([self.world.seed, round(10 * move_m)]))
                away = blurred(np.zeros((count, truth.num_ues, 3)), 2.0 / move_m, rng)
                away = np.repeat(away, stride, axis=0)[: truth.num_steps]
                trace = sampled(truth, truth.ue_position_m + away)
                # How it blurs is known to all: the twin allows for what that does to its channel.
                blur_db = np.nanstd(serving_sinr_db(trace) - serving_sinr_db(traced.trace))
                belief = Belief(trace, float(np.hypot(traced.error_db, blur_db)))
            rows.append({"mean move [m]": move_m} | self._row(belief))
        return rows


PEOPLE = ("mean channel", "its spread", "taste", "haste", "position x", "position y")


def _through(code: Code, errors: list[float], known: Knowledge) -> Knowledge:
    windows = window_of(known)
    errors.append(code.error(windows[known.served]))
    return decoded(known, code.apply(windows))


def answers(counts: Ints, epsilon: float, rng: np.random.Generator) -> Floats:
    """Counts that are made of randomised answers, one for each like, [type]."""
    values = np.repeat(np.arange(len(counts)), counts)
    return counts_of(randomised(values, len(counts), epsilon, rng), len(counts), epsilon)


def _by_user(mechanism: Any, epsilon: float, likes: Ints, rng: np.random.Generator) -> Floats:
    return np.stack([mechanism(row, epsilon, rng) for row in likes])


def serving_sinr_db(trace: LinkTrace) -> Floats:
    """SINR from the serving cell [dB], [row, user]; NaN without one."""
    found = trace.of_serving("sinr_db").astype(np.float64)
    return np.where(trace.serving_tx >= 0, found, np.nan)
