"""Fields of residuals from few measured cells, by places alone: what inference must beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.channel import GaussianField, condition, shadowing_correlation

# Candidates of the marginal likelihood: scales relative to the diagonal of the map, dB.
_LENGTHS = (0.03, 0.08, 0.2, 0.5)
_SPATIAL_DB = (0.3, 1.0, 3.0, 8.0, 16.0)
_LEVEL_DB = (0.0, 1.0, 5.0)
_JITTER = 1e-6
_MAX_LIKELY = 4
# With more measurements than this, that many choose the candidates for all.
_MANY_ROWS, _CANDIDATES = 128, 8
_OFF_M = 1e-3  # that a cell may be off its grid, by rounding
_CELLS_AT_ONCE = 1024
_MANY_CELLS = 4096  # from which on the mean on a grid is worth a convolution
UNMEASURED_DB = 3.0  # standard deviation of a field of which nothing is measured


@dataclass(frozen=True, eq=False)
class Field:
    """Mean and standard deviation in every cell [dB], [cell] each."""

    mean_db: Floats
    sd_db: Floats


@dataclass(frozen=True, eq=False)
class _Kernel:
    """One candidate of the covariance, given the measurements."""

    weight: float
    length_m: float
    variance_db2: tuple[float, float]  # of the level, of the field around it
    field: GaussianField

    @cached_property
    def pull(self) -> Floats:
        """What each measurement's covariance with a cell counts in the cell's mean, [row]."""
        from scipy.linalg import solve_triangular

        found: Floats = solve_triangular(self.field.lower, self.field.white, lower=True, trans=1)
        return found

    def cross(self, far_m: Floats) -> Floats:
        """Covariance of cells and measurements by their distance."""
        level, spatial = self.variance_db2
        return level + spatial * shadowing_correlation(far_m, self.length_m)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Cells in rows from one corner, x first."""

    corner_m: Floats  # middle of the first cell, [2]
    step_m: Floats  # [2]
    shape: tuple[int, int]  # cells along y and x

    @staticmethod
    def of(cells_m: Floats) -> "_Grid | None":
        """The grid that cells [cell, 2 or 3] m make, if they make one."""
        along_x = int(np.argmax(np.append(np.abs(np.diff(cells_m[:, 1])) > _OFF_M, True))) + 1
        shape = len(cells_m) // along_x, along_x
        if min(shape) < 2 or shape[0] * shape[1] != len(cells_m):
            return None
        place = cells_m[:, :2].reshape(*shape, 2)
        grid = _Grid(place[0, 0], place[1, 1] - place[0, 0], shape)
        row, column = np.indices(shape)
        expected = grid.corner_m + np.stack([column, row], axis=-1) * grid.step_m
        return grid if np.abs(place - expected).max() < _OFF_M else None

    def cell_of(self, place_m: Floats) -> tuple[Ints, Ints] | None:
        """Row and column of the cells whose middles places are; None where some are not."""
        steps = (place_m - self.corner_m) / self.step_m
        column, row = np.round(steps).astype(np.int64).T
        is_cell = np.abs(steps - np.round(steps)).max(initial=0.0) * self.step_m.max() < _OFF_M
        inside = (row >= 0) & (row < self.shape[0]) & (column >= 0) & (column < self.shape[1])
        return (row, column) if is_cell and inside.all() else None


