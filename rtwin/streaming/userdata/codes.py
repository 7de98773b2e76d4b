"""What a user's twin holds, in few numbers: principal components, an autoencoder, a transformer.

A window is what a decision is told of a user: ln of the bits of a block in each sampled row, the
taste, ln of the haste. A code keeps `width` numbers of it; what is decoded is decided on.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.extras import needs
from rtwin.streaming.decision import Knowledge

COMPONENTS, AUTOENCODER, TRANSFORMER = "principal components", "autoencoder", "transformer"
CODES = (COMPONENTS, AUTOENCODER, TRANSFORMER)
_LEAST_BITS = 1e2  # a block that carries less carries nothing
_EPOCHS, _BATCH = 60, 64


def window_of(known: Knowledge) -> Floats:
    """Windows of users, [user, row + type + 1]."""
    bits = np.log(np.maximum(known.bits, _LEAST_BITS))
    return np.concatenate([bits.T, known.taste, np.log(known.haste)[:, None]], axis=1)


def decoded(known: Knowledge, windows: Floats) -> Knowledge:
    """Knowledge with other windows; what has no channel has none still."""
    rows, types = len(known.bits), known.taste.shape[1]
    bits = np.exp(np.clip(windows[:, :rows].T, np.log(_LEAST_BITS), 20.0))
    taste = np.maximum(windows[:, rows : rows + types], 1e-4)
    return replace(
        known,
        bits=np.where(known.bits > 0, bits, 0.0),
        taste=taste / taste.sum(axis=1, keepdims=True),
        haste=np.exp(np.clip(windows[:, -1], np.log(0.05), np.log(20.0))),
    )


@dataclass(frozen=True, eq=False)
class Code:
    """A code that was fitted to windows.

    Attributes:
        name: One of CODES.
        width: Numbers that are kept.
        mean, scale: Of windows, taken off and divided by, [column].
        through: Encodes and decodes scaled windows.
        weights: Numbers of the model.
    """

    name: str
    width: int
    mean: Floats
    scale: Floats
    through: Callable[[Floats], Floats]
    weights: int

    def apply(self, windows: Floats) -> Floats:
        """Windows as they are decoded, same shape."""
        scaled = (windows - self.mean) / self.scale
        return np.asarray(self.through(scaled) * self.scale + self.mean, np.float64)

    def error(self, windows: Floats) -> float:
        """Root-mean-square error over the spread of windows: 1 keeps nothing."""
        miss = (self.apply(windows) - windows) / self.scale
        spread = (windows - self.mean) / self.scale
        return float(np.sqrt((miss**2).sum() / (spread**2).sum()))


def fit_code(name: str, windows: Floats, width: int, num_types: int, seed: int = 0) -> Code:
    """Fit a code of some width.

    Args:
        name: One of CODES.
        windows: What is to be kept, [window, column].
        width: Numbers that are kept.
        num_types: Columns of taste in a window; the last column is the haste.
        seed: Of weights and batches.
    Raises:
        OutOfRangeError: if there is no such code or width.
        MissingExtraError: if Keras is needed and not installed.
    Checked by tests/streaming/userdata/test_codes.py.
    """
    columns = windows.shape[1]
    if name not in CODES or not 1 <= width <= min(windows.shape):
        raise OutOfRangeError(
            f"code is {name!r} of width {width}; there are {', '.join(CODES)}, widths 1 to "
            f"{min(windows.shape)}"
        )
    mean = windows.mean(axis=0)
    rows = columns - num_types - 1
    scale = np.empty(columns)
    # Channel, taste and haste weigh alike, however many columns each has.
    for part in (slice(0, rows), slice(rows, columns - 1), slice(columns - 1, columns)):
        scale[part] = max(float(np.sqrt(windows[:, part].var(axis=0).sum())), 1e-9)
    scaled = (windows - mean) / scale
    if name == COMPONENTS:
        _, _, loads = np.linalg.svd(scaled, full_matrices=False)
        kept = loads[:width]
        return Code(name, width, mean, scale, lambda x: x @ kept.T @ kept, kept.size)
    keras = _keras()
    keras.utils.set_random_seed(seed)
    make = _autoencoder if name == AUTOENCODER else _transformer
    model = make(keras, rows, columns, width)
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    target = scaled.astype(np.float32)
    model.fit(target, target, epochs=_EPOCHS, batch_size=_BATCH, verbose=0)

    def through(x: Floats) -> Floats:
        return np.asarray(model(x.astype(np.float32)), np.float64)

    return Code(name, width, mean, scale, through, int(model.count_params()))


def _keras() -> Any:
    """Keras; a study has traced before, since the engine may crash where TensorFlow was first."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with needs("autoencoders need Keras", "'rtwin[horizontal]'"):
        import keras
    return keras


def _decoder(keras: Any, code: Any, columns: int) -> Any:
    hidden = keras.layers.Dense(16, activation="gelu")(code)
    return keras.layers.Dense(columns)(hidden)


def _autoencoder(keras: Any, rows: int, columns: int, width: int) -> Any:
    window = keras.Input((columns,))
    hidden = keras.layers.Dense(16, activation="gelu")(window)
    code = keras.layers.Dense(width)(hidden)
    return keras.Model(window, _decoder(keras, code, columns))


def _transformer(keras: Any, rows: int, columns: int, width: int) -> Any:
    """One layer: every row of the channel is a token that also holds taste and haste."""
    layers = keras.layers
    window = keras.Input((columns,))
    channel = layers.Reshape((rows, 1))(window[:, :rows])
    still = layers.RepeatVector(rows)(window[:, rows:])
    tokens = layers.Dense(16)(layers.Concatenate()([channel, still]))
    place = layers.Embedding(rows, 16)(np.arange(rows))
    tokens = tokens + place
    seen = layers.MultiHeadAttention(2, 8)(tokens, tokens)
    tokens = layers.LayerNormalization()(tokens + seen)
    tokens = layers.LayerNormalization()(tokens + layers.Dense(16, activation="gelu")(tokens))
    code = layers.Dense(width)(layers.Flatten()(tokens))
    return keras.Model(window, _decoder(keras, code, columns))
