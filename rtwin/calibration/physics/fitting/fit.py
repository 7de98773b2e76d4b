"""Fitting physics to levels: many starts from the prior, then Gauss-Newton from the best."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import FitSpec
from rtwin.calibration.journal import Journal
from rtwin.calibration.physics.fitting.loss import Problem, scaled_gain_db
from rtwin.calibration.physics.fitting.profile_likelihood import Range, profile
from rtwin.calibration.physics.fitting.starting_points import starting_points
from rtwin.calibration.physics.model import MATERIAL_KINDS, Parameter, PhysicalModel
from rtwin.progress import Count, uncounted

SEEN = 0.8  # posterior over prior width above which data say nothing
_IN_90 = 1.645  # standard deviations that hold 90 %
_ROUNDS = 2
_AGREE = 1e-3  # relative difference below which two descents arrived at one place
_ENOUGH_ALIKE = 3  # descents at one place after which no further one is made


@dataclass(frozen=True, eq=False)
class PhysicalFit:
    """Fitted parameters and how sure the data make them.

    Attributes:
        z: Parameters in prior standard deviations from the prior median.
        width: Posterior over prior standard deviation of each parameter.
        offset_db: [tx, device].
        noise_db: Robust standard deviation of the residuals [dB].
        loss: Of the fit; `prior_loss` is that of the prior's median.
        rivals: For each parameter, other values that fit as well.
        ranges: By number of parameter, what the data do not exclude; for those
            that were profiled.
        is_kept: Whether it predicts left-out blocks better than the scene as it is drawn;
            else all values are those of the scene.
    """

    parameters: tuple[Parameter, ...]
    z: Floats
    width: Floats
    offset_db: Floats
    noise_db: float
    loss: float
    prior_loss: float
    starts: int
    rivals: tuple[tuple[float, ...], ...] = ()
    ranges: dict[int, Range] = field(default_factory=dict)
    is_kept: bool = True

    def at(self, z: Floats, model: PhysicalModel) -> "PhysicalFit":
        """The same parameters at other values, with the offsets that a model's rows then have."""
        offset = Problem(model, self.parameters, FitSpec())
        level = model.data.level_db - offset.scaled(z)
        return replace(self, z=z, offset_db=offset.offsets(level))

    def not_kept(self, model: PhysicalModel) -> "PhysicalFit":
        """The scene as it is drawn, where fitting it does not help at other places."""
        size = len(self.parameters)
        drawn = self.at(np.zeros(size), model)
        return replace(drawn, width=np.ones(size), rivals=(), ranges={}, is_kept=False)

    @property
    def values(self) -> dict[str, float]:
        """Fitted values in natural units, by name."""
        return {p.name: p.value(v) for p, v in zip(self.parameters, self.z, strict=True)}

    def level_db(self, model: PhysicalModel) -> Floats:
        """Levels of a model's rows [dB]."""
        gain = scaled_gain_db(self.parameters, self.z, model.gain_db(self.parameters, self.z))
        return gain + self.offset_db[model.data.tx, model.data.device]

    def identifiability(self) -> list[dict[str, Any]]:
        """For each parameter: prior, value, how much narrower it became, and what that means."""
        return [self._row(i) for i in range(len(self.parameters))]

    def _row(self, i: int) -> dict[str, Any]:
        p, z, width = self.parameters[i], self.z[i], self.width[i]
        others = self.rivals[i] if self.rivals else ()
        low, high = z - _IN_90 * width, z + _IN_90 * width
        if i in self.ranges:
            low, high = self.ranges[i].low, self.ranges[i].high
            others = (*others, *(p.value(v) for v in self.ranges[i].rivals))
            width = max(width, self.ranges[i].width)
        seen = width <= SEEN and not others
        if not seen:  # the curvature at the fit says too little: the prior counts as well
            low, high = min(low, -_IN_90), max(high, _IN_90)
        span = sorted([p.value(low), p.value(high), *others])
        verdict = "seen" if seen else "the data cannot see it; the prior is kept"
        if not self.is_kept:
            verdict = "a fit predicts left-out blocks no better; the prior is kept"
        if others and width <= SEEN:
            also = ", ".join(f"{value:.3g}" for value in others[:4])
            verdict = f"ambiguous: {also} fits as well; the prior is kept"
        return {
            "parameter": p.name,
            "kind": p.kind,
            "target": p.target,
            "prior": p.value(0.0),
            "value": p.value(z if seen else 0.0),
            "fitted": p.value(z),
            "low": span[0],
            "high": span[-1],
            "posterior_over_prior": float(width),
            "identified": bool(seen),
            "verdict": verdict,
        }


def stored_fit(parameters: tuple[Parameter, ...], offset_db: Floats) -> PhysicalFit:
    """A fit as a result has it: parameters that are held at their fitted values."""
    zero = np.zeros(len(parameters))
    return PhysicalFit(parameters, zero, zero, offset_db, 0.0, 0.0, 0.0, 0)


