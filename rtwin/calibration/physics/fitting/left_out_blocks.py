"""Whether a fit of physics holds where nothing was measured: tried on blocks left out of it."""

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import FitSpec, block_of, default_block_m, folds
from rtwin.calibration.physics.fitting.fit import PhysicalFit, fit_physics
from rtwin.calibration.physics.fitting.loss import huber
from rtwin.calibration.physics.model import PhysicalModel

NUM_FOLDS = 3
_STARTS = 12
_LEAST_ROWS = 30  # below which blocks say too little, and the prior decides


def predicts_better(model: PhysicalModel, fit: PhysicalFit, spec: FitSpec, seed: int) -> bool:
    """Whether fitting brings left-out blocks nearer than the scene as it is drawn does.

    Args:
        model: The rows of the fit.
        fit: What was found in all of them.
        spec: Of the fit.
        seed: Of the blocks.
    Returns:
        False where the gain over the scene's own values, with offsets, is below its standard
        error over left-out blocks (Huber's loss).
    Source: cross-validation by blocks (Roberts et al., Ecography 40, 2017); checked by
    tests/calibration/physics/test_left_out_blocks.py.
    """
    data = model.data
    if len(data) < _LEAST_ROWS:
        return True
    side = default_block_m(data)
    fold = folds(data.position_m, side, NUM_FOLDS, seed)
    gain = np.zeros(len(data))
    start = np.zeros(len(fit.parameters))
    few = spec.model_copy(update={"starts": min(spec.starts, _STARTS), "refined": 1})
    for number in np.unique(fold):
        train, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if not len(train):
            continue
        known, there = model.take(train), model.take(held)
        # Not from the fit on: it has seen these blocks, and so chosen the valley.
        fitted = fit_physics(known, fit.parameters, few, seed)
        gain[held] = _errors(fit.at(start, known), there, spec) - _errors(fitted, there, spec)
    by_block = np.bincount(block_of(data.position_m, side), gain)
    return bool(by_block.sum() > np.sqrt((by_block**2).sum()))


def _errors(fit: PhysicalFit, model: PhysicalModel, spec: FitSpec) -> Floats:
    off = model.data.level_db - fit.level_db(model)
    off = np.where(model.data.censored, np.minimum(off, 0.0), off)
    return huber(off, spec.loss_scale_db)
