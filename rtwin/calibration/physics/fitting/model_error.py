"""What a fit makes of physics that the scene lacks: residuals that neighbours share.

Noise is new in every row; what is missing in the map (a wall, a tree, one more reflection)
shifts whole streets. A fit that takes such rows for independent is sure of things that it
cannot know, so that its likelihood counts as many rows as are worth independent ones.
"""

import numpy as np

from rtwin.arrays import Floats, Ints

_CLIP = 2.5  # robust standard deviations
_LENGTHS = 12
_TOLD = 3.0  # standard deviations from which neighbours are alike, not by chance
_MOST_ALIKE = 0.95


def independent_share(position_m: Floats, residual: Floats, group: Ints) -> float:
    """Independent rows that some rows are worth, over their number, in (0, 1].

    The correlation c exp(-distance / length) of the residuals within each group is fitted
    to their products; rows of different groups count as independent.

    Args:
        position_m: Where they were measured, [row, 2 or more].
        residual: What a model leaves over, [row].
        group: Who sent it, [row].
    Source: design effect of correlated samples (Kish, 1965; for likelihoods Pauli, Racugno
    and Ventura, 2011); checked by tests/calibration/physics/test_model_error.py.
    """
    distance, product = _pairs(position_m, _standardised(residual), group)
    if len(distance) < 2 or not np.any(distance > 0):
        return 1.0
    near, far = np.quantile(distance[distance > 0], [0.002, 0.3])
    best = (0.0, 0.0, 1.0)  # score, correlation, length
    for length in np.geomspace(near, max(far, near), _LENGTHS):
        weight = np.exp(-distance / length)
        size = np.sqrt(weight @ weight)
        score = float(weight @ product / size)
        best = max(best, (score, float(min(score / size, _MOST_ALIKE)), float(length)))
    score, alike, length = best
    if score < _TOLD:
        return 1.0
    return float(1.0 / (1.0 + 2.0 * alike * np.exp(-distance / length).sum() / len(residual)))


def _standardised(residual: Floats) -> Floats:
    scale = 1.4826 * float(np.median(np.abs(residual)))
    clipped = np.clip(residual / max(scale, 1e-9), -_CLIP, _CLIP)
    return clipped / max(float(np.sqrt(np.mean(clipped**2))), 1e-9)


def _pairs(position_m: Floats, values: Floats, group: Ints) -> tuple[Floats, Floats]:
    """Distance [m] and product of each pair of rows of one group, [pair] each."""
    distances, products = [np.zeros(0)], [np.zeros(0)]
    for name in np.unique(group):
        own = np.flatnonzero(group == name)
        one, other = np.triu_indices(len(own), 1)
        place = position_m[own, :2]
        distances.append(np.linalg.norm(place[one] - place[other], axis=1))
        products.append(values[own][one] * values[own][other])
    return np.concatenate(distances), np.concatenate(products)