def fit_physics(
    model: PhysicalModel,
    parameters: tuple[Parameter, ...],
    spec: FitSpec,
    seed: int = 1,
    progress: Count = uncounted,
    start: Floats | None = None,
    *,
    profiled: bool = False,
    journal: Journal | None = None,
) -> PhysicalFit:
    """Fit physical parameters to the levels of a model's rows.

    Args:
        model: Rows and their paths; see PhysicalModel.take for a part.
        parameters: What is free.
        spec: Method, loss, starts.
        start: One more start, in prior standard deviations.
        profiled: Whether to look for rivals of every material and to profile what
            looks seen of it, which takes longer than the fit and makes the verdict
            one to be relied on.
        journal: Remembers finished steps of a run that may be killed.
    Source: Gauss-Newton with iteratively reweighted squares; posterior widths
    after Laplace; checked by tests/calibration/physics/test_path_model.py on synthetic truth.
    """
    journal = journal or Journal()
    problem = Problem(model, parameters, spec)
    size = len(parameters)
    origin = np.zeros(size)
    problem.adopt_noise(origin)
    progress(0, 1)
    tried = list(
        journal.step(
            lambda: {
                "z": np.array(starting_points(spec.method, problem.loss, size, spec.starts, seed))
            }
        )["z"]
    )
    if start is not None:
        tried.append(np.asarray(start, np.float64))
    losses = journal.step(lambda: {"loss": np.array([problem.loss(z) for z in tried])})["loss"]
    z = _best_descent(problem, [tried[n] for n in np.argsort(losses)], journal, progress)
    for _ in range(_ROUNDS):
        # The noise that counts is the one that the best leaves over.
        problem.adopt_noise(z)
        z, loss = _remembered(problem, journal, partial(_settle, problem, z))
    z, loss = _remembered(problem, journal, partial(_look_around, problem, z, profiled))
    ranges: dict[int, Range] = {}
    covariance = _covariance(problem, z)
    if profiled:
        width = np.sqrt(np.diag(covariance))
        # Parameters that other valleys show to be ambiguous need no profile.
        known = problem.rivals(z, loss)
        which = [
            i
            for i, p in enumerate(parameters)
            if width[i] <= SEEN and not known[i] and p.kind in MATERIAL_KINDS
        ]
        z, loss, ranges = profile(
            problem, z, loss, width, covariance, which, progress, journal=journal
        )
        covariance = _covariance(problem, z)
    noise = problem.noise(problem.linearised(z)[0])
    return PhysicalFit(
        parameters,
        z,
        np.sqrt(np.diag(covariance)),
        problem.offsets(model.data.level_db - problem.scaled(z)),
        noise,
        loss,
        problem.loss(origin),
        len(tried),
        problem.rivals(z, loss),
        ranges,
    )


def _best_descent(
    problem: Problem, ordered: list[Floats], journal: Journal, progress: Count
) -> Floats:
    """The best end of descents from the best starts; no further ones once three agree."""
    best: tuple[float, Floats] | None = None
    count, alike = problem.spec.refined, 0
    for number, place in enumerate(ordered[:count]):
        progress(number, count)
        z, loss = _remembered(problem, journal, partial(problem.descend, place))
        if best is not None and abs(loss - best[0]) < _AGREE * best[0]:
            alike += 1
        if best is None or loss < best[0]:
            best = (loss, z)
        if alike + 1 >= _ENOUGH_ALIKE:
            break
    progress(count, count)
    assert best is not None
    return best[1]


def _settle(problem: Problem, z: Floats) -> tuple[Floats, float]:
    return problem.jump(*problem.descend(z))


def _look_around(problem: Problem, z: Floats, thorough: bool) -> tuple[Floats, float]:
    problem.look_around(z, thorough)
    z, loss = min(((v, w) for w, v in problem.valleys), key=lambda valley: valley[1])
    return z, loss


def _remembered(
    problem: Problem, journal: Journal, work: Callable[[], tuple[Floats, float]]
) -> tuple[Floats, float]:
    """A search's end; the valleys that it came upon are remembered with it."""

    def run() -> dict[str, Any]:
        before = len(problem.valleys)
        z, loss = work()
        new = problem.valleys[before:]
        del problem.valleys[before:]
        return {
            "z": z,
            "loss": np.array(loss),
            "valley_loss": np.array([w for w, _ in new]),
            "valley": np.array([v for _, v in new]).reshape(len(new), len(z)),
        }

    done = journal.step(run)
    problem.valleys += [
        (float(w), v) for w, v in zip(done["valley_loss"], done["valley"], strict=True)
    ]
    return done["z"], float(done["loss"])


def _covariance(problem: Problem, z: Floats) -> Floats:
    """Posterior covariance after Laplace, in prior standard deviations."""
    residual, slope, weight = problem.linearised(z)
    noise = problem.noise(residual)
    information = problem.scatter.share * (slope * weight[:, None]).T @ slope / noise**2
    return np.asarray(np.linalg.inv(information + np.eye(len(z))), np.float64)
