"""What is a twin worth that knows the coming seconds? Reservations on forecasts, scored in a world.

For every seed a reference world is drawn that no twin equals. Blocks are reserved for a window at
its beginning. Everybody knows the last report; twins know besides how channels change along the
way. Constant shares and the optimiser's margin are tuned in other worlds.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.dataset import LinkTrace, sample_map
from rtwin.errors import OutOfRangeError
from rtwin.experiments.ahead.forecasts import (
    Forecast,
    error_by_age,
    fitted_distance_m,
    forecast,
    last_report,
    repeated,
    rows_of_window,
    straight_on,
)
from rtwin.experiments.ahead.learning import (
    LEARNED_ON,
    learn_all,
    learning_table,
    named,
    on_the_way,
)
from rtwin.experiments.ahead.picture import plot_gains, plot_learning
from rtwin.experiments.ahead.runs import Run
from rtwin.experiments.ahead.settings import AheadStudy
from rtwin.experiments.ahead.tuning import ConstantShares, tuned_margin, tuned_shares
from rtwin.experiments.beliefs import REFERENCE, Worlds, compare_traces
from rtwin.experiments.learned import Snapshot, check_library
from rtwin.experiments.network import (
    Admitting,
    Optimised,
    Policy,
    ProportionalToDemand,
    SimulatorSettings,
    SlicedNetwork,
    load_policy,
    make_slices,
    run_together,
)
from rtwin.experiments.processes import in_processes
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import figure_of
from rtwin.progress import Progress, silent

REPORT = "last report"
CONSTANT, PROPORTIONAL, OPTIMISED = "tuned constant", "proportional", "optimised"
_TUNING = 20_000  # added to seeds: worlds in which nobody is judged


@dataclass(frozen=True, eq=False)
class Drawn:
    """A world's walk, and what is believed of its windows by each."""

    truth: LinkTrace
    beliefs: Mapping[float, Mapping[str, Forecast]]


@dataclass(frozen=True, eq=False)
class Tuned:
    """Policies of one window, tuned in other worlds.

    Attributes:
        constant: The best constant shares.
        optimised: The optimiser with the best margin, by knowledge.
        learned: What PPO has learned, and on the way, by knowledge.
    """

    constant: ConstantShares
    optimised: Mapping[str, Optimised]
    learned: Mapping[str, list[Snapshot]] = field(default_factory=dict)


def run_ahead(study: AheadStudy, progress: Progress = silent) -> list[Run]:
    """Run the study.

    Args:
        study: What is compared.
        progress: Called with stage ("draw", "tune", "learn", "experiment"), steps done and in
            all.
    Raises:
        RecipeError, OutOfRangeError, StoreError: if the scene, a twin or the ways cannot be used.
        MissingExtraError: if cvxpy is not installed, or what PPO needs if it shall learn.
    Checked by tests/experiments/ahead/test_study.py.
    """
    # Before anything is traced: is the solver there?
    Optimised().solve(np.full((1, 1), 0.5), np.ones((1, 1)))
    if study.ppo_steps:
        check_library()
    for what in study.policies.values():
        load_policy(what)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name:
        worlds = Worlds(study.radio(), Path(name))
        others = []
        for n in range(study.tuning):
            progress("draw", n, study.tuning)
            others.append(_drawn(study, worlds, _TUNING + n))
        tuned = _tuned(study, others, progress)
        if study.ppo_steps:
            tuned = _learned(study, others, tuned, progress)
        drawn = ((study, tuned, seed, _drawn(study, worlds, seed)) for seed in range(study.seeds))
        runs: dict[int, list[Run]] = {}
        progress("experiment", 0, study.seeds)
        for seed, found in in_processes(_runs_of, drawn, study.workers):
            runs[seed] = found
            progress("experiment", len(runs), study.seeds)
    return [run for seed in range(study.seeds) for run in runs[seed]]


