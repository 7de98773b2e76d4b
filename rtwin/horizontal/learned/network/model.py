"""The networks: worlds weighed, cells decoded; own layers on keras.ops.

    worlds, rows --score, explain away, score again--> chances of the worlds
    chances, cells --decode--> mean change, its spread, the chance that a cell changed

A decoder's mean is a mixture of the posterior mean and of kriging of what it
leaves; both shares start near what Library Bayes would do.

Importing this module needs Keras; the package does it late.
"""

from typing import Any

import numpy as np

from rtwin.horizontal.learned.network.backend import keras as _keras
from rtwin.horizontal.learned.network.cells import FIRST_SHARES, NUM_FIELDS
from rtwin.horizontal.learned.network.graph import SCALE_DB

keras = _keras()
ops, layers = keras.ops, keras.layers
Model: Any = keras.Model
UNITS = 32


def mlp(units: int, out: int) -> Any:
    return keras.Sequential([layers.Dense(units, activation="gelu"), layers.Dense(out)])


class HypothesisNetwork(Model):
    """Reasons over hypotheses.

    Args:
        rounds: Rounds of messages between worlds; 0 scores each by itself.
    """

    def __init__(self, rounds: int = 2, units: int = UNITS) -> None:
        super().__init__()
        self.rounds = rounds
        self.of_pair = mlp(units, units)
        self.of_world = mlp(2 * units, units)
        self.again = [mlp(2 * units, units) for _ in range(rounds)]
        self.of_rest = [mlp(units, units) for _ in range(rounds)]
        self.scores = [layers.Dense(1) for _ in range(rounds + 1)]
        self.decode = mlp(2 * units, 4)

    def call(self, inputs: Any) -> Any:
        """Inputs by name as of batch.py; a dictionary of outputs."""
        chance = self.chances(inputs)
        return {"chance": chance, **self.cells(inputs, chance)}

    def chances(self, inputs: Any) -> Any:
        """Chance of each world, [batch, world]."""
        row_mask = inputs["row_mask"][:, None, :, None]
        state = self.of_world(
            ops.concatenate(
                [inputs["world"], _pooled(self.of_pair(inputs["pair"]), row_mask)], axis=-1
            )
        )
        chance = self._chance(0, state, inputs)
        for k in range(self.rounds):
            mean = ops.einsum("bw,bwr->br", chance, inputs["change"]) / SCALE_DB
            rest = inputs["residual"] / SCALE_DB - mean
            change = inputs["change"] / SCALE_DB
            # What a world would explain of what the others leave.
            told = ops.stack(
                [
                    ops.broadcast_to(rest[:, None], ops.shape(change)),
                    rest[:, None] * change,
                    change - mean[:, None],
                ],
                axis=-1,
            )
            told = ops.concatenate([inputs["pair"], told], axis=-1)
            heard = _pooled(self.of_rest[k](told), row_mask)
            like = ops.matmul(inputs["alike"] * chance[:, None], state)
            world = ops.concatenate([state, heard, like, inputs["world"]], axis=-1)
            state = state + self.again[k](world)
            chance = self._chance(k + 1, state, inputs)
        return chance

    def _chance(self, k: int, state: Any, inputs: Any) -> Any:
        # The library's own posterior is where scores start from.
        prior = 10.0 * inputs["world"][..., 1]
        logit = self.scores[k](state)[..., 0] + prior
        return ops.softmax(logit - 1e9 * (1 - inputs["world_mask"]), axis=-1)

    def cells(self, inputs: Any, chance: Any) -> Any:
        """Mean [dB], log of the spread [10 dB], logit of a change, each [batch, cell]."""
        change = inputs["cell_change"]
        mean = ops.einsum("bw,bwc->bc", chance, change)
        square = ops.einsum("bw,bwc->bc", chance, ops.square(change))
        spread = ops.sqrt(ops.maximum(square - ops.square(mean), 1e-6))
        moves = ops.cast(ops.abs(change) > 1.0, change.dtype)
        moved = ops.einsum("bw,bwc->bc", chance, moves)
        left = inputs["residual"] - ops.einsum("bw,bwr->br", chance, inputs["change"])
        left = left * inputs["row_mask"]
        kriged = ops.einsum("bcr,br->bc", inputs["share"], left)
        before = ops.einsum("bcr,br->bc", inputs["share"], inputs["residual"] * inputs["row_mask"])
        count = ops.sum(inputs["row_mask"], axis=1) + 1e-6
        misfit = ops.sqrt(ops.sum(ops.square(left), axis=1) / count)
        entropy = -ops.sum(chance * ops.log(chance + 1e-9), axis=1)
        none = ops.sum(chance * inputs["world"][..., 4], axis=1)
        nothing = ops.sum(chance * inputs["world"][..., 3], axis=1)
        wide = [
            ops.broadcast_to(v[:, None], ops.shape(mean))
            for v in (misfit / SCALE_DB, entropy, none, nothing)
        ]
        told = [mean / SCALE_DB, spread / SCALE_DB, moved, kriged / SCALE_DB, before / SCALE_DB]
        told = ops.concatenate([ops.stack([*told, *wide], axis=-1), inputs["cell"]], axis=-1)
        out = self.decode(told)
        of_mean = 1.2 * ops.sigmoid(out[..., 0] + 1.5)
        of_field = 1.2 * ops.sigmoid(out[..., 1] - 1.0)
        return {
            "mean": of_mean * mean + of_field * kriged,
            "share": of_mean,
            "log_sigma": ops.clip(out[..., 2] - 1.0, -5.0, 2.0),
            "changed": out[..., 3] + 4.0 * moved - 2.0,
        }


