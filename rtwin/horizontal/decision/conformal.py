"""Honest intervals and honest misses: split-conformal calibration by scene.

Cells of one scene are alike, scenes are exchangeable: what is promised holds
for a cell of a new scene, and each scene of calibration counts as one, however
many cells it has.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, ShapeError

EVERY = "every"  # the class of all edits together


def needed_scenes(level: float) -> int:
    """How many scenes of calibration a level needs for a finite interval.

    Source: (K + 1) (1 - level) >= 1; checked by tests/horizontal/decision/test_conformal.py.
    """
    _checked(level)
    return int(np.ceil(1 / (1 - level) - 1e-9)) - 1


def scene_quantile(score: ArrayLike, scene: ArrayLike, level: float) -> float:
    """Quantile of scores that a new scene's cell stays below with a chance of `level` or more.

    Every scene spreads the weight 1 / (K + 1) over its scores; the new scene's own
    lies at infinity. With one score per scene this is the usual order statistic.

    Args:
        score: [row]; larger is worse.
        scene: Scene of each score, [row].
        level: 0 to 1, without both.
    Returns:
        inf where there are fewer scenes than needed_scenes(level).
    Raises:
        OutOfRangeError, ShapeError: if the level or the shapes are impossible.
    Source: Lee, Barber and Willett (2023), "Distribution-free inference with hierarchical
    data", equation 5; checked by tests/horizontal/decision/test_conformal.py by simulation.
    """
    _checked(level)
    score, scene = np.asarray(score, np.float64), np.asarray(scene)
    if score.ndim != 1 or score.shape != scene.shape:
        raise ShapeError(f"score and scene have shapes {score.shape} and {scene.shape}; both [row]")
    _, number, count = np.unique(scene, return_inverse=True, return_counts=True)
    weight = 1.0 / ((len(count) + 1) * count[np.asarray(number).reshape(-1)])
    order = np.argsort(score, kind="stable")
    reached = np.cumsum(weight[order])
    # Sums of weights round; a hundred-millionth must not decide.
    place = int(np.searchsorted(reached, level - 1e-8))
    return float(score[order[place]]) if place < len(order) else float("inf")


@dataclass(frozen=True)
class ConformalScale:
    """By how much stated uncertainties are stretched so that intervals hold their level.

    Attributes:
        level: Of the intervals.
        scale: Half width of the interval over sigma, by class of edit and for EVERY.
        num_scenes: Scenes of calibration by class.
    """

    level: float
    scale: Mapping[str, float]
    num_scenes: Mapping[str, int]

    def of(self, edit_class: str) -> float:
        """Half width over sigma of a class; that of all where it has too few scenes."""
        found = self.scale.get(edit_class, float("inf"))
        return found if np.isfinite(found) else self.scale[EVERY]

    def half_width_db(self, sigma_db: ArrayLike, edit_class: str = EVERY) -> Floats:
        """Half width of the interval around each mean [dB]."""
        return self.of(edit_class) * np.asarray(sigma_db, np.float64)


def conformal_scale(
    error_db: ArrayLike,
    sigma_db: ArrayLike,
    scene: ArrayLike,
    edit_class: Sequence[Hashable] | ArrayLike,
    level: float = 0.9,
) -> ConformalScale:
    """Scales from the errors on scenes of calibration.

    Args:
        error_db: Error of the mean [dB], [row].
        sigma_db: Stated uncertainty [dB], above 0, [row].
        scene: Scene of each row, [row].
        edit_class: Class of the edit of each row, [row].
        level: Of the intervals.
    Raises:
        OutOfRangeError: if a sigma is not above 0 or the level is impossible.
    """
    sigma = np.asarray(sigma_db, np.float64)
    if not (sigma > 0).all():
        raise OutOfRangeError(f"sigma_db goes down to {sigma.min():g}; it must be above 0")
    score = np.abs(np.asarray(error_db, np.float64)) / sigma
    scene, label = np.asarray(scene), np.asarray(edit_class).astype(str)
    scale = {EVERY: scene_quantile(score, scene, level)}
    num = {EVERY: len(np.unique(scene))}
    for name in np.unique(label):
        rows = label == name
        scale[str(name)] = scene_quantile(score[rows], scene[rows], level)
        num[str(name)] = len(np.unique(scene[rows]))
    return ConformalScale(level, scale, num)


def miss_threshold(
    chance: ArrayLike, changed: ArrayLike, scene: ArrayLike, miss: float = 0.05
) -> float:
    """Chance of change from which on cells are updated, so that few changed ones are missed.

    The largest threshold for which a new scene's expected share of changed cells
    that stay below it is at most `miss`.

    Args:
        chance: Predicted chance of change, [row].
        changed: Whether the cell did change, [row].
        scene: Scene of each row, [row]; a scene without a change misses none.
        miss: Share of changed cells that may be missed.
    Returns:
        0 (everything is updated) where the scenes are too few for the promise.
    Source: Angelopoulos et al. (2022), "Conformal risk control", equation 4; checked by
    tests/horizontal/decision/test_conformal.py by simulation.
    """
    _checked(1 - miss)
    chance, scene = np.asarray(chance, np.float64), np.asarray(scene)
    is_changed = np.asarray(changed, bool)
    names, number = np.unique(scene, return_inverse=True)
    number = np.asarray(number).reshape(-1)
    total = np.bincount(number[is_changed], minlength=len(names))
    rows = np.flatnonzero(is_changed)
    order = rows[np.argsort(chance[rows], kind="stable")]
    # A threshold just above a row's chance misses it and all below it.
    lost = np.cumsum(1.0 / total[number[order]])
    bound = (lost + 1.0) / (len(names) + 1.0)
    first = int(np.searchsorted(bound, miss + 1e-9, side="right"))
    if (len(names) + 1.0) * miss < 1.0 - 1e-9:
        return 0.0
    return float(chance[order[first]]) if first < len(order) else 1.0


def _checked(level: float) -> None:
    if not 0 < level < 1:
        raise OutOfRangeError(f"level is {level}; it must lie between 0 and 1")