def _drawn(study: AheadStudy, worlds: Worlds, seed: int) -> Drawn:
    """A world, its walk, and every knowledge's forecasts of it."""
    world, link = worlds.drawn(seed), worlds.link
    tracks, past = worlds.tracks(seed), worlds.past_tracks(seed)
    truth, before = (
        sample_map(world.reference, tracks, link),
        sample_map(world.reference, past, link),
    )
    beliefs: dict[float, dict[str, Forecast]] = {}
    for window_s in study.windows_s:
        rows = rows_of_window(window_s, study.step_s)
        watched = rows_of_window(study.past_s, study.step_s)
        known = study.places == "known"
        places = tracks if known else straight_on(tracks, rows, watched)
        past_places = past if known else straight_on(past, rows, watched)
        own = {REPORT: _judged(last_report(before, rows), last_report(truth, rows), before, rows)}
        for name, radio_map in world.maps.items():
            distance_m = fitted_distance_m(radio_map, before, past, rows, link)
            own[f"{name} + report"] = _judged(
                forecast(radio_map, before, past, past_places, rows, distance_m, link),
                forecast(radio_map, truth, tracks, places, rows, distance_m, link),
                before,
                rows,
            )
        own[REFERENCE] = Forecast(truth, np.zeros(truth.num_steps))
        beliefs[window_s] = own
    return Drawn(truth, beliefs)


def _judged(past: LinkTrace, now: LinkTrace, truth: LinkTrace, rows: int) -> Forecast:
    """A belief, with the error that its like had in a past walk."""
    return Forecast(now, repeated(error_by_age(past, truth, rows), now.num_steps))


def _network(
    study: AheadStudy, drawn: Drawn, window_s: float, belief: Forecast | None = None
) -> SlicedNetwork:
    settings = SimulatorSettings(
        epoch_s=window_s,
        frame_s=max(min(study.frame_s, window_s), study.step_s),
        coupled=study.interference_load is None,
        lending=study.lending,
    )
    slices = make_slices(study.users, study.services)
    if belief is None:
        return SlicedNetwork(drawn.truth, slices, settings)
    return SlicedNetwork(drawn.truth, slices, settings, belief.trace, belief.error_db)


def _tuned(study: AheadStudy, others: list[Drawn], progress: Progress) -> dict[float, Tuned]:
    """Policies of every window, each tuned alone."""
    jobs = (
        (
            study,
            window_s,
            name,
            [
                Drawn(d.truth, {window_s: {name: d.beliefs[window_s][name]} if name else {}})
                for d in others
            ],
        )
        for window_s in study.windows_s
        for name in (None, *others[0].beliefs[window_s])
    )
    number = sum(1 + len(others[0].beliefs[window_s]) for window_s in study.windows_s)
    found = {}
    progress("tune", 0, number)
    for key, policy in in_processes(_tuned_one, jobs, study.workers):
        found[key] = policy
        progress("tune", len(found), number)
    return {
        window_s: Tuned(
            found[window_s, None],
            {
                name: Optimised(study.price, found[window_s, name])
                for name in others[0].beliefs[window_s]
            },
        )
        for window_s in study.windows_s
    }


def _tuned_one(
    study: AheadStudy, window_s: float, name: str | None, others: list[Drawn]
) -> tuple[tuple[float, str | None], Any]:
    """The constant shares, or the optimiser on one knowledge; in a process of its own."""
    if name is None:
        blind = [_network(study, drawn, window_s) for drawn in others]
        return (window_s, None), tuned_shares(
            blind, make_slices(study.users, study.services), study.price
        )
    own = [_network(study, d, window_s, d.beliefs[window_s][name]) for d in others]
    # The margin alone: what the optimiser has solved with cannot leave its process.
    return (window_s, name), tuned_margin(own, study.price).margin


def _learned(
    study: AheadStudy, others: list[Drawn], tuned: Mapping[float, Tuned], progress: Progress
) -> dict[float, Tuned]:
    """The same, with what PPO learns in the worlds in which the others were tuned."""
    jobs = {
        (window_s, name): (
            [_network(study, d, window_s, d.beliefs[window_s][name]) for d in others],
            own.constant.shares,
        )
        for window_s, own in tuned.items()
        for name in LEARNED_ON
    }
    found = learn_all(jobs, study.price, study.ppo_steps, study.workers, partial(progress, "learn"))
    return {
        window_s: replace(own, learned={name: found[window_s, name] for name in LEARNED_ON})
        for window_s, own in tuned.items()
    }


