"""Held-out error: of every model, on blocks, random places or transmitters it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import HoldOut, Inputs, Measurements, draw, splits
from rtwin.calibration.journal import Journal
from rtwin.calibration.judgement.scores import (
    PLAIN,
    SIGHT,
    TWIN,
    HeldOut,
    Score,
    coverage,
    explained_variance,
    rms,
    score_of,
)
from rtwin.calibration.statistics import check_rows, fit_twin, heard_mean, noise_floor_db
from rtwin.progress import Progress, silent

Physics = Callable[[Ints, int], tuple[dict[str, Floats], Inputs]]
ALL = -1  # stands for all rows of a learning curve
_LEVEL, _PLAIN, _WEIGHT = "level of ", "plain of ", "weight of "


@dataclass(frozen=True)
class Validation:
    """What holding out rows says about a campaign.

    Attributes:
        scores: One for each model.
        coverage: Share of held-out rows in the intervals that should hold 90 %.
        points: Rows per transmitter that were learned from; None for all.
        learning_curve: By model, numbers of points and the RMSE of each draw [dB].
        weights: Mean weight of each model in the average.
        censored_share: Share of the rows below the noise floor, which errors leave out.
        explained: Share of the held-out variance that the twin explains.
    """

    scores: list[Score]
    coverage: float
    points: int | None
    learning_curve: dict[str, list[tuple[int, tuple[float, ...]]]]
    weights: dict[str, float]
    censored_share: float
    explained: float


def validate_twin(
    data: Measurements,
    inputs: Inputs,
    environment: str,
    block_m: float,
    *,
    share: float,
    repeats: int,
    points: int | None,
    curve: tuple[int, ...] = (),
    seed: int = 1,
    physics: Physics | None = None,
    curve_physics: bool = False,
    line_of_sight: Bools | None = None,
    untrusted: Bools | None = None,
    held_out: HoldOut = "blocks",
    progress: Progress = silent,
    journal: Journal | None = None,
) -> Validation:
    """Hold rows out, fit all models to some of the rest, and judge them.

    What is learned from is checked for rows that everything else contradicts, draw by draw;
    what is judged by is not chosen.

    Errors count rows that were heard, so every model that has a width is judged by
    its expectation given that; the twin's plain mean stands beside it.

    Args:
        share: Share of the blocks or places that is held out.
        repeats: How often blocks or places are drawn anew; each transmitter is held
            out once.
        points: Rows per transmitter to learn from; None for all.
        curve: More numbers of rows, for the learning curve.
        physics: Levels of physical models, by name, and inputs of the others, from
            training rows and a seed.
        curve_physics: Whether the learning curve fits them for every number of
            rows too; else it does without the scene.
        line_of_sight: Whether each row sees its transmitter, where it is known.
        untrusted: Rows that all others contradict: they are judged by, and counted apart.
        held_out: "blocks", "random" places or "transmitters".
        journal: Remembers finished fits of a run that may be killed.
    Source: checked by tests/calibration/test_pipeline.py.
    """
    sizes: list[int | None] = [points, *(n for n in curve if n != points)]
    if curve and points is not None:
        sizes.append(None)
    drawn = splits(data, held_out, block_m, share, repeats, seed)
    journal = journal or Journal()
    floor = noise_floor_db(data)
    main: list[HeldOut] = []
    errors: dict[str, dict[int, list[float]]] = {}
    counts: dict[int, list[int]] = {}
    for done, (number, size) in enumerate(
        (number, size) for number in range(len(drawn)) for size in sizes
    ):
        progress("validate", done, len(drawn) * len(sizes))
        rest, held = drawn[number]
        own_seed = seed + number
        train = draw(data, rest, size, own_seed)
        if not (~data.censored[held]).any() or len(train) < 2:
            continue

        def work(
            train: Ints = train, held: Ints = held, size: int | None = size, seed: int = own_seed
        ) -> dict[str, Floats]:
            levels: dict[str, Floats] = {}
            own = inputs
            train = check_rows(data, inputs, train, seed).kept
            if physics is not None and (size == points or curve_physics):
                levels, own = physics(train, seed)
            return _predictions(
                data, own, environment, train, held, block_m, seed, held_out, levels
            )

        found = _held_out(data, held, journal.step(work), floor)
        if size == points:
            main.append(found)
        most = int(np.bincount(data.tx[train]).max())
        if size is not None and most < size:
            continue  # the same as with all
        column = ALL if size is None else size
        counts.setdefault(column, []).append(most)
        for name in found.levels:
            errors.setdefault(name, {}).setdefault(column, []).append(found.rmse_db(name))
    progress("validate", 1, 1)
    everything = round(float(np.mean(counts.get(ALL, [0]))))
    names = {name for held_rows in main for name in held_rows.weights}
    marks = {} if line_of_sight is None else {"sight": (line_of_sight, *SIGHT)}
    if untrusted is not None and untrusted.any():
        marks["trust"] = (~untrusted, "believed", "not believed")
    return Validation(
        scores=[score_of(name, main, marks) for name in (main[0].levels if main else ())],
        coverage=coverage(main),
        points=points,
        learning_curve={
            name: sorted((everything if n == ALL else n, tuple(v)) for n, v in by.items())
            for name, by in errors.items()
        },
        weights={
            name: float(np.mean([h.weights.get(name, 0.0) for h in main])) for name in sorted(names)
        },
        censored_share=float(data.censored.mean()),
        explained=explained_variance(main),
    )


def _predictions(
    data: Measurements,
    inputs: Inputs,
    environment: str,
    train: Ints,
    held: Ints,
    block_m: float,
    seed: int,
    held_out: HoldOut,
    physical: dict[str, Floats],
) -> dict[str, Floats]:
    """What all models say of held-out rows, as arrays by name."""
    twin = fit_twin(
        data, inputs, environment, train, block_m, seed, by_transmitter=held_out == "transmitters"
    )
    found: dict[str, Floats] = {}

    def add(name: str, mean: Floats, sd: Floats) -> None:
        found[_LEVEL + name] = heard_mean(mean, sd, twin.floor_db)[held]
        found[_PLAIN + name] = np.stack([mean[held], sd[held]])

    for name, model in twin.predictions.items():
        add(name, model.mean, model.sd)
    seen = train[~data.censored[train]]
    for name, level in physical.items():
        spread = max(rms((level - data.level_db)[seen]), 1.0)
        add(name, level, np.full(len(level), spread))
    if np.isfinite(twin.floor_db):
        found[_LEVEL + PLAIN] = twin.mean_db[held]
    found[_LEVEL + TWIN] = twin.heard_db[held]
    found[_PLAIN + TWIN] = np.stack([twin.mean_db[held], twin.sd_db[held]])
    return found | {_WEIGHT + name: np.array(weight) for name, weight in twin.weights.items()}


def _held_out(data: Measurements, held: Ints, found: dict[str, Floats], floor_db: float) -> HeldOut:
    def named(prefix: str) -> dict[str, Floats]:
        return {n.removeprefix(prefix): v for n, v in found.items() if n.startswith(prefix)}

    weights = {name: float(weight) for name, weight in named(_WEIGHT).items()}
    return HeldOut(data.take(held), held, named(_LEVEL), named(_PLAIN), weights, floor_db)


def as_json(validation: Validation) -> dict[str, Any]:
    """The validation as plain data."""
    return {
        "points_per_transmitter": validation.points,
        "coverage_of_90_percent": validation.coverage,
        "explained_variance": validation.explained,
        "censored_share": validation.censored_share,
        "weights": validation.weights,
        "scores": [score.__dict__ for score in validation.scores],
        "learning_curve": {
            name: [(count, float(np.mean(draws))) for count, draws in line]
            for name, line in validation.learning_curve.items()
        },
        "learning_curve_draws": validation.learning_curve,
    }