class SummaryNetwork(Model):
    """Every cell by itself, from what the weighed worlds and the measurements say of it.

    Dense layers alone, which CellPredictor computes without Keras.
    """

    def __init__(self, units: int = 64) -> None:
        super().__init__()
        self.body = keras.Sequential([layers.Dense(units, activation="gelu") for _ in range(2)])
        self.head = layers.Dense(NUM_FIELDS + 3)

    def call(self, inputs: Any) -> Any:
        told = inputs["summary"]
        out = self.head(self.body(told[..., NUM_FIELDS:]))
        shares = 1.2 * ops.sigmoid(out[..., :NUM_FIELDS] + np.asarray(FIRST_SHARES, np.float32))
        mixed = ops.sum(shares * told[..., :NUM_FIELDS], axis=-1) + out[..., NUM_FIELDS]
        return {
            "mean": SCALE_DB * mixed,
            "log_sigma": ops.clip(out[..., NUM_FIELDS + 1] - 1.0, -5.0, 2.0),
            "changed": out[..., NUM_FIELDS + 2] - 2.0,
        }


class CellNetwork(Model):
    """Every cell by itself, from the fields that the library's covariance gives: a baseline."""

    def __init__(self, units: int = 128) -> None:
        super().__init__()
        self.body = keras.Sequential([layers.Dense(units, activation="gelu") for _ in range(3)])
        self.head = layers.Dense(4)

    def call(self, inputs: Any) -> Any:
        return _decoded(self.head(self.body(inputs["field"])), inputs)


class AttentionNetwork(Model):
    """Cells look at measured cells, by what the library says they have in common: a baseline."""

    def __init__(self, units: int = UNITS) -> None:
        super().__init__()
        self.pair, self.ask, self.weigh = mlp(units, units), layers.Dense(units), layers.Dense(4)
        self.say = layers.Dense(units)
        self.body, self.head = mlp(4 * units, 2 * units), layers.Dense(4)

    def call(self, inputs: Any) -> Any:
        pair = self.pair(inputs["link"])
        logit = self.weigh(ops.gelu(pair + self.ask(inputs["field"])[:, :, None]))
        logit -= 1e9 * (1 - inputs["row_mask"][:, None, :, None])
        weight = ops.softmax(logit, axis=2)
        said = self.say(pair)
        heard = [ops.sum(weight[..., k : k + 1] * said, axis=2) for k in range(4)]
        told = ops.concatenate([inputs["field"], *heard], axis=-1)
        return _decoded(self.head(ops.gelu(self.body(told))), inputs)


class RasterNetwork(Model):
    """A UNet over the same fields as a raster: a baseline."""

    def __init__(self, units: int = 20) -> None:
        super().__init__()
        self.down = [_block(units), _block(2 * units), _block(2 * units)]
        self.up = [_block(2 * units), _block(units)]
        self.head = layers.Dense(4)
        self.shrink, self.grow = layers.AveragePooling2D(2), layers.UpSampling2D()

    def call(self, inputs: Any) -> Any:
        shape = ops.shape(inputs["raster"])
        flat = ops.reshape(inputs["raster"], (shape[0], shape[1] * shape[2]))
        padded = ops.concatenate([inputs["field"], ops.zeros_like(inputs["field"][:, :1])], axis=1)
        field = ops.take_along_axis(padded, flat[..., None], axis=1)
        image = ops.reshape(field, (shape[0], shape[1], shape[2], field.shape[-1]))
        one = self.down[0](image)
        two = self.down[1](self.shrink(one))
        three = self.down[2](self.shrink(two))
        two = self.up[0](ops.concatenate([two, self.grow(three)], axis=-1))
        one = self.up[1](ops.concatenate([one, self.grow(two)], axis=-1))
        out = ops.reshape(self.head(one), (shape[0], shape[1] * shape[2], 4))
        return _decoded(ops.take_along_axis(out, inputs["pixel"][..., None], axis=1), inputs)


def _block(units: int) -> Any:
    return keras.Sequential(
        [layers.Conv2D(units, 3, padding="same", activation="gelu") for _ in range(2)]
    )


def _pooled(values: Any, mask: Any) -> Any:
    """Mean and maximum over the rows, [batch, world, 2 units]."""
    mean = ops.sum(values * mask, axis=2) / (ops.sum(mask, axis=2) + 1e-6)
    most = ops.max(values * mask - 1e3 * (1 - mask), axis=2)
    return ops.concatenate([mean, ops.maximum(most, -1e3)], axis=-1)


def _decoded(out: Any, inputs: Any) -> Any:
    """A baseline's outputs: shares of the two fields and a correction."""
    fields = SCALE_DB * inputs["field"][..., :2]
    mean = ops.sigmoid(out[..., 0] + 1.0) * fields[..., 0] + SCALE_DB * out[..., 1]
    return {
        "mean": mean,
        "log_sigma": ops.clip(out[..., 2] - 1.0, -5.0, 2.0),
        "changed": out[..., 3] - 2.0,
    }


def network(kind: str) -> Any:
    """An untrained network of a kind in KINDS."""
    return {
        "hypotheses": HypothesisNetwork,
        "no messages": lambda: HypothesisNetwork(rounds=0),
        "cells": SummaryNetwork,
        "mlp": CellNetwork,
        "attention": AttentionNetwork,
        "unet": RasterNetwork,
    }[kind]()
