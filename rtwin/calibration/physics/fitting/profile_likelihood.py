"""Which values of a parameter fit as well as the best: likelihoods profiled over the prior.

A posterior's curvature at the best place knows nothing of other valleys: a slab
repeats itself with its thickness, and what one material reflects less another
may reflect more. So each parameter that looks seen is held at values across its
prior, all others are fitted anew, and what then fits nearly as well is told.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.journal import Arrays, Journal
from rtwin.calibration.physics.fitting.loss import LIMIT, TOLD_APART, Problem
from rtwin.progress import Count, uncounted

_ACROSS = np.linspace(-2.4, 2.4, 7)
_STEPS = 5
_FAR = 60.0  # a place that a first look finds so much worse is not looked at again
_ROUNDS = 3
_LOOK = 2  # steps of the first look
_NEAR = 1.5  # posterior widths within which a valley is the same one
_BETTER = 0.5  # by which a profile has to beat the best to become it


@dataclass(frozen=True)
class Range:
    """Where a parameter may lie, in prior standard deviations.

    Attributes:
        low, high: Ends of the values that the data do not exclude, all valleys together.
        rivals: Values in other valleys that are not excluded.
    """

    low: float
    high: float
    rivals: tuple[float, ...] = ()

    @property
    def width(self) -> float:
        """Posterior over prior standard deviation that a normal posterior of this range has."""
        return float((self.high - self.low) / (2 * np.sqrt(TOLD_APART)))


def profile(
    problem: Problem,
    z: Floats,
    loss: float,
    width: Floats,
    covariance: Floats,
    which: list[int],
    progress: Count = uncounted,
    journal: Journal | None = None,
) -> tuple[Floats, float, dict[int, Range]]:
    """Ranges of some parameters, and the best place, which may be better than before.

    Args:
        z, loss: The best place so far.
        width: Posterior widths there, [parameter].
        covariance: Posterior covariance there, [parameter, parameter].
        which: Parameters to look at.
    Source: profile likelihood (Venzon and Moolgavkar, 1988); checked by
    tests/calibration/physics/test_profile_likelihood.py on losses with two
    valleys and by known truths.
    """
    journal = journal or Journal()
    for _ in range(_ROUNDS):
        found: dict[int, Range] = {}
        better: tuple[float, Floats] | None = None
        for number, i in enumerate(which):
            progress(number, len(which))
            steps = journal.step(partial(_held, problem, z, loss, width, covariance, i))
            places = steps["value"], steps["loss"]
            lowest = int(np.argmin(steps["loss"]))
            if steps["loss"][lowest] < loss - _BETTER and (
                better is None or steps["loss"][lowest] < better[0]
            ):
                better = (float(steps["loss"][lowest]), steps["z"][lowest])
            found[i] = _range(*places, z[i], loss, width[i])
        if better is None:
            break
        end = journal.step(partial(_descended, problem, better[1]))
        z, loss = end["z"], float(end["loss"])
    progress(len(which), len(which))
    return z, loss, found


def _descended(problem: Problem, z: Floats) -> Arrays:
    place, loss = problem.descend(z)
    return {"z": place, "loss": np.array(loss)}


def _held(
    problem: Problem, z: Floats, loss: float, width: Floats, covariance: Floats, i: int
) -> Arrays:
    """Values across the prior, loss of the others' best there, and that place."""
    around = z[i] + width[i] * np.array([-4.0, -2.0, 2.0, 4.0])
    known = [valley[i] for _, valley in problem.valleys]
    values = np.concatenate([_ACROSS, around, problem.fringes(z, i), known])
    values = _thinned(values[np.abs(values) <= LIMIT], max(width[i], 0.02))
    # Others follow as the posterior says, or stand as in a valley that was found there.
    pull = covariance[:, i] / covariance[i, i]
    losses, places = [], []
    for value in values:
        starts = [np.clip(z + pull * (value - z[i]), -LIMIT, LIMIT), z.copy()]
        near = [(w, v) for w, v in problem.valleys if abs(v[i] - value) < 2 * width[i]]
        if near:
            starts.append(min(near, key=lambda valley: valley[0])[1].copy())
        for start in starts:
            start[i] = value
        first = min(starts, key=problem.loss)
        place, new = problem.descend(first, fixed=i, steps=_LOOK)
        if TOLD_APART / 2 < new - loss < _FAR:
            place, new = problem.descend(place, fixed=i, steps=_STEPS)
        losses.append(new)
        places.append(place)
    return {"value": values, "loss": np.array(losses), "z": np.array(places)}


def _thinned(values: Floats, apart: float) -> Floats:
    kept: list[float] = []
    for value in np.sort(values):
        if not kept or value - kept[-1] > apart / 2:
            kept.append(float(value))
    return np.array(kept)


def _range(held: Floats, losses: Floats, best: float, loss: float, width: float) -> Range:
    values = np.array([best, *held])
    rise = np.array([0.0, *(losses - loss)])
    order = np.argsort(values, kind="stable")
    values, rise = values[order], rise[order]
    inside = rise < TOLD_APART
    low = high = best
    rivals = []
    at = int(np.flatnonzero(values == best)[0])
    connected = np.zeros(len(values), bool)
    for step in (-1, 1):
        n = at
        while 0 <= n < len(values) and inside[n]:
            connected[n] = True
            n += step
    for n in map(int, np.flatnonzero(inside)):
        # Ends lie where the rise crosses the limit on the way to the next value.
        left = values[n] if n == 0 else _crossing(values, rise, n, n - 1)
        right = values[n] if n == len(values) - 1 else _crossing(values, rise, n, n + 1)
        low, high = min(low, left), max(high, right)
        if not connected[n] and abs(values[n] - best) > _NEAR * width:
            rivals.append(float(values[n]))
    return Range(float(low), float(high), tuple(rivals))


def _crossing(values: Floats, rise: Floats, inside: int, outside: int) -> float:
    """Where a rise like a parabola's crosses the limit between two values."""
    if rise[outside] < TOLD_APART:
        return float(values[inside])
    a, b = np.sqrt(max(rise[inside], 0.0)), np.sqrt(rise[outside])
    share = (np.sqrt(TOLD_APART) - a) / max(b - a, 1e-9)
    return float(values[inside] + share * (values[outside] - values[inside]))
