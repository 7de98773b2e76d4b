"""The quality study: which utility predicts best what decisions on a twin are worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import xarray

from rtwin.arrays import Floats, Ints
from rtwin.deployment.quality import ATTRIBUTES, WEIGHTS
from rtwin.deployment.utility import FORMS, Form, Utility, master_constant
from rtwin.deployment.worth.fit import (
    Prediction,
    Predictor,
    centred,
    fit_form,
    held_out,
    line,
    with_line,
)
from rtwin.deployment.worth.picture import plot_worth
from rtwin.deployment.worth.runs import TASKS, Row, WorthStudy
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable
from rtwin.experiments.table import figure_of

STATED, MEASURED = "stated", "measured"
KNOWN = (STATED, MEASURED)
_FOLDS = 4  # of the worlds of each scene
Fitting = Callable[[Floats, Floats, Ints], Predictor]


def attributes_of(rows: Sequence[Row], known: str) -> tuple[tuple[str, ...], Floats]:
    """Names in the order of ATTRIBUTES, and values [row, attribute]."""
    told = [getattr(row, known) for row in rows]
    names = tuple(name for name in ATTRIBUTES if name in told[0])
    return names, np.array([[each[name] for name in names] for each in told])


def worth_of(rows: Sequence[Row], task: str) -> Floats:
    """What each twin was worth: 0 as nothing, 1 as the world itself, below 0 harmful, [row].

    The unit is what the world itself earns over nothing in worlds of the same scene, on average.
    """
    spans = {
        scene: np.mean([r.best[task] - r.blind[task] for r in rows if r.scene == scene])
        for scene in {row.scene for row in rows}
    }
    return np.array([(r.earned[task] - r.blind[task]) / spans[r.scene] for r in rows])


def fittings(names: Sequence[str]) -> dict[str, Fitting]:
    """Every way of predicting, by name."""
    shipped = Utility({name: WEIGHTS[name] for name in names})
    place = list(names).index("accuracy")

    def mean(values: Floats, worth: Floats, world: Ints) -> Predictor:
        level = float(worth.mean())
        return lambda new: np.full(len(new), level)

    def alone(values: Floats, worth: Floats, world: Ints) -> Predictor:
        base, span = line(values[:, place], worth, world)
        return lambda new: base + span * new[:, place]

    def trees(values: Floats, worth: Floats, world: Ints) -> Predictor:
        from sklearn.ensemble import GradientBoostingRegressor

        boosted = GradientBoostingRegressor(
            n_estimators=60, max_depth=3, subsample=0.7, random_state=0
        )
        predict: Predictor = boosted.fit(values, centred(worth, world)).predict
        return predict

    return {
        "the same for all": mean,
        "accuracy alone": alone,
        "shipped weights": lambda values, worth, world: with_line(shipped, values, worth, world),
        **{f"{form}, fitted": _fitting(form, names) for form in FORMS},
        "boosted trees, no utility": trees,
    }


def _fitting(form: Form, names: Sequence[str]) -> Fitting:
    def fit(values: Floats, worth: Floats, world: Ints) -> Predictor:
        return fit_form(form, names, values, worth, world)

    return fit


def folds(rows: Sequence[Row]) -> tuple[Ints, Ints, Ints]:
    """Which rows are left out together: of some worlds, of a scene; and those of one world."""
    scenes = list(dict.fromkeys(row.scene for row in rows))
    scene = np.array([scenes.index(row.scene) for row in rows])
    seed = np.array([row.seed for row in rows])
    return seed % _FOLDS, scene, scene * (seed.max() + 1) + seed


def predictions(
    rows: Sequence[Row], task: str, known: str
) -> dict[str, tuple[Prediction, Prediction | None]]:
    """Of worlds, and of scenes, that were not learned from; by way of predicting."""
    names, values = attributes_of(rows, known)
    worth, (some, scene, world) = worth_of(rows, task), folds(rows)
    several = len(np.unique(scene)) > 1
    return {
        name: (
            held_out(fit, values, worth, some, world),
            held_out(fit, values, worth, scene, world) if several else None,
        )
        for name, fit in fittings(names).items()
    }


def worth_results(study: WorthStudy, rows: Sequence[Row]) -> StudyResults:
    """Everything that the study writes."""
    told: list[dict[str, Cell]] = []
    weights: list[dict[str, Cell]] = []
    explained: dict[tuple[str, str], Mapping[str, float]] = {}
    for task in TASKS:
        for known in KNOWN:
            found = predictions(rows, task, known)
            explained[task, known] = {n: worlds.explained for n, (worlds, _) in found.items()}
            for name, (worlds, scenes) in found.items():
                told.append(
                    {
                        "task": task,
                        "accuracy is": known,
                        "predicted by": name,
                        "explained, other worlds [%]": 100 * worlds.explained,
                        "explained, other scene [%]": 100 * scenes.explained if scenes else np.nan,
                        "error, other worlds": worlds.error,
                        "best of a world: lost": worlds.lost,
                    }
                )
            weights += _weight_rows(rows, task, known)
    tables = [
        StudyTable(
            "forms",
            "What predicts the worth of a twin that it was not fitted to",
            told,
            {"explained, other worlds [%]": 0, "explained, other scene [%]": 0}
            | {"error, other worlds": 2, "best of a world: lost": 2},
            "Worth is 0 where decisions earn what they do without a twin, and 1 where they earn "
            "what the world itself would tell; explained is what sets the twins of one world "
            f"apart. {len(rows)} twins, {study.seeds} worlds of each scene. The last column is the "
            f"worth that is lost by taking the one of a world's {study.twins} twins that is "
            "predicted to be best.",
        ),
        StudyTable(
            "weights",
            "Fitted weights, all rows",
            weights,
            dict.fromkeys([*ATTRIBUTES, "K or strength", "base", "span"], 2),
            "± is half the 95 % interval of a jackknife over worlds. Worth = base + span * "
            "utility. What an update costs has no part in what a decision earns, and none here.",
        ),
    ]
    return StudyResults(
        "quality",
        "What decisions on a twin are worth, by its quality",
        asdict(study),
        tables,
        _arrays(rows),
        {"worth": plot_worth(_scatter(rows), explained)},
    )


def _weight_rows(rows: Sequence[Row], task: str, known: str) -> list[dict[str, Cell]]:
    names, values = attributes_of(rows, known)
    worth, (_, _, world) = worth_of(rows, task), folds(rows)
    found: list[dict[str, Cell]] = []
    for form in FORMS:
        whole = fit_form(form, names, values, worth, world)
        own = whole.utility.weights
        row: dict[str, Cell] = {"task": task, "accuracy is": known, "form": form}
        row |= {name: own.get(name, np.nan) for name in ATTRIBUTES if name != "cost"}
        if form == "additive":
            row |= _jackknife(names, values, worth, world)
        constant = {
            "additive": np.nan,
            "multiplicative": master_constant(list(own.values())) if len(own) > 1 else np.nan,
            "copula": whole.utility.strength,
        }
        found.append(
            row | {"K or strength": constant[form], "base": whole.base} | {"span": whole.span}
        )
    return found


def _jackknife(names: Sequence[str], values: Floats, worth: Floats, world: Ints) -> dict[str, Cell]:
    """Additive weights with intervals: every world is left out once."""
    groups = np.unique(world)
    if len(groups) < 2:
        return {}
    fits = [
        fit_form("additive", names, *(part[world != left] for part in (values, worth, world)))
        for left in groups
    ]
    whole = fit_form("additive", names, values, worth, world).utility.weights
    # Pseudo-values, whose mean and interval are the jackknife's.
    return {
        name: figure_of(
            [len(groups) * whole[name] - (len(groups) - 1) * f.utility.weights[name] for f in fits]
        )
        for name in names
    }


def _scatter(rows: Sequence[Row]) -> dict[str, tuple[Floats, Floats]]:
    """Worth as predicted by the additive form, of worlds left out, and as it was, by task."""
    names, values = attributes_of(rows, STATED)
    some, _, world = folds(rows)
    found = {}
    for task in TASKS:
        worth, guess = worth_of(rows, task), np.empty(len(rows))
        for number in np.unique(some):
            left = some == number
            fit = fit_form("additive", names, *(part[~left] for part in (values, worth, world)))
            guess[left] = fit(values[left])
        found[task] = centred(guess, world), centred(worth, world)
    return found


def _arrays(rows: Sequence[Row]) -> xarray.Dataset:
    kept: dict[str, tuple[str, Sequence[float] | Floats]] = {
        f"{known}_{name}": ("twin", [getattr(row, known)[name] for row in rows])
        for known in KNOWN
        for name in getattr(rows[0], known)
    }
    for task in TASKS:
        kept[f"worth_{task}"] = ("twin", worth_of(rows, task))
        for name in ("earned", "blind", "best"):
            kept[f"{name}_{task}"] = ("twin", [getattr(row, name)[task] for row in rows])
    return xarray.Dataset(
        {name: (dim, np.asarray(values), {"units": "1"}) for name, (dim, values) in kept.items()},
        coords={
            "scene": ("twin", [row.scene for row in rows]),
            "seed": ("twin", [row.seed for row in rows]),
        },
    )
