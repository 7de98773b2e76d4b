"""What a station does between two exchanges: some epochs over its own rows."""

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.learning.model import Model

MOMENTUM, BATCH = 0.9, 20


def learn_locally(
    model: Model,
    weights: Floats,
    x: Floats,
    y: Floats,
    rng: np.random.Generator,
    *,
    epochs: int = 1,
    rate: float | None = None,
    momentum: float = MOMENTUM,
    batch: int = BATCH,
) -> Floats:
    """Weights of all stations after some epochs over their own rows.

    Args:
        model: What learns.
        weights: [..., station, weight].
        x: Inputs, [station, row, input].
        y: What should come out, [station, row].
        rng: Draws the order of the rows, the same for all stations.
        epochs: How often each row is seen.
        rate: Length of a step; default: the model's own.
        momentum, batch: Of the descent.
    Returns:
        [..., station, weight]; the same weights if there are no rows.
    """
    rows = x.shape[-2]
    if rows == 0 or epochs == 0:
        return np.array(weights, np.float64)
    size = min(batch, rows)
    order = [rng.permutation(rows)[: rows - rows % size].reshape(-1, size) for _ in range(epochs)]
    return model.learn(
        weights, x, y, np.concatenate(order), model.rate if rate is None else rate, momentum
    )
