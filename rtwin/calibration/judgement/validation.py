"""Held-out error by spatial blocks: of every model, by transmitter, device, sight and distance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from rtwin.calibration.campaign import Inputs, Measurements, draw, hold_out
from rtwin.calibration.journal import Journal
from rtwin.calibration.statistics import fit_twin
from rtwin.progress import Progress, silent
from rtwin.units import Floats

Physics = Callable[[NDArray[np.int64], int], tuple[dict[str, Floats], Inputs]]
TWIN = "calibrated + discrepancy"
INTERVAL = 0.9
_SD, _WEIGHT = "sd", "weight of "
_Held = tuple[Measurements, dict[str, Floats], dict[str, float]]  # levels and weights by model
ALL = -1  # stands for all rows of a learning curve


@dataclass(frozen=True)
class Score:
    """Errors of one model on held-out rows, means over the repeats.

    `rmse_db` is the mean over transmitters, which all count the same.
    """

    model: str
    rmse_db: float
    rmse_sd_db: float  # over the repeats
    median_db: float  # of the absolute error
    bias_db: float
    groups: dict[str, dict[str, float]] = field(default_factory=dict)  # RMSE by group


@dataclass(frozen=True)
class Validation:
    """What holding out blocks says about a campaign."""

    scores: list[Score]
    coverage: float  # of the intervals that should hold 90 %
    points: int | None  # per transmitter; None for all
    learning_curve: dict[str, list[tuple[int, float]]]  # model: points, RMSE [dB]
    weights: dict[str, float]
    censored_share: float  # of held-out rows, which are not scored
    explained: float  # share of the held-out variance that the twin explains


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
    line_of_sight: NDArray[np.bool_] | None = None,
    progress: Progress = silent,
    journal: Journal | None = None,
) -> Validation:
    """Hold out blocks, fit all models to some of the rest, and judge them.

    Args:
        share: Share of the blocks that is held out.
        repeats: How often blocks are drawn anew.
        points: Rows per transmitter to learn from; None for all.
        curve: More numbers of rows, for the learning curve.
        physics: Levels of physical models, by name, and inputs of the others, from
            training rows and a seed.
        curve_physics: Whether the learning curve fits them for every number of
            rows too; else it does without the scene.
        journal: Remembers finished fits of a run that may be killed.
        line_of_sight: Whether each row sees its transmitter, where it is known.
    Source: checked by tests/calibration/test_pipeline.py.
    """
    sizes: list[int | None] = [points, *(n for n in curve if n != points)]
    if curve and points is not None:
        sizes.append(None)
    total, done = repeats * len(sizes), 0
    main: list[_Held] = []
    journal = journal or Journal()
    errors: dict[str, dict[int, list[float]]] = {}
    counts: dict[int, list[int]] = {}
    for repeat in range(repeats):
        rest, held = hold_out(data, block_m, share, seed + repeat)
        judged = held[~data.censored[held]]
        for size in sizes:
            progress("validate", done, total)
            done += 1
            train = draw(data, rest, size, seed + repeat)
            if not len(judged) or len(train) < 2:
                continue

            def work(
                train: NDArray[np.int64] = train,
                judged: NDArray[np.int64] = judged,
                size: int | None = size,
                seed: int = seed + repeat,
            ) -> dict[str, Floats]:
                levels: dict[str, Floats] = {}
                own = inputs
                if physics is not None and (size == points or curve_physics):
                    levels, own = physics(train, seed)
                twin = fit_twin(data, own, environment, train, block_m, seed)
                levels = {**twin.models, **levels, TWIN: twin.mean_db, _SD: twin.sd_db}
                weights = {_WEIGHT + n: np.array(w) for n, w in twin.weights.items()}
                return {name: level[judged] for name, level in levels.items()} | weights

            done_work = journal.step(work)
            weights = {
                n.removeprefix(_WEIGHT): float(w)
                for n, w in done_work.items()
                if n.startswith(_WEIGHT)
            }
            levels = {n: v for n, v in done_work.items() if not n.startswith(_WEIGHT)}
            if size == points:
                main.append((data.take(judged), levels, weights))
            most = int(np.bincount(data.tx[train]).max())
            if size is not None and most < size:
                continue  # the same as with all
            number = ALL if size is None else size
            counts.setdefault(number, []).append(most)
            for name, level in levels.items():
                if name == _SD:
                    continue
                rmse = _mean_rmse(data.take(judged), level)
                errors.setdefault(name, {}).setdefault(number, []).append(rmse)
    progress("validate", total, total)
    everything = round(float(np.mean(counts.get(ALL, [0]))))
    named = {
        name: {everything if n == ALL else n: values for n, values in by.items()}
        for name, by in errors.items()
    }
    return _summary(data, main, named, points, line_of_sight)


def _mean_rmse(held: Measurements, level: Floats) -> float:
    off = level - held.level_db
    return float(np.mean([_rms(off[held.tx == n]) for n in np.unique(held.tx)]))


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _summary(
    data: Measurements,
    main: list[_Held],
    errors: dict[str, dict[int, list[float]]],
    points: int | None,
    line_of_sight: NDArray[np.bool_] | None,
) -> Validation:
    scores = []
    for name in main[0][1] if main else ():
        if name == _SD:
            continue
        rmse = [_mean_rmse(held, levels[name]) for held, levels, _ in main]
        off = np.concatenate([levels[name] - held.level_db for held, levels, _ in main])
        scores.append(
            Score(
                name,
                float(np.mean(rmse)),
                float(np.std(rmse)),
                float(np.median(np.abs(off))),
                float(np.mean(off)),
                _groups(main, name, data, line_of_sight),
            )
        )
    z = norm.ppf(0.5 + INTERVAL / 2)
    inside = [np.abs(levels[TWIN] - h.level_db) <= z * levels[_SD] for h, levels, _ in main]
    spread = [np.var(h.level_db[h.tx == n]) for h, _, _ in main for n in np.unique(h.tx)]
    left = [
        np.mean((levels[TWIN] - h.level_db)[h.tx == n] ** 2)
        for h, levels, _ in main
        for n in np.unique(h.tx)
    ]
    names = {n for _, _, weights in main for n in weights}
    return Validation(
        scores=scores,
        coverage=float(np.mean(np.concatenate(inside))) if inside else float("nan"),
        points=points,
        learning_curve={
            name: [(n, float(np.mean(v))) for n, v in sorted(by.items())]
            for name, by in errors.items()
        },
        weights={
            n: float(np.mean([weights.get(n, 0.0) for _, _, weights in main]))
            for n in sorted(names)
        },
        censored_share=float(data.censored.mean()),
        explained=1 - float(np.sum(left) / max(np.sum(spread), 1e-9)) if left else float("nan"),
    )


def _groups(
    main: list[_Held],
    name: str,
    data: Measurements,
    line_of_sight: NDArray[np.bool_] | None,
) -> dict[str, dict[str, float]]:
    held = [h for h, _, _ in main]
    off = np.concatenate([levels[name] - h.level_db for h, levels, _ in main])
    tx = np.concatenate([h.tx for h in held])
    device = np.concatenate([h.device for h in held])
    distance = np.concatenate(
        [np.linalg.norm(h.position_m - h.tx_position_m, axis=1) for h in held]
    )
    found = {
        "transmitter": {
            link.name: _rms(off[tx == n])
            for n, link in enumerate(data.transmitters)
            if np.any(tx == n)
        }
    }
    if len(data.devices) > 1:
        found["device"] = {
            d: _rms(off[device == n]) for n, d in enumerate(data.devices) if np.any(device == n)
        }
    low, high = np.quantile(distance, [1 / 3, 2 / 3])
    found["distance"] = {
        label: _rms(off[mask])
        for label, mask in (
            (f"below {low:.3g} m", distance < low),
            (f"{low:.3g} to {high:.3g} m", (distance >= low) & (distance < high)),
            (f"above {high:.3g} m", distance >= high),
        )
        if mask.any()
    }
    if line_of_sight is not None:
        sight = np.concatenate([_lookup(h, data, line_of_sight) for h in held])
        found["sight"] = {
            label: _rms(off[mask])
            for label, mask in (("line of sight", sight), ("no line of sight", ~sight))
            if mask.any()
        }
    return found


def _lookup(
    held: Measurements, data: Measurements, line_of_sight: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The flags of held rows, which are rows of the data with their places lost."""
    place = {
        (t, d, *p): flag
        for t, d, p, flag in zip(
            data.tx, data.device, map(tuple, data.position_m), line_of_sight, strict=True
        )
    }
    return np.array(
        [
            place[(t, d, *p)]
            for t, d, p in zip(held.tx, held.device, map(tuple, held.position_m), strict=True)
        ]
    )


def as_json(validation: Validation) -> dict[str, Any]:
    """The validation as plain data."""
    return {
        "points_per_transmitter": validation.points,
        "coverage_of_90_percent": validation.coverage,
        "explained_variance": validation.explained,
        "censored_share": validation.censored_share,
        "weights": validation.weights,
        "scores": [score.__dict__ for score in validation.scores],
        "learning_curve": validation.learning_curve,
    }