class Kriging:
    """Ordinary kriging with the exponential covariance of shadow fading.

    Its scale, its variance and the variance of its level are averaged over a grid
    by their marginal likelihood, level 0 included.

    Args:
        place_m: Measured places [m], [row, 2 or 3].
        value_db: Residual of each [dB], [row].
        noise_db: Its standard deviation [dB], [row].
        extent_m: Diagonal of the map [m], which scales are relative to.
    Source: rtwin.channel.kriging; checked by
        tests/horizontal/unknown_change/test_kriging.py against scikit-learn's
        Gaussian process.
    """

    def __init__(
        self, place_m: Floats, value_db: Floats, noise_db: Floats, extent_m: float
    ) -> None:
        self._place_m, self._value_db = place_m[:, :2], value_db
        choices = list(product(_LENGTHS, _LEVEL_DB, _SPATIAL_DB))
        count = len(choices)
        if len(value_db) > _MANY_ROWS:
            # Some of the measurements say which candidates matter.
            order = np.lexsort(self._place_m.T)
            some = order[np.linspace(0, len(order) - 1, _MANY_ROWS).astype(np.int64)]
            _, evidence = _conditioned(
                choices, self._place_m[some], value_db[some], noise_db[some], extent_m
            )
            choices = [choices[k] for k in np.argsort(-evidence, kind="stable")[:_CANDIDATES]]
        given, evidence = _conditioned(choices, self._place_m, value_db, noise_db, extent_m)
        top = evidence.max()
        weight = np.exp(evidence - top)
        self.log_evidence = float(top + np.log(weight.sum() / count))
        # Those that hardly count are left out.
        likely = np.argsort(-weight, kind="stable")[:_MAX_LIKELY]
        total = weight[likely].sum()
        self._kernels = [
            _Kernel(
                float(weight[k] / total),
                choices[k][0] * extent_m,
                (choices[k][1] ** 2, choices[k][2] ** 2),
                GaussianField(given.lower[k], given.white[k]),
            )
            for k in likely
        ]

    def at(self, cells_m: Floats, least_db: float = 0.0) -> Field:
        """The field in cells [cell, 2 or 3] m.

        Args:
            cells_m: Places.
            least_db: Where the mean is not above it, the standard deviation is not asked for
                and is UNMEASURED_DB: it is what costs on large maps.
        """
        means = self._means_on_grid(cells_m) if len(cells_m) >= _MANY_CELLS else None
        mean, sd = np.empty(len(cells_m)), np.empty(len(cells_m))
        # In blocks that stay in the processor's cache.
        for first in range(0, len(cells_m), _CELLS_AT_ONCE):
            rows = slice(first, first + _CELLS_AT_ONCE)
            known = None if means is None else means[rows]
            mean[rows], sd[rows] = self._at(cells_m[rows], least_db, known)
        return Field(mean, sd)

    def _at(self, cells_m: Floats, least_db: float, mean: Floats | None) -> tuple[Floats, Floats]:
        if mean is None:
            far = _distances(cells_m, self._place_m)
            mean = np.zeros(len(far))
            for kernel in self._kernels:
                mean += kernel.weight * (kernel.cross(far) @ kernel.pull)
        sd = np.full(len(cells_m), UNMEASURED_DB)
        asked = np.flatnonzero(np.abs(mean) > least_db) if least_db > 0 else np.arange(len(mean))
        if not len(asked):
            return mean, sd
        far, second = _distances(cells_m[asked], self._place_m), np.zeros(len(asked))
        for kernel in self._kernels:
            center, spread = kernel.field.predict(kernel.cross(far), sum(kernel.variance_db2))
            second += kernel.weight * (spread + center**2)
        sd[asked] = np.sqrt(np.maximum(second - mean[asked] ** 2, 0))
        return mean, sd

    def _means_on_grid(self, cells_m: Floats) -> Floats | None:
        """Means in the cells of a grid by convolution; None where cells or rows are on none."""
        from scipy.fft import irfft2, rfft2

        grid = _Grid.of(cells_m)
        place = None if grid is None else grid.cell_of(self._place_m)
        if grid is None or place is None:
            return None
        # Twice the size: what leaves on one side does not come in on the other.
        shape = 2 * grid.shape[0], 2 * grid.shape[1]
        away = [np.minimum(np.arange(n), n - np.arange(n)) for n in shape]
        far = np.hypot(grid.step_m[1] * away[0][:, None], grid.step_m[0] * away[1])
        spectrum: Any = 0.0
        for kernel in self._kernels:
            pull = np.zeros(shape)
            np.add.at(pull, place, kernel.weight * kernel.pull)
            spectrum = spectrum + rfft2(pull) * rfft2(kernel.cross(far))
        field: Floats = irfft2(spectrum, s=shape)
        return field[: grid.shape[0], : grid.shape[1]].ravel()

    def shares(self, cells_m: Floats) -> tuple[Floats, Floats]:
        """What each measurement counts in each cell under the likeliest scales, [cell, row].

        And the standard deviation of the field, [cell] dB.
        """
        kernel = self._kernels[0]
        cross = kernel.cross(_distances(cells_m, self._place_m))
        share: Floats = cross @ kernel.field.inverse
        left = sum(kernel.variance_db2) - (share * cross).sum(axis=1)
        return share, np.sqrt(np.maximum(left, 0))


def _conditioned(
    choices: Sequence[tuple[float, float, float]],
    place_m: Floats,
    value_db: Floats,
    noise_db: Floats,
    extent_m: float,
) -> tuple[GaussianField, Floats]:
    """The field given measurements under each choice of scale, level and spatial dB, [choice].

    And their log evidence.
    """
    far = _distances(place_m, place_m)
    near = {scale: shadowing_correlation(far, scale * extent_m) for scale, *_ in choices}
    noise = np.diag(np.square(noise_db) + _JITTER)
    here = np.array([level**2 + s**2 * near[scale] + noise for scale, level, s in choices])
    given = condition(here, value_db)
    return given, given.log_likelihood - 0.5 * len(value_db) * np.log(2 * np.pi)


def kriging(cells_m: Floats, measured: Ints, value_db: Floats, noise_db: Floats) -> Field:
    """The field in every cell [cell, 2 or 3] m, of which the rows `measured` were measured."""
    if not len(value_db):
        return Field(np.zeros(len(cells_m)), np.full(len(cells_m), UNMEASURED_DB))
    return Kriging(cells_m[measured], value_db, noise_db, extent_m(cells_m)).at(cells_m)


def inverse_distance(
    cells_m: Floats, measured: Ints, value_db: Floats, power: float = 2.0
) -> Floats:
    """Inverse-distance weighting (Shepard 1968) of all measured cells, [cell] dB."""
    weight = np.maximum(_distances(cells_m, cells_m[measured]), 1e-3) ** -power
    found: Floats = (weight * value_db).sum(axis=1) / weight.sum(axis=1)
    return found


def extent_m(cells_m: Floats) -> float:
    """Diagonal of a map [m]."""
    return float(np.linalg.norm(np.ptp(cells_m[:, :2], axis=0))) or 1.0


def _distances(one_m: Floats, other_m: Floats) -> Floats:
    """Horizontal distance of every place from every other [m], [one, other]."""
    found: Floats = np.hypot(*(one_m[:, None, :2] - other_m[None, :, :2]).transpose(2, 0, 1))
    return found
