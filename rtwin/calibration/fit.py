"""Fitting physics to levels: many starts from the prior, then Gauss-Newton from the best.

The loss is Huber's (or that of a Student t) in dB with an offset for each
transmitter and device, blind to phase and gentle to outliers, plus the prior.
A level at the noise floor pulls only while the model is above it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import dual_annealing
from scipy.stats import qmc

from rtwin.calibration.campaign import FitSpec
from rtwin.calibration.measurements import Measurements
from rtwin.calibration.parameters import Parameter
from rtwin.calibration.physics import MATERIAL_KINDS, PhysicalModel
from rtwin.units import wavelength_m

Real = NDArray[np.float64]
_STEPS = 12
_ENOUGH = 1e-3  # relative gain below which a search has arrived
_LIMIT = 3.0  # prior standard deviations that a parameter may go
_SEEN = 0.8  # posterior over prior width above which data say nothing
_FREEDOM = 4.0  # of the Student t
_LEAST_NOISE_DB = 1.0
_ROUNDS = 2
_TOLD_APART = 12.0  # difference of losses from which one valley excludes another
_SAME = 0.1  # relative difference below which two values are one
_SCAN = np.linspace(-2.0, 2.0, 9)


@dataclass(frozen=True, eq=False)
class PhysicalFit:
    """Fitted parameters and how sure the data make them.

    Attributes:
        z: Parameters in prior standard deviations from the prior median.
        width: Posterior over prior standard deviation of each parameter.
        offset_db: [tx, device].
        noise_db: Robust standard deviation of the residuals [dB].
        loss: Of the fit; `prior_loss` is that of the prior's median.
    """

    parameters: tuple[Parameter, ...]
    z: Real
    width: Real
    offset_db: Real
    noise_db: float
    loss: float
    prior_loss: float
    starts: int
    rivals: tuple[tuple[float, ...], ...] = ()  # per parameter, other values that fit as well

    @property
    def values(self) -> dict[str, float]:
        """Fitted values in natural units, by name."""
        return {p.name: p.value(v) for p, v in zip(self.parameters, self.z, strict=True)}

    def level_db(self, model: PhysicalModel) -> Real:
        """Levels of a model's rows [dB]."""
        gain = _scaled(self.parameters, self.z, model.gain_db(self.parameters, self.z))
        return gain + self.offset_db[model.data.tx, model.data.device]

    def identifiability(self) -> list[dict[str, Any]]:
        """For each parameter: prior, value, how much narrower it became, and what that means."""
        rows = []
        rivals = self.rivals or ((),) * len(self.parameters)
        for p, z, width, others in zip(self.parameters, self.z, self.width, rivals, strict=True):
            seen = width <= _SEEN and not others
            verdict = "seen" if seen else "the data cannot see it; the prior is kept"
            if others and width <= _SEEN:
                also = ", ".join(f"{value:.3g}" for value in others)
                verdict = f"ambiguous: {also} fits as well; the prior is kept"
            rows.append(
                {
                    "parameter": p.name,
                    "kind": p.kind,
                    "target": p.target,
                    "prior": p.value(0.0),
                    "value": p.value(z if seen else 0.0),
                    "fitted": p.value(z),
                    "low": p.value(z - 1.645 * width),
                    "high": p.value(z + 1.645 * width),
                    "posterior_over_prior": float(width),
                    "identified": bool(seen),
                    "verdict": verdict,
                }
            )
        return rows


def fit_physics(
    model: PhysicalModel,
    parameters: tuple[Parameter, ...],
    spec: FitSpec,
    seed: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
    start: Real | None = None,
) -> PhysicalFit:
    """Fit physical parameters to the levels of a model's rows.

    Args:
        model: Rows and their paths; see PhysicalModel.take for a part.
        parameters: What is free.
        spec: Method, loss, starts.
        start: One more start, in prior standard deviations.
    Source: Gauss-Newton with iteratively reweighted squares; posterior widths
    after Laplace; checked by tests/calibration/test_fit.py on synthetic truth.
    """
    problem = _Problem(model, parameters, spec)
    size = len(parameters)
    origin = np.zeros(size)
    problem.adopt_noise(origin)
    if spec.method == "annealing":
        bounds = [(-_LIMIT, _LIMIT)] * size
        found = dual_annealing(
            problem.loss, bounds, maxfun=spec.starts * 20, rng=seed, no_local_search=True, x0=origin
        )
        tried = [origin, found.x]
    elif spec.method == "grid":
        tried = _grid(problem, origin)
    else:
        # As many starts as a power of two: the sequence is balanced only then.
        power = int(np.ceil(np.log2(max(spec.starts, 2))))
        draws = qmc.MultivariateNormalQMC(origin, rng=seed).random(2**power)[: spec.starts]
        tried = [origin, *np.clip(draws, -2.0, 2.0)]
    if start is not None:
        tried.append(np.asarray(start, np.float64))
    total = len(tried) + spec.refined
    losses = []
    for number, z in enumerate(tried):
        progress(number, total)
        losses.append(problem.loss(z))
    best: tuple[float, Real] | None = None
    for number, place in enumerate(np.argsort(losses)[: spec.refined]):
        progress(len(tried) + number, total)
        z, loss = problem.descend(tried[place])
        if best is None or loss < best[0]:
            best = (loss, z)
    assert best is not None
    progress(total, total)
    z = best[1]
    for _ in range(_ROUNDS):
        # The noise that counts is the one that the best leaves over.
        problem.adopt_noise(z)
        z, loss = problem.descend(z)
        z, loss = problem.jump(z, loss)
    problem.look_around(z)
    z, loss = min(((v, w) for w, v in problem.valleys), key=lambda valley: valley[1])
    prior_loss = problem.loss(origin)
    residual, slope, weight = problem.linearised(z)
    noise = problem.noise(residual)
    information = (slope * weight[:, None]).T @ slope / noise**2
    width = np.sqrt(np.diag(np.linalg.inv(information + np.eye(size))))
    offset = problem.offsets(model.data.level_db - problem.scaled(z))
    rivals = problem.rivals(z, loss)
    return PhysicalFit(parameters, z, width, offset, noise, loss, prior_loss, len(tried), rivals)


