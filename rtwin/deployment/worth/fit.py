"""Utilities fitted to what decisions on twins were worth, and how well they predict others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares, lsq_linear

from rtwin.arrays import Floats, Ints
from rtwin.deployment.utility import FORMS, Form, Utility
from rtwin.errors import OutOfRangeError, ShapeError

_LEAST, _MOST = 1e-3, 1 - 1e-3  # weights of forms that are searched
_STARTS = (0.5, 1.0, 2.0)  # factors on the additive weights
Predictor = Callable[[Floats], Floats]  # attributes [row, attribute] to worth [row]


@dataclass(frozen=True, eq=False)
class Fit:
    """worth = base + span * utility.

    Attributes:
        utility: Form and weights.
        base: Worth of a twin whose attributes are all at their worst.
        span: What the best one is worth more; 0 or more.
    """

    utility: Utility
    base: float
    span: float

    def __call__(self, values: Floats) -> Floats:
        """Worth of twins with attributes [..., attribute], in the order of the weights."""
        return self.base + self.span * self.utility(values)


def centred(values: Floats, group: Ints) -> Floats:
    """Values [row, ...] less the mean of their group."""
    found = np.array(values, np.float64)
    for number in np.unique(group):
        own = group == number
        found[own] -= found[own].mean(axis=0)
    return found


def line(x: Floats, y: Floats, group: Ints) -> tuple[float, float]:
    """Base and span of y = base + span * x by least squares; the span is 0 or more.

    The span is that within groups; the base is of all rows.
    """
    away = centred(x, group)
    spread = float(away @ away)
    span = max(float(away @ y) / spread, 0.0) if spread > 0 else 0.0
    return float(y.mean() - span * x.mean()), span


def with_line(utility: Utility, values: Floats, worth: Floats, group: Ints) -> Fit:
    """A utility as it is, on the line that fits best."""
    return Fit(utility, *line(utility(values), worth, group))


def fit_form(
    form: Form,
    names: Sequence[str],
    values: Floats,
    worth: Floats,
    group: Ints | None = None,
) -> Fit:
    """The weights of a form that explain what twins were worth best.

    Args:
        form: Of rtwin.deployment.utility.FORMS.
        names: Of the attributes.
        values: 0 to 1, [row, attribute].
        worth: What decisions on each twin were worth, [row].
        group: Of a world each; worlds have levels of their own, and what sets the twins of one
            apart is explained, [row]. Default: all are of one.
    Returns:
        Utility and line. Additive weights add up to 1 and are the exact optimum; those of other
        forms are searched from three starts, a copula's strength with them.
    Raises:
        ShapeError: if the shapes do not fit, or there are fewer rows than weights.
        OutOfRangeError: if there is no such form.
    Source: non-negative least squares; variable projection (Golub and Pereyra 1973). Checked by
    tests/deployment/worth/test_fit.py against known weights.
    """
    values, worth = np.asarray(values, np.float64), np.asarray(worth, np.float64)
    if values.shape != (len(worth), len(names)) or len(worth) <= len(names) + 1:
        raise ShapeError(
            f"values have shape {values.shape}, worth {worth.shape}, for {len(names)} names; they "
            "must be [row, attribute] and [row], with more rows than attributes"
        )
    if form not in FORMS:
        raise OutOfRangeError(f"no form '{form}'; there are {', '.join(FORMS)}")
    group = np.zeros(len(worth), np.int64) if group is None else group
    additive = _additive(names, values, worth, group)
    if form == "additive":
        return additive
    start = np.array([additive.utility.weights[name] for name in names])
    more = form == "copula"

    def made(free: Floats) -> Utility:
        weights = dict(zip(names, np.clip(free[: len(names)], 0, 1).tolist(), strict=True))
        return Utility(weights, form, float(free[-1]) if more else 3.0)

    def missed(free: Floats) -> Floats:
        return centred(with_line(made(free), values, worth, group)(values) - worth, group)

    found = []
    # A copula's strength has no value at 0, where it would be the multiplicative form.
    for strength in ((-3.0, -20.0, -0.05), (3.0, 0.05, 30.0)) if more else ((),):
        first, least, most = ([value] for value in strength) if strength else ([], [], [])
        low, high = np.array([_LEAST] * len(names) + least), np.array([_MOST] * len(names) + most)
        room = 0.01 * (high - low)
        for factor in _STARTS:
            begin = np.clip([*(factor * start), *first], low + room, high - room)
            found.append(
                least_squares(missed, begin, bounds=(low, high), diff_step=1e-4, max_nfev=60)
            )
    return with_line(made(min(found, key=lambda f: f.cost).x), values, worth, group)


def _additive(names: Sequence[str], values: Floats, worth: Floats, group: Ints) -> Fit:
    bounds = [0.0] * len(names), [np.inf] * len(names)
    asked = centred(values, group), centred(worth, group)
    slopes = lsq_linear(*asked, bounds, method="bvls").x.tolist()
    span = float(sum(slopes))
    # Where nothing explains anything, all count alike and nothing comes of it.
    shares = [slope / span for slope in slopes] if span > 0 else [1 / len(names)] * len(names)
    return with_line(Utility(dict(zip(names, shares, strict=True))), values, worth, group)


@dataclass(frozen=True)
class Prediction:
    """How well a way predicts twins that it was not fitted to.

    Attributes:
        error: Root-mean-square error of what sets the twins of a group apart.
        explained: Share of its square, 1 at best and 0 where all are thought alike.
        lost: What is lost by taking the twin of a group that is predicted to be the best, mean
            over groups, of the worth of the best one.
    """

    error: float
    explained: float
    lost: float


def held_out(
    fit: Callable[[Floats, Floats, Ints], Predictor],
    values: Floats,
    worth: Floats,
    fold: Ints,
    group: Ints,
) -> Prediction:
    """Predict every fold by what was fitted to all others.

    Args:
        fit: Attributes, worth and groups to a predictor.
        values: [row, attribute].
        worth: [row].
        fold: Which rows are left out together, [row].
        group: Twins among which one may choose, [row].
    """
    guess = np.empty(len(worth))
    for number in np.unique(fold):
        left = fold == number
        guess[left] = fit(values[~left], worth[~left], group[~left])(values[left])
    lost = []
    for number in np.unique(group):
        own = np.flatnonzero(group == number)
        # Of twins that are predicted alike, any may be taken.
        taken = own[guess[own] >= guess[own].max() - 1e-12]
        lost.append(worth[own].max() - worth[taken].mean())
    apart = centred(worth, group)
    square = float(np.sum((centred(guess, group) - apart) ** 2))
    return Prediction(
        float(np.sqrt(square / len(worth))),
        1 - square / max(float(np.sum(apart**2)), 1e-300),
        float(np.mean(lost)),
    )
