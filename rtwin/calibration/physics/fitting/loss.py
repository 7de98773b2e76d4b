"""The loss of a physical fit: how far levels are from a model's, with the prior.

Huber's (or that of a Student t) in dB with an offset for each transmitter and
device, blind to phase and gentle to outliers. A level at the noise floor pulls
only while the model is above it.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.calibration.campaign import FitSpec, Measurements
from rtwin.calibration.physics.fitting.model_error import independent_share
from rtwin.calibration.physics.model import MATERIAL_KINDS, Parameter, PhysicalModel
from rtwin.units import Floats, wavelength_m

LIMIT = 3.0  # prior standard deviations that a parameter may go
_STEPS = 12
_STEPS_AROUND = 8
_ENOUGH = 1e-3  # relative gain below which a search has arrived
_FREEDOM = 4.0  # of the Student t
_LEAST_NOISE_DB = 1.0
TOLD_APART = 8.0  # difference of losses from which the data exclude a value
_SAME = 0.1  # relative difference below which two values of a material are one
_APART = 0.5  # prior standard deviations above which two values of anything else are two
_SCAN = np.linspace(-2.0, 2.0, 9)
_FINE = np.linspace(-2.6, 2.6, 66)
_HOPELESS = 400.0  # a place that is so much worse leads to no rival


def huber(off: Floats, edge: float) -> Floats:
    """Squares of what is off, growing along a line beyond an edge (Huber, 1964)."""
    size = np.abs(off)
    return np.where(size <= edge, off**2, 2 * edge * size - edge**2)


def scaled_gain_db(parameters: tuple[Parameter, ...], z: Floats, gain_db: Floats) -> Floats:
    """Gains with their dynamic range scaled about their middle."""
    scale = next((p.value(v) for p, v in zip(parameters, z, strict=True) if p.kind == "scale"), 1.0)
    return scale * gain_db


@dataclass(frozen=True)
class Scatter:
    """What a fit takes for noise."""

    noise_db: float = 1.0  # robust standard deviation of the residuals
    share: float = 1.0  # independent rows over rows, see independent_share


@dataclass(eq=False)
class Problem:
    """Loss and slopes of one fit."""

    model: PhysicalModel
    parameters: tuple[Parameter, ...]
    spec: FitSpec

    def __post_init__(self) -> None:
        data = self.model.data
        self._pair = data.tx * len(data.devices) + data.device
        self._pairs = len(data.transmitters) * len(data.devices)
        self.scatter = Scatter()
        self.valleys: list[tuple[float, Floats]] = []

    def scaled(self, z: Floats) -> Floats:
        return scaled_gain_db(self.parameters, z, self.model.gain_db(self.parameters, z))

    def loss(self, z: Floats) -> float:
        return self._sum(self._residual(self.scaled(z)), z)

    def adopt_noise(self, z: Floats) -> None:
        """Measure by the scatter that some parameters leave over."""
        data = self.model.data
        residual = self._residual(self.scaled(z))
        heard = ~data.censored
        share = independent_share(data.position_m[heard], residual[heard], self._pair[heard])
        self.scatter = Scatter(self.noise(residual), share)
        self.valleys = []  # losses of another noise do not compare

    def _sum(self, residual: Floats, z: Floats) -> float:
        off = residual / self.scatter.noise_db
        if self.spec.loss == "student":
            cost = (_FREEDOM + 1) * np.log1p(off**2 / _FREEDOM)
        else:
            cost = huber(off, self.spec.loss_scale_db / self.scatter.noise_db)
        return float(self.scatter.share * cost.sum() + z @ z)

    def noise(self, residual: Floats) -> float:
        """Robust standard deviation [dB]."""
        return max(float(np.median(np.abs(residual)) * 1.4826), _LEAST_NOISE_DB)

    def _weight(self, residual: Floats) -> Floats:
        size = np.maximum(np.abs(residual), 1e-9)
        if self.spec.loss == "student":
            return (_FREEDOM + 1) / (_FREEDOM + (residual / self.scatter.noise_db) ** 2)
        return np.minimum(1.0, self.spec.loss_scale_db / size)

    def offsets(self, off: Floats) -> Floats:
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

    def _robust(self, residual: Floats) -> Floats:
        return np.minimum(1.0, self.spec.loss_scale_db / np.maximum(np.abs(residual), 1e-9))

    def _residual(self, gain: Floats) -> Floats:
        data: Measurements = self.model.data
        off = data.level_db - gain
        residual = off - self.offsets(off)[data.tx, data.device]
        # A censored row says "at most": it pulls where the model lies above it.
        return np.where(data.censored, np.minimum(residual, 0.0), residual)

    def linearised(self, z: Floats) -> tuple[Floats, Floats, Floats]:
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

    def fringes(self, z: Floats, i: int) -> list[float]:
        """Where a slab's permittivity would reflect much the same: half wavelengths inside it."""
        parameter = self.parameters[i]
        if parameter.kind != "relative_permittivity":
            return []
        world = self.model.bundles[0].world
        thickness = world.materials[parameter.target].thickness_m
        for p, v in zip(self.parameters, z, strict=True):
            if p.kind == "thickness_m" and p.target == parameter.target:
                thickness = p.value(v)
        if np.isinf(thickness):
            return []  # a half-space has no other side to interfere with
        step = wavelength_m(world.recipe.frequency_hz) / (2 * thickness)
        root = np.sqrt(parameter.value(z[i])) + step * np.array([-3, -2, -1, 1, 2, 3])
        beyond = np.log((root[root > 1.01] ** 2 - 1) / (parameter.prior - 1)) / parameter.sd
        return [float(v) for v in beyond if abs(v) < LIMIT]

    def descend(
        self, z: Floats, fixed: int | None = None, steps: int = _STEPS
    ) -> tuple[Floats, float]:
        """Levenberg-Marquardt from a start, within the prior's reach; one may be held fixed."""
        loss, damping = self.loss(z), 1e-2
        for _ in range(steps):
            residual, slope, weight = self.linearised(z)
            if fixed is not None:
                slope[:, fixed] = 0.0
            worth = self.scatter.share / self.scatter.noise_db**2
            hessian = worth * (slope * weight[:, None]).T @ slope + np.eye(len(z))
            pull = worth * slope.T @ (weight * residual) - z
            if fixed is not None:
                pull[fixed] = 0.0
            better = False
            for _ in range(6):
                step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), pull)
                trial = np.clip(z + step, -LIMIT, LIMIT)
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
        if fixed is None:
            self.valleys.append((loss, z))
        return z, loss

    def look_around(self, z: Floats, thorough: bool = False) -> None:
        """Descend from the neighbouring fringes of every permittivity, to know the rivals.

        Args:
            thorough: Scan each parameter finely as well, and descend from where the
                loss has a local minimum: what others make up for repeats itself at
                places that no fringe tells.
        """
        here = self.loss(z)
        for i in range(len(z)):
            starts = self._places(z, i, self.fringes(z, i))[:2]
            # Antennas, losses and the like have no fringes.
            if thorough and self.parameters[i].kind in MATERIAL_KINDS:
                places = self._places(z, i, list(_FINE[np.abs(_FINE - z[i]) > 1e-3]))
                by_value = sorted([*places, (here, float(z[i]), z)], key=lambda place: place[1])
                losses = [place[0] for place in by_value]
                bottoms = [
                    by_value[n]
                    for n in range(1, len(losses) - 1)
                    if losses[n] < min(losses[n - 1], losses[n + 1]) and by_value[n][2] is not z
                ]
                starts += sorted(bottoms, key=lambda place: place[:2])[:3]
            for loss, _, other in starts:
                if loss < here + _HOPELESS:
                    self.descend(other, steps=_STEPS_AROUND)

    def _places(self, z: Floats, i: int, values: list[float]) -> list[tuple[float, float, Floats]]:
        """Loss, value and place with one parameter set to some values, the best first."""
        places = []
        for value in values:
            other = z.copy()
            other[i] = value
            places.append((self.loss(other), value, other))
        return sorted(places, key=lambda place: place[:2])

    def rivals(self, z: Floats, loss: float) -> tuple[tuple[float, ...], ...]:
        """Other values of each parameter in valleys that the data hardly tell apart.

        Values of materials are others if they differ by more than 10 %, those of
        anything else by more than half of the prior's standard deviation.
        """
        near = [other for other_loss, other in self.valleys if other_loss < loss + TOLD_APART]
        found = []
        for i, parameter in enumerate(self.parameters):
            known = [float(z[i])]
            for other in near:
                if all(self._differ(parameter, float(other[i]), value) for value in known):
                    known.append(float(other[i]))
            found.append(tuple(sorted(parameter.value(value) for value in known[1:])))
        return tuple(found)

    @staticmethod
    def _differ(parameter: Parameter, a: float, b: float) -> bool:
        if parameter.kind in MATERIAL_KINDS:
            one, other = parameter.value(a), parameter.value(b)
            return abs(one - other) > _SAME * abs(other)
        return abs(a - b) > _APART

    def jump(self, z: Floats, loss: float) -> tuple[Floats, float]:
        """Leave a valley that only one parameter locks: slabs repeat with their thickness.

        Each parameter is scanned alone, and the most promising places are
        descended from.
        """
        places = []
        for i in range(len(z)):
            for value in [*_SCAN[np.abs(_SCAN - z[i]) > 0.4], *self.fringes(z, i)]:
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
