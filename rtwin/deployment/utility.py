"""Utilities of several attributes: how far a twin's good sides make up for its bad ones.

Every attribute is a number in [0, 1], 0 the worst and 1 the best. All forms are 0 where all
attributes are worst, 1 where all are best, and never fall when one rises:

additive        what one lacks, another makes up for
multiplicative  with a constant K: below 0 one good side is nearly enough, above 0 all count
multilinear     a value for every corner, and straight lines between them
copula          the multiplicative form on a scale that bends, as a copula does
dominance       nothing is worth anything where one attribute is at its worst
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError

Form = Literal["additive", "multiplicative", "copula"]
FORMS: tuple[Form, ...] = ("additive", "multiplicative", "copula")
Generator = Literal["independent", "frank", "clayton", "gumbel"]
MOST_MULTILINEAR = 10  # attributes; each doubles the corners
_ADDS_UP = 1e-9


def _attributes(values: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if weights.ndim != 1 or values.shape[-1:] != weights.shape:
        raise ShapeError(
            f"values have shape {values.shape}, weights {weights.shape}; they must be "
            "[..., attribute] and [attribute]"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise OutOfRangeError("attributes are numbers from 0, the worst, to 1, the best")
    if not ((weights >= 0) & (weights <= 1)).all() or not weights.any():
        raise OutOfRangeError("weights are numbers from 0 to 1, and one of them is above 0")
    return values, weights


def additive(values: ArrayLike, weights: ArrayLike) -> Floats:
    """Weighted mean of the attributes.

    Args:
        values: [..., attribute], 0 to 1.
        weights: [attribute], 0 to 1; their sum is brought to 1.
    Returns:
        [...], 0 to 1.
    Source: Keeney and Raiffa (1976); checked by tests/deployment/test_utility.py.
    """
    values, weights = _attributes(values, weights)
    return values @ (weights / weights.sum())


def master_constant(weights: ArrayLike) -> float:
    """K of the multiplicative form: 1 + K = prod(1 + K k), K > -1, and 0 where sum k = 1.

    Raises:
        OutOfRangeError: if less than two weights are above 0 and they do not add up to 1.
    Source: Keeney and Raiffa (1976), ch. 6; checked by tests/deployment/test_utility.py.
    """
    k = np.asarray(weights, np.float64)
    k = k[k > 0]
    total = float(k.sum())
    if abs(total - 1) < _ADDS_UP:
        return 0.0
    if len(k) < 2:
        raise OutOfRangeError("the multiplicative form of one attribute needs a weight of 1")

    def excess(constant: float) -> float:
        # Divided by K, so that the root at 0 is none; log1p keeps small K exact.
        return float(np.expm1(np.log1p(constant * k).sum()) / constant - 1)

    if total > 1:
        if (k == 1).any():
            return -1.0
        return float(brentq(excess, -1 + 1e-15, -1e-12, xtol=1e-15))
    top = 1.0
    while excess(top) < 0:
        top *= 2
    return float(brentq(excess, 1e-12, top, xtol=1e-12))


def multiplicative(values: ArrayLike, weights: ArrayLike) -> Floats:
    """1 + K U = prod(1 + K k u).

    Args:
        values: [..., attribute], 0 to 1.
        weights: Utility where this attribute alone is best, [attribute], 0 to 1. Together
            above 1, attributes stand in for each other; below 1, they need each other.
    Returns:
        [...], 0 to 1.
    Source: Keeney and Raiffa (1976), ch. 6; checked by tests/deployment/test_utility.py.
    """
    values, weights = _attributes(values, weights)
    constant = master_constant(weights)
    if constant == 0:
        return values @ weights
    return (np.prod(1 + constant * weights * values, axis=-1) - 1) / constant


def multilinear(values: ArrayLike, corners: ArrayLike) -> Floats:
    """Straight lines between the corners, in every direction.

    Args:
        values: [..., attribute], 0 to 1.
        corners: Utility with attribute i at its worst (index 0) or best (index 1), as an
            array of shape [2] * attributes; 0 and 1 at its ends, and monotone.
    Returns:
        [...], 0 to 1.
    Raises:
        OutOfRangeError: if a corner is below one that it should be above.
        ShapeError: if there is no corner for every choice.
    Source: Keeney and Raiffa (1976); checked by tests/deployment/test_utility.py.
    """
    corners = np.asarray(corners, np.float64)
    number = corners.ndim
    values, _ = _attributes(values, np.ones(number))
    if corners.shape != (2,) * number or number > MOST_MULTILINEAR:
        raise ShapeError(f"corners have shape {corners.shape}; they must be [2] * {number}")
    ends = corners[(0,) * number], corners[(1,) * number]
    if ends != (0.0, 1.0) or any((np.diff(corners, axis=i) < 0).any() for i in range(number)):
        raise OutOfRangeError("corners rise from 0, all worst, to 1, all best, along every edge")
    found = np.zeros(values.shape[:-1])
    for choice in product((0, 1), repeat=number):
        share = np.prod(np.where(choice, values, 1 - values), axis=-1)
        found = found + corners[choice] * share
    return found


def generator(name: Generator, strength: float) -> tuple[Callable[..., Floats], ...]:
    """A copula's generator on [0, 1], rising to 1 at 1, and its inverse.

    Args:
        name: "independent", or "frank" (strength not 0), "clayton" (above 0), "gumbel"
            (1 or more).
        strength: How strongly attributes hang together; of "independent" it means nothing.
    Source: Nelsen (2006), An Introduction to Copulas; psi = exp(-phi).
    """
    t = float(strength)
    if name == "independent":
        return np.positive, np.positive
    if name == "frank" and t != 0:
        whole = -np.expm1(-t)
        return (
            lambda u: -np.expm1(-t * u) / whole,
            lambda v: -np.log1p(-whole * v) / t,
        )
    if name == "clayton" and t > 0:
        with np.errstate(divide="ignore"):
            return (
                lambda u: np.exp(-(np.power(np.maximum(u, 1e-300), -t) - 1) / t),
                lambda v: np.power(1 - t * np.log(np.maximum(v, 1e-300)), -1 / t),
            )
    if name == "gumbel" and t >= 1:
        return (
            lambda u: np.exp(-np.power(-np.log(np.maximum(u, 1e-300)), t)),
            lambda v: np.exp(-np.power(-np.log(np.maximum(v, 1e-300)), 1 / t)),
        )
    raise OutOfRangeError(f"no generator {name!r} of strength {strength:g}")


def copula(
    values: ArrayLike,
    lowest: ArrayLike,
    name: Generator = "independent",
    strength: float = 1.0,
) -> Floats:
    """U = a psi^-1(prod psi(l + (1 - l) u)) + 1 - a, an Archimedean utility copula.

    Args:
        values: [..., attribute], 0 to 1.
        lowest: l, what is left of an attribute at its worst, [attribute], 0 to 1; the form is
            multiplicative with l = 1 / (1 + K k), K > 0, and the generator "independent".
        name, strength: Of the generator.
    Returns:
        [...], 0 to 1.
    Source: Abbas (2009), Multiattribute utility copulas; checked by
    tests/deployment/test_utility.py.
    """
    low = np.asarray(lowest, np.float64)
    values, _ = _attributes(values, np.ones(low.shape))
    if not ((low >= 0) & (low <= 1)).all() or (low == 1).all():
        raise OutOfRangeError("what is left at the worst is from 0 to 1, and not all of everything")
    psi, inverse = generator(name, strength)
    least = float(inverse(np.prod(psi(low))))
    scale = 1 / (1 - least)
    return scale * (inverse(np.prod(psi(low + (1 - low) * values), axis=-1)) - 1) + 1


def dominance(first: ArrayLike, second_given_first: ArrayLike) -> Floats:
    """U(x, y) = U(x) U(y | x): worthless where either is worst.

    Source: Abbas and Howard (2005), Attribute dominance utility; its Bayes' rule is checked
    by tests/deployment/test_utility.py.
    """
    return np.asarray(first, np.float64) * np.asarray(second_given_first, np.float64)


@dataclass(frozen=True)
class Utility:
    """A form with its weights, for attributes in a fixed order.

    Attributes:
        form: Of FORMS; "copula" is Frank's with `strength`, and l = 1 - weight.
        weights: By attribute name, 0 to 1.
        strength: Of the copula alone.
    """

    weights: dict[str, float]
    form: Form = "additive"
    strength: float = 3.0

    def __call__(self, values: ArrayLike, names: Sequence[str] | None = None) -> Floats:
        """Utility of attributes, [..., attribute], in the order of the weights or of names."""
        names = tuple(self.weights) if names is None else tuple(names)
        weights = np.array([self.weights[name] for name in names])
        if self.form == "additive":
            return additive(values, weights)
        if self.form == "multiplicative":
            # Alone, what is left has to be all there is.
            return multiplicative(values, weights if (weights > 0).sum() > 1 else weights > 0)
        return copula(values, 1 - weights, "frank", self.strength)
