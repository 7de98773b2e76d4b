"""Whether a fit of physics holds where nobody measured: asked of blocks that it did not see."""

import numpy as np

from rtwin.calibration.campaign import FitSpec, default_block_m, folds
from rtwin.calibration.physics.fit import PhysicalFit
from rtwin.calibration.physics.loss import Problem
from rtwin.calibration.physics.path_model import PhysicalModel

NUM_FOLDS = 3
_LEAST_ROWS = 30  # below which nobody can tell, and the prior decides


def predicts_better(model: PhysicalModel, fit: PhysicalFit, spec: FitSpec, seed: int) -> bool:
    """Whether fitting brings left-out blocks nearer than the scene as it is drawn does.

    Args:
        model: The rows of the fit.
        fit: What was found; folds search around it.
        spec: Of the fit.
        seed: Of the blocks.
    Returns:
        False where the scene's own values, with offsets, leave smaller errors (Huber's)
        over all left-out blocks.
    Source: cross-validation by blocks (Roberts et al., Ecography 40, 2017); checked by
    tests/calibration/physics/test_left_out_blocks.py.
    """
    data = model.data
    if len(data) < _LEAST_ROWS:
        return True
    fold = folds(data.position_m, default_block_m(data), NUM_FOLDS, seed)
    start = np.zeros(len(fit.parameters))
    fitted = drawn = 0.0
    for number in np.unique(fold):
        train, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if not len(train) or not len(held):
            continue
        known = model.take(train)
        problem = Problem(known, fit.parameters, spec)
        problem.adopt_noise(fit.z)
        there = model.take(held)
        fitted += _error(fit.at(problem.descend(fit.z)[0], known), there, spec)
        drawn += _error(fit.at(start, known), there, spec)
    return fitted <= drawn


def _error(fit: PhysicalFit, model: PhysicalModel, spec: FitSpec) -> float:
    off = model.data.level_db - fit.level_db(model)
    off = np.where(model.data.censored, np.minimum(off, 0.0), off)
    size, edge = np.abs(off), spec.loss_scale_db
    return float(np.where(size <= edge, off**2, 2 * edge * size - edge**2).sum())