def _grid(problem: "_Problem", origin: Real) -> list[Real]:
    """Coordinate by coordinate over a grid, keeping the best: no slopes are needed."""
    z, best = origin.copy(), problem.loss(origin)
    for _ in range(2):
        for i in range(len(z)):
            for value in np.linspace(-2, 2, 9):
                other = z.copy()
                other[i] = value
                loss = problem.loss(other)
                if loss < best:
                    z, best = other, loss
    return [origin, z]


def _scaled(parameters: tuple[Parameter, ...], z: Real, gain_db: Real) -> Real:
    """Gains with their dynamic range scaled about their middle."""
    scale = next((p.value(v) for p, v in zip(parameters, z, strict=True) if p.kind == "scale"), 1.0)
    return scale * gain_db


@dataclass(eq=False)
class _Problem:
    """Loss and slopes of one fit."""

    model: PhysicalModel
    parameters: tuple[Parameter, ...]
    spec: FitSpec

    def __post_init__(self) -> None:
        data = self.model.data
        self._pair = data.tx * len(data.devices) + data.device
        self._pairs = len(data.transmitters) * len(data.devices)
        self._noise = 1.0
        self.valleys: list[tuple[float, Real]] = []

    def scaled(self, z: Real) -> Real:
        return _scaled(self.parameters, z, self.model.gain_db(self.parameters, z))

    def loss(self, z: Real) -> float:
        return self._sum(self._residual(self.scaled(z)), z)

    def adopt_noise(self, z: Real) -> None:
        """Measure by the scatter that some parameters leave over."""
        self._noise = self.noise(self._residual(self.scaled(z)))
        self.valleys = []  # losses of another noise do not compare

    def _sum(self, residual: Real, z: Real) -> float:
        off = residual / self._noise
        if self.spec.loss == "student":
            cost = (_FREEDOM + 1) * np.log1p(off**2 / _FREEDOM)
        else:
            edge = self.spec.loss_scale_db / self._noise
            size = np.abs(off)
            cost = np.where(size <= edge, off**2, 2 * edge * size - edge**2)
        return float(cost.sum() + z @ z)

    def noise(self, residual: Real) -> float:
        """Robust standard deviation [dB]."""
        return max(float(np.median(np.abs(residual)) * 1.4826), _LEAST_NOISE_DB)

    def _weight(self, residual: Real) -> Real:
        size = np.maximum(np.abs(residual), 1e-9)
        if self.spec.loss == "student":
            return (_FREEDOM + 1) / (_FREEDOM + (residual / self._noise) ** 2)
        return np.minimum(1.0, self.spec.loss_scale_db / size)

    def offsets(self, off: Real) -> Real:
        """Offset of each transmitter and device [dB], [tx, device], robust means."""
        data = self.model.data
        weight = np.where(data.censored, 0.0, 1.0)
        for _ in range(3):
            total = np.bincount(self._pair, weight, minlength=self._pairs)
            sums = np.bincount(self._pair, weight * off, minlength=self._pairs)
            overall = sums.sum() / max(total.sum(), 1e-9)
            # Half a row's worth of the mean over devices keeps pairs without rows sane.
            per_tx = sums.reshape(-1, len(data.devices)).sum(1) + 1e-3 * overall
            per_tx = per_tx / (total.reshape(-1, len(data.devices)).sum(1) + 1e-3)
            prior = np.repeat(per_tx, len(data.devices))
            offset = (sums + 0.5 * prior) / (total + 0.5)
            residual = off - offset[self._pair]
            weight = np.where(data.censored, 0.0, self._robust(residual))
        return offset.reshape(-1, len(data.devices))

    def _robust(self, residual: Real) -> Real:
        return np.minimum(1.0, self.spec.loss_scale_db / np.maximum(np.abs(residual), 1e-9))

    def _residual(self, gain: Real) -> Real:
        data: Measurements = self.model.data
        off = data.level_db - gain
        residual = off - self.offsets(off)[data.tx, data.device]
        # A censored row says "at most": it pulls where the model lies above it.
        return np.where(data.censored, np.minimum(residual, 0.0), residual)

    def linearised(self, z: Real) -> tuple[Real, Real, Real]:
        """Residuals, their slope over z with offsets projected out, and weights."""
        data = self.model.data
        gain, slope = self.model.gains_db(self.parameters, z)
        for i, parameter in enumerate(self.parameters):
            if parameter.kind == "scale":
                slope[:, i] = parameter.sd * gain  # d(scale * gain) / dz over scale
        scale = next(
            (p.value(v) for p, v in zip(self.parameters, z, strict=True) if p.kind == "scale"), 1.0
        )
        slope, residual = slope * scale, self._residual(scale * gain)
        weight = self._weight(residual)
        weight = np.where(data.censored & (residual == 0), 0.0, weight)
        total = np.maximum(np.bincount(self._pair, weight, minlength=self._pairs), 1e-9)
        for i in range(slope.shape[1]):
            mean = np.bincount(self._pair, weight * slope[:, i], minlength=self._pairs) / total
            slope[:, i] -= mean[self._pair]
        return residual, slope, weight

    def _fringes(self, z: Real, i: int) -> list[float]:
        """Where a slab's permittivity would reflect much the same: half wavelengths inside it."""
        parameter = self.parameters[i]
        if parameter.kind != "relative_permittivity":
            return []
        world = self.model.bundles[0].world
        thickness = world.materials[parameter.target].thickness_m
        for p, v in zip(self.parameters, z, strict=True):
            if p.kind == "thickness_m" and p.target == parameter.target:
                thickness = p.value(v)
        step = wavelength_m(world.recipe.frequency_hz) / (2 * thickness)
        root = np.sqrt(parameter.value(z[i])) + step * np.array([-3, -2, -1, 1, 2, 3])
        beyond = np.log((root[root > 1.01] ** 2 - 1) / (parameter.prior - 1)) / parameter.sd
        return [float(v) for v in beyond if abs(v) < _LIMIT]

    def descend(self, z: Real) -> tuple[Real, float]:
        """Levenberg-Marquardt from a start, within the prior's reach."""
        loss, damping = self.loss(z), 1e-2
        for _ in range(_STEPS):
            residual, slope, weight = self.linearised(z)
            noise = self._noise
            hessian = (slope * weight[:, None]).T @ slope / noise**2 + np.eye(len(z))
            pull = slope.T @ (weight * residual) / noise**2 - z
            better = False
            for _ in range(6):
                step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), pull)
                trial = np.clip(z + step, -_LIMIT, _LIMIT)
                new = self.loss(trial)
                if new < loss:
                    better = True
                    break
                damping *= 4
            if not better:
                break
            gain, z, loss, damping = loss - new, trial, new, max(damping / 4, 1e-6)
            if gain < _ENOUGH * loss:
                break
        self.valleys.append((loss, z))
        return z, loss

    def look_around(self, z: Real) -> None:
        """Descend from the neighbouring fringes of every permittivity, to know the rivals."""
        for i in range(len(z)):
            places = []
            for value in self._fringes(z, i):
                other = z.copy()
                other[i] = value
                places.append((self.loss(other), value, other))
            for _, _, other in sorted(places, key=lambda place: place[:2])[:2]:
                self.descend(other)

    def rivals(self, z: Real, loss: float) -> tuple[tuple[float, ...], ...]:
        """Other values of each parameter in valleys that the data hardly tell apart."""
        found = []
        for i, parameter in enumerate(self.parameters):
            best = parameter.value(z[i])
            others: list[float] = []
            for other_loss, other in self.valleys:
                value = parameter.value(other[i])
                known = [best, *others]
                if other_loss < loss + _TOLD_APART and all(
                    abs(value - k) > _SAME * abs(k) for k in known
                ):
                    others.append(value)
            found.append(tuple(sorted(others)) if parameter.kind in MATERIAL_KINDS else ())
        return tuple(found)

    def jump(self, z: Real, loss: float) -> tuple[Real, float]:
        """Leave a valley that only one parameter locks: slabs repeat with their thickness.

        Each parameter is scanned alone, and the most promising places are
        descended from.
        """
        places = []
        for i in range(len(z)):
            for value in [*_SCAN[np.abs(_SCAN - z[i]) > 0.4], *self._fringes(z, i)]:
                other = z.copy()
                other[i] = value
                places.append((self.loss(other), i, other))
        tried: set[int] = set()
        for _, i, other in sorted(places, key=lambda place: place[0]):
            if i in tried:
                continue
            tried.add(i)
            new, lower = self.descend(other)
            if lower < loss * (1 - _ENOUGH):
                z, loss = new, lower
            if len(tried) == self.spec.refined:
                break
        return z, loss
