"""What can be learned together: any model whose weights are one flat array.

Many stations learn at once: weights are [..., station, weight], and the gradient of each
station depends on its own rows alone. Anything with these four members fits, a network of
rtwin.horizontal as well as the forecasters here.
"""

from typing import Protocol

import numpy as np

from rtwin.arrays import Floats, Ints


class Model(Protocol):
    """Weights as flat arrays, for many stations at once."""

    @property
    def num_weights(self) -> int:
        """Length of a station's weights."""
        ...

    @property
    def rate(self) -> float:
        """Length of a descent's step that suits it."""
        ...

    def initial(self, seed: int) -> Floats:
        """Weights to start from, [weight]."""
        ...

    def predict(self, weights: Floats, x: Floats) -> Floats:
        """Predictions [..., station, row] of weights [..., station, weight].

        Args:
            weights: One set for each station; leading axes are further models of it.
            x: Inputs, [station, row, input].
        """
        ...

    def learn(
        self, weights: Floats, x: Floats, y: Floats, batches: Ints, rate: float, momentum: float
    ) -> Floats:
        """Weights after gradient descent with momentum, which starts at rest.

        Args:
            weights: As of predict; they stay as they are.
            x: Inputs, [station, row, input].
            y: What should come out, [station, row].
            batches: Rows of each step, [step, row of the batch].
            rate: Length of a step.
            momentum: Share of the last step that is taken again.
        """
        ...


class LinearModel:
    """A weighted sum of the inputs and a constant; loss is the mean squared error."""

    def __init__(self, num_inputs: int) -> None:
        self.num_inputs = num_inputs

    @property
    def num_weights(self) -> int:
        """One for each input, and the constant."""
        return self.num_inputs + 1

    @property
    def rate(self) -> float:
        """A third of FedDA's: with more, lively cells swing."""
        return 0.003

    def initial(self, seed: int) -> Floats:
        """Small random weights."""
        return 0.1 * np.random.default_rng([seed, 1]).standard_normal(self.num_weights)

    def predict(self, weights: Floats, x: Floats) -> Floats:
        """As of Model."""
        return (x @ weights[..., :-1, None])[..., 0] + weights[..., -1:]

    def learn(
        self, weights: Floats, x: Floats, y: Floats, batches: Ints, rate: float, momentum: float
    ) -> Floats:
        """As of Model."""
        weights = np.array(weights, np.float64)
        speed = np.zeros_like(weights)
        full = np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)
        for rows in batches:
            inputs = full[..., rows, :]
            off = (inputs @ weights[..., None])[..., 0] - y[..., rows]
            slope = 2.0 / len(rows) * (off[..., None, :] @ inputs)[..., 0, :]
            speed = momentum * speed - rate * slope
            weights = weights + speed
        return weights

    def pooled(self, x: Floats, y: Floats) -> Floats:
        """The least squares of all stations' rows together, [weight]."""
        flat = np.concatenate([x.reshape(-1, self.num_inputs), np.ones((y.size, 1))], axis=1)
        return np.asarray(np.linalg.lstsq(flat, y.ravel(), rcond=None)[0], np.float64)
