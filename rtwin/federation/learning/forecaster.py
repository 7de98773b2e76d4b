"""A small recurrent forecaster of many stations at once, on TensorFlow: the file with Keras.

Two LSTMs of 16 units read the last three hours and the same hour of the last three days;
a weighted sum of both is the forecast: 2,337 weights. All stations' weights lie in one
array, and every product has a station axis, so that a hundred stations are one call.
"""

import os
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.extras import needs
from rtwin.federation.traffic import CLOSE_H

UNITS = 16


class LstmModel:
    """The stacked forecaster; weights as of Keras, branch by branch, then the output."""

    def __init__(self, units: int = UNITS) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with needs("the LSTM forecaster needs TensorFlow", "'rtwin[horizontal]'"):
            import tensorflow
        self._tf: Any = tensorflow
        self.units = units
        # Compiled, an epoch takes a third of the time; every new shape costs seconds.
        self._epoch = tensorflow.function(self._descend, jit_compile=True)
        self._forward = tensorflow.function(self._predict, reduce_retracing=True)

    @property
    def rate(self) -> float:
        """Length of a step that suits it."""
        return 0.03

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the arrays in the weights, in their order."""
        branch: list[tuple[int, ...]] = [
            (1, 4 * self.units),
            (self.units, 4 * self.units),
            (4 * self.units,),
        ]
        return [*branch, *branch, (2 * self.units, 1), (1,)]

    @property
    def num_weights(self) -> int:
        """2,337 for 16 units."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def initial(self, seed: int) -> Floats:
        """As Keras starts them: Glorot, orthogonal, forget gates open."""
        rng = np.random.default_rng([seed, 3])
        parts = []
        for shape in self.shapes:
            if len(shape) == 1:
                bias = np.zeros(shape)
                if shape[0] == 4 * self.units:
                    bias[self.units : 2 * self.units] = 1.0
                parts.append(bias)
            elif shape == (self.units, 4 * self.units):
                parts.append(np.linalg.qr(rng.standard_normal(shape[::-1]))[0].T.ravel())
            else:
                limit = np.sqrt(6.0 / sum(shape))
                parts.append(rng.uniform(-limit, limit, shape).ravel())
        return np.concatenate(parts)

    def predict(self, weights: Floats, x: Floats) -> Floats:
        """As of Model."""
        lead = weights.shape[:-2]
        flat = weights.reshape(-1, *weights.shape[-2:])
        found = np.stack([self._forward(self._float(w), self._float(x)).numpy() for w in flat])
        return found.reshape(*lead, *found.shape[1:]).astype(np.float64)

    def learn(
        self, weights: Floats, x: Floats, y: Floats, batches: Ints, rate: float, momentum: float
    ) -> Floats:
        """As of Model."""
        lead = weights.shape[:-2]
        flat = weights.reshape(-1, *weights.shape[-2:])
        steps = self._tf.constant(batches, self._tf.int32)
        numbers = self._float(rate), self._float(momentum)
        found = [
            self._epoch(self._float(w), self._float(x), self._float(y), steps, *numbers).numpy()
            for w in flat
        ]
        return np.stack(found).reshape(*lead, *flat.shape[1:]).astype(np.float64)

    def _float(self, values: Any) -> Any:
        return self._tf.convert_to_tensor(np.asarray(values, np.float32))

    def _parts(self, weights: Any) -> list[Any]:
        """Kernel, recurrent kernel and bias of both branches together, then the output's."""
        tf, n = self._tf, self.units
        stations = tf.shape(weights)[0]
        branch = 4 * n + 4 * n * n + 4 * n
        both = tf.reshape(weights[:, : 2 * branch], (stations, 2, branch))
        return [
            both[:, :, None, : 4 * n],
            tf.reshape(both[:, :, 4 * n : 4 * n + 4 * n * n], (stations, 2, n, 4 * n)),
            both[:, :, None, -4 * n :],
            weights[:, 2 * branch : -1, None],
            weights[:, -1:],
        ]

    def _predict(self, weights: Any, x: Any) -> Any:
        """Both branches at once: hours and days are an axis [station, branch, row, unit]."""
        tf, n, steps = self._tf, self.units, len(CLOSE_H)
        kernel, recurrent, bias, out, constant = self._parts(weights)
        stations, rows = tf.shape(x)[0], tf.shape(x)[1]
        series = tf.transpose(tf.reshape(x, (stations, rows, 2, steps)), (0, 2, 1, 3))
        state = tf.zeros((stations, 2, rows, n))
        cell = state
        for step in range(steps):
            gates = series[..., step, None] * kernel + state @ recurrent + bias
            opened = tf.sigmoid(gates)
            cell = opened[..., n : 2 * n] * cell + opened[..., :n] * tf.tanh(
                gates[..., 2 * n : 3 * n]
            )
            state = opened[..., 3 * n :] * tf.tanh(cell)
        both = tf.reshape(tf.transpose(state, (0, 2, 1, 3)), (stations, rows, 2 * n))
        return (both @ out)[..., 0] + constant

    def _descend(self, weights: Any, x: Any, y: Any, batches: Any, rate: Any, momentum: Any) -> Any:
        tf = self._tf
        speed = tf.zeros_like(weights)
        for rows in batches:
            inputs, truth = tf.gather(x, rows, axis=1), tf.gather(y, rows, axis=1)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                off = self._predict(weights, inputs) - truth
                # The sum over stations keeps their gradients apart.
                loss = tf.reduce_sum(tf.reduce_mean(off**2, axis=1))
            speed = momentum * speed - rate * tape.gradient(loss, weights)
            weights = weights + speed
        return weights