def _runs_of(
    study: AheadStudy, tuned: Mapping[float, Tuned], seed: int, drawn: Drawn
) -> tuple[int, list[Run]]:
    """All runs of a seed; in a process of its own."""
    runs = []
    for window_s in study.windows_s:
        compared = list(_compared(study, drawn, tuned[window_s], window_s))
        learned = {
            (policy, name): one
            for name, own in tuned[window_s].learned.items()
            for policy, one in named(own)
        }
        networks = [_network(study, drawn, window_s, belief) for _, _, belief, _ in compared]
        decide = [
            Admitting(policy) if study.admission and belief is not None else policy
            for _, _, belief, policy in compared
        ]
        episodes = run_together(networks, decide, seed, study.price)
        for (policy, name, belief, _), episode in zip(compared, episodes, strict=True):
            error, right = np.nan, np.nan
            if belief is not None:
                error, right = compare_traces(belief.trace, drawn.truth)
            told = learned.get((policy, name))
            spent = (told.decisions, told.seconds) if told else ()
            runs.append(Run(seed, window_s, policy, name, episode, error, right, *spent))
    return seed, runs


def _compared(
    study: AheadStudy, drawn: Drawn, tuned: Tuned, window_s: float
) -> Iterator[tuple[str, str, Forecast | None, Policy]]:
    yield CONSTANT, "nothing", None, tuned.constant
    for name, belief in drawn.beliefs[window_s].items():
        for own, what in study.policies.items():
            # One for each knowledge: what a policy remembers is of its own run.
            yield own, name, belief, load_policy(what)
        yield PROPORTIONAL, name, belief, ProportionalToDemand()
        yield OPTIMISED, name, belief, tuned.optimised[name]
        for called, one in named(tuned.learned.get(name, [])):
            yield called, name, belief, one.policy


def ahead_results(study: AheadStudy, runs: list[Run]) -> StudyResults:
    """Everything that the study writes."""
    import xarray

    reward = {(r.seed, r.window_s, r.policy, r.knowledge): r.episode.reward for r in runs}
    tables, pictures = [], {}
    for window_s in study.windows_s:
        rows: list[dict[str, Cell]] = []
        keys = dict.fromkeys(
            (r.policy, r.knowledge)
            for r in runs
            if r.window_s == window_s and not on_the_way(r.policy)
        )
        for policy, knowledge in keys:
            own = [
                r
                for r in runs
                if (r.window_s, r.policy, r.knowledge) == (window_s, policy, knowledge)
            ]
            gains = {
                head: [
                    r.episode.reward - reward.get((r.seed, window_s, *other), np.nan) for r in own
                ]
                for head, other in (
                    ("over constant", (CONSTANT, "nothing")),
                    ("over last report", (policy, REPORT)),
                )
            }
            episodes = [r.episode for r in own]
            rows.append(
                {
                    "policy": policy,
                    "decides on": knowledge,
                    "error [dB]": figure_of([r.error_db for r in own]),
                    "right cell [%]": figure_of([100 * r.right_cell for r in own]),
                    "SLA violations [%]": figure_of([100 * e.sla_violation for e in episodes]),
                    **(
                        {"refused [%]": figure_of([100 * e.refused for e in episodes])}
                        if study.admission
                        else {}
                    ),
                    "reserved [%]": figure_of([100 * e.reserved_share for e in episodes]),
                    "reward": figure_of([e.reward for e in episodes]),
                    **{head: figure_of(values) for head, values in gains.items()},
                }
            )
        name = f"{window_s:g}s"
        tables.append(
            StudyTable(
                name,
                f"Reserved for {window_s:g} s, places {study.places}",
                rows,
                {
                    "error [dB]": 1,
                    "right cell [%]": 0,
                    "SLA violations [%]": 1,
                    "refused [%]": 1,
                    "reserved [%]": 0,
                },
                "The last two columns are differences in reward within the same world; ± is half "
                "the 95 % interval of their mean.",
            )
        )
        pictures[name] = plot_gains(rows, f"Blocks reserved for {window_s:g} s ahead")
        if any(r.decisions for r in runs):
            learning = learning_table(
                window_s, [r for r in runs if r.window_s == window_s], (PROPORTIONAL, OPTIMISED)
            )
            tables.append(learning)
            pictures[learning.name] = plot_learning(learning.rows, learning.title)
    if not runs:
        raise OutOfRangeError("there are no runs to tell of")
    columns = ("seed", "window_s", "policy", "knowledge", "error_db", "right_cell")
    arrays = xarray.Dataset(
        {name: ("run", np.array([getattr(r, name) for r in runs])) for name in columns}
        | {
            name: ("run", np.array([getattr(r.episode, name) for r in runs]))
            for name in ("reward", "sla_violation", "refused", "reserved_share", "throughput_mbps")
        }
    )
    asked = asdict(study)
    return StudyResults(
        "ahead", "What a twin is worth that knows ahead", asked, tables, arrays, pictures
    )
