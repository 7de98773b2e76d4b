"""Fields of residuals from few measured cells, by the bare rules that the network must beat.

All are exact Gaussian conditionals or weighted means in NumPy, fast enough to be
inputs of the network on every draw. Kriging knows places alone; path kriging
lets cells be correlated as well that are fed through the same objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from rtwin.channel import GaussianField, condition, shadowing_correlation
from rtwin.horizontal.levels import Floats, Rows

# Candidates of the marginal likelihood: scales relative to the diagonal of the map, dB.
_LENGTHS = (0.03, 0.08, 0.2, 0.5)
_SPATIAL_DB = (0.3, 1.0, 3.0, 8.0, 16.0)
_LEVEL_DB = (0.0, 1.0, 5.0)
_SHARE_DB = (0.0, 2.0, 8.0)
_JITTER = 1e-6
_MAX_LIKELY = 4
# What a surface may mirror or pass more or less than before [dB].
_FACTORS_DB = (-30.0, -15.0, -8.0, -4.0, -2.0, 2.0, 4.0, 8.0, 15.0)
_SHIFTS_DB = (-8.0, -6.0, -4.0, -2.0, 2.0, 4.0, 6.0, 8.0)
_NOTHING, _LEVEL = 0.4, 0.1  # prior chances
_MODEL_ERROR = 0.3  # of a predicted change
_OUTLIER, _OUTLIER_DB = 0.1, 12.0


@dataclass(frozen=True, eq=False)
class Field:
    """Mean and standard deviation in every cell [dB], [cell] each."""

    mean_db: Floats
    sd_db: Floats


def kriging(cells_m: Floats, measured: Rows, value_db: Floats, noise_db: Floats) -> Field:
    """Ordinary kriging with the exponential covariance of shadow fading.

    Its scale, its variance and the variance of its level are averaged over a
    grid by their marginal likelihood, level 0 included.

    Args:
        cells_m: [cell, 2 or 3] m.
        measured: Rows of the measured cells, [row].
        value_db: Residual of each [dB], [row].
        noise_db: Its standard deviation [dB], [row].
    Source: Gudmundson 1991 for the covariance; checked by
        tests/horizontal/learned/network/test_interpolation.py against
        scikit-learn's Gaussian process.
    """
    far = distances(cells_m, measured)
    extent = _extent(cells_m)
    near = [shadowing_correlation(far, scale * extent) for scale in _LENGTHS]
    here = [k[measured] for k in near]
    count = len(measured)
    ones, everywhere = np.ones((count, count)), np.ones_like(far)
    parts = [
        ([ones, here[k]], [everywhere, near[k]], np.square([level, spatial]))
        for k, level, spatial in product(range(len(near)), _LEVEL_DB, _SPATIAL_DB)
    ]
    return _averaged(parts, value_db, noise_db, len(cells_m))


def path_kriging(
    cells_m: Floats,
    shares: Sequence[Floats],
    measured: Rows,
    value_db: Floats,
    noise_db: Floats,
) -> Field:
    """Kriging whose covariance also holds the power shares through common objects.

    A changed surface moves the cells that it feeds, near or far, each by its share.

    Args:
        cells_m: [cell, 2 or 3] m.
        shares: Matrices of shares [cell, object], each with a variance of its own.
        measured: Rows of the measured cells, [row].
        value_db: Residual of each [dB], [row].
        noise_db: Its standard deviation [dB], [row].
    """
    far = distances(cells_m, measured)
    extent = _extent(cells_m)
    near = [shadowing_correlation(far, scale * extent) for scale in _LENGTHS[1:3]]
    common = [share @ share[measured].T for share in shares]
    everywhere = np.ones_like(far)
    parts = []
    choices: Any = product(
        range(len(near)), _SPATIAL_DB[1:4], _LEVEL_DB[::2], *([_SHARE_DB] * len(common))
    )
    for k, spatial, level, *sizes in choices:
        cross = [everywhere, near[k], *common]
        parts.append(([c[measured] for c in cross], cross, np.square([level, spatial, *sizes])))
    own = np.stack([np.einsum("co,co->c", share, share) for share in shares], axis=-1)
    return _averaged(parts, value_db, noise_db, len(cells_m), own)


def explained(
    shares: Sequence[Floats], measured: Rows, value_db: Floats, noise_db: Floats
) -> Field:
    """The mean over explanations: nothing, a level, or one object that mirrors or passes anew.

    An object whose share of a cell's power is s and whose power becomes g times
    what it was changes the cell by 10 log10(1 - s + s g): the stored paths say at
    once, for every cell, what such a change does. Explanations are weighted by
    prior and likelihood; single measurements may be beside all of them.

    Args:
        shares: Matrices of shares [cell, object], one for each kind of change.
        measured: Rows of the measured cells, [row].
        value_db: Residual of each [dB], [row].
        noise_db: Its standard deviation [dB], [row].
    """
    count = len(shares[0])
    stacked = np.concatenate([np.clip(share, 0, 1) for share in shares], axis=1)
    # Objects that no measured cell hears are not told apart from nothing.
    heard = stacked[measured].max(axis=0, initial=0) > 0.02
    stacked = stacked[:, heard]
    factors = 10 ** (np.array(_FACTORS_DB) / 10)
    seen = 10 * np.log10(1 - stacked[measured][..., None] * (1 - factors) + 1e-9)
    guesses = [
        np.zeros((len(measured), 1)),
        np.tile(_SHIFTS_DB, (len(measured), 1)),
        seen.reshape(len(measured), -1),
    ]
    prior = np.concatenate(
        [
            [_NOTHING],
            np.full(len(_SHIFTS_DB), _LEVEL / len(_SHIFTS_DB)),
            np.full(
                seen[0].size,
                (1 - _NOTHING - _LEVEL)
                / max(len(factors) * sum(share.shape[1] for share in shares), 1),
            ),
        ]
    )
    guess = np.concatenate(guesses, axis=1)
    variance = np.square(noise_db)[:, None] + np.square(_MODEL_ERROR * guess)
    off = np.square(value_db[:, None] - guess)
    near = (1 - _OUTLIER) * np.exp(-0.5 * off / variance) / np.sqrt(variance)
    wide = variance + _OUTLIER_DB**2
    beside = _OUTLIER * np.exp(-0.5 * off / wide) / np.sqrt(wide)
    log_weight = np.log(prior) + np.log(near + beside + 1e-300).sum(axis=0)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    shifts = weight[1 : 1 + len(_SHIFTS_DB)]
    mean = np.full(count, shifts @ np.array(_SHIFTS_DB))
    second = np.full(count, shifts @ np.square(_SHIFTS_DB))
    of_object = weight[1 + len(_SHIFTS_DB) :].reshape(-1, len(factors))
    for row, k in zip(*np.nonzero(of_object > 1e-3), strict=True):
        change = 10 * np.log10(1 - stacked[:, row] * (1 - factors[k]) + 1e-9)
        mean += of_object[row, k] * change
        second += of_object[row, k] * change**2
    return Field(mean, np.sqrt(np.maximum(second - mean**2, 0)))


def inverse_distance(
    cells_m: Floats, measured: Rows, value_db: Floats, power: float = 2.0
) -> Floats:
    """Inverse-distance weighting (Shepard 1968) of all measured cells, [cell] dB."""
    weight = np.maximum(distances(cells_m, measured), 1e-3) ** -power
    return (weight * value_db).sum(axis=1) / weight.sum(axis=1)


def nearest(cells_m: Floats, measured: Rows, value_db: Floats, neighbours: int = 4) -> Floats:
    """Mean of the nearest measured cells, [cell] dB."""
    far = distances(cells_m, measured)
    order = np.argsort(far, axis=1)[:, : min(neighbours, len(measured))]
    return value_db[order].mean(axis=1)


def distances(cells_m: Floats, measured: Rows) -> Floats:
    """Horizontal distance of every cell from every measured one [m], [cell, row]."""
    xy = cells_m[:, :2]
    return np.hypot(*(xy[:, None] - xy[measured][None]).transpose(2, 0, 1))


def _extent(cells_m: Floats) -> float:
    return float(np.linalg.norm(np.ptp(cells_m[:, :2], axis=0))) or 1.0


def _averaged(
    parts: list[tuple[list[Floats], list[Floats], Floats]],
    value_db: Floats,
    noise_db: Floats,
    count: int,
    own: Floats | None = None,
) -> Field:
    """Mean and spread of Gaussian conditionals, weighted by their marginal likelihood."""
    if not len(value_db):
        return Field(np.zeros(count), np.full(count, _SPATIAL_DB[2]))
    here = np.array([sum(v * m for v, m in zip(var, at, strict=True)) for at, _, var in parts])
    here += np.diag(np.square(noise_db) + _JITTER)
    given = condition(here, value_db)
    evidence = given.log_likelihood
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    mean, second = np.zeros(count), np.zeros(count)
    # Those that hardly count are left out.
    likely = np.argsort(-weight, kind="stable")[:_MAX_LIKELY]
    for k in likely:
        _, cross, variance = parts[k]
        mixed = sum(v * m for v, m in zip(variance, cross, strict=True))
        assert isinstance(mixed, np.ndarray)
        before = variance[:2].sum() + (0.0 if own is None else own @ variance[2:])
        center, spread = GaussianField(given.lower[k], given.white[k]).predict(mixed, before)
        mean += weight[k] * center
        second += weight[k] * (spread + center**2)
    total = weight[likely].sum()
    mean, second = mean / total, second / total
    return Field(mean, np.sqrt(np.maximum(second - mean**2, 0)))
