"""The network: encode, pass messages, decode; own layers on keras.ops.

What a cell hears from an object is weighted by the power share that the object
brings to it, and the other way round: the edges are the stored paths. The output
is gate x (prior + correction) with a correction that starts at zero, so that an
untrained network gives half the prior.

Importing this module needs Keras; the package does it late.
"""

from typing import Any

from rtwin.horizontal.learned.network.backend import keras as _keras
from rtwin.horizontal.learned.network.graph import RASTER

keras = _keras()
ops, layers = keras.ops, keras.layers
Layer: Any = layers.Layer
Model: Any = keras.Model
HEADS = 4
MAX_BLOCKS = 512


def dense(units: int, **options: Any) -> Any:
    return layers.Dense(units, **options)


def mlp(units: int) -> Any:
    return keras.Sequential([dense(2 * units, activation="gelu"), dense(units)])


class Attention(Layer):
    """From measured cells to every cell, by what the two have in common.

    An empty seat takes the weight where no measurement says anything.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.pair = keras.Sequential(
            [dense(units, activation="gelu"), dense(units, activation="gelu")]
        )
        self.ask, self.weigh, self.say = dense(units), dense(HEADS), dense(units)

    def call(self, cell: Any, link: Any, value: Any, row_mask: Any) -> tuple[Any, Any]:
        pair = self.pair(link) + self.ask(cell)[:, :, None]
        logit = self.weigh(ops.gelu(pair)) - 1e9 * (1 - row_mask[:, None, :, None])
        empty = ops.zeros_like(logit[:, :, :1])
        weight = ops.softmax(ops.concatenate([empty, logit], axis=2), axis=2)[:, :, 1:]
        said = self.say(pair)
        shape = ops.shape(said)
        split = ops.reshape(said, (*shape[:3], HEADS, self.units // HEADS))
        heard = ops.reshape(
            ops.sum(weight[..., None] * split, axis=2), (shape[0], shape[1], self.units)
        )
        return heard, ops.sum(weight * value[:, None, :, None], axis=2)


class Exchange(Layer):
    """One round of messages between cells, objects, neighbours, blocks and the world."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.cell_norm, self.object_norm = layers.LayerNormalization(), layers.LayerNormalization()
        self.to_object = [dense(units) for _ in range(2)]
        self.to_cell = [dense(units) for _ in range(2)]
        self.near = dense(units, activation="gelu")
        self.update_cell, self.update_object = mlp(units), mlp(units)

    def call(
        self,
        cell: Any,
        objects: Any,
        world: Any,
        mask: Any,
        reflected: Any,
        passed: Any,
        neighbour: Any,
        block: Any,
    ) -> tuple[Any, Any]:
        x, y = self.cell_norm(cell), self.object_norm(objects)
        shape = ops.shape(x)
        mask, shares = mask[..., None], (reflected, passed)
        mean = ops.sum(x * mask, axis=1, keepdims=True) / (
            ops.sum(mask, axis=1, keepdims=True) + 1e-6
        )
        around = ops.concatenate([mean, world[:, None]], axis=-1)
        into = [y]
        for share, change in zip(shares, self.to_object, strict=True):
            carried = ops.matmul(ops.transpose(share, (0, 2, 1)), change(x) * mask)
            total = ops.sum(share, axis=1)[..., None]
            into.append(carried / (total + 1.0))
        into.append(_spread(around, y))
        objects = objects + self.update_object(ops.concatenate(into, axis=-1))
        y = self.object_norm(objects)
        heard = [x]
        for share, change in zip(shares, self.to_cell, strict=True):
            heard.append(ops.matmul(share, change(y)))
        flat = ops.concatenate([x * mask, mask], axis=-1)
        flat = ops.reshape(flat, (-1, shape[-1] + 1))
        near = ops.reshape(self.near(x), (-1, shape[-1]))
        gathered = ops.take(near, neighbour, axis=0)
        heard += [ops.mean(gathered, axis=2), ops.max(gathered, axis=2)]
        sums = ops.segment_sum(flat, block, num_segments=shape[0] * MAX_BLOCKS)
        means = sums[:, :-1] / ops.maximum(sums[:, -1:], 1.0)
        coarse = ops.take(means, block, axis=0)
        heard += [ops.reshape(coarse, shape), _spread(around, x)]
        return cell + self.update_cell(ops.concatenate(heard, axis=-1)), objects


class Alone(Layer):
    """What stands in for Exchange where there are no edges: each cell by itself."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm, self.update = layers.LayerNormalization(), mlp(units)

    def call(self, cell: Any, world: Any) -> Any:
        x = self.norm(cell)
        return cell + self.update(ops.concatenate([x, _spread(world[:, None], x)], axis=-1))


class Decoder(Layer):
    """From the state of a cell to what changed in it."""

    def __init__(self, units: int, follows: bool) -> None:
        super().__init__()
        self.norm, self.decode = layers.LayerNormalization(), dense(units, activation="gelu")
        self.correct = dense(3, kernel_initializer="zeros")
        self.judge = dense(4, kernel_initializer="zeros")
        self.follow = dense(1, kernel_initializer="zeros", use_bias=False) if follows else None

    def call(self, cell: Any, prior: Any, clear: Any, pulls: Any = None) -> dict[str, Any]:
        state = self.decode(self.norm(cell))
        correction = self.correct(state)
        if self.follow is not None:
            first = correction[..., :1] + self.follow(pulls)
            correction = ops.concatenate([first, correction[..., 1:]], axis=-1)
        said = self.judge(state)
        return {
            "delta": ops.sigmoid(said[..., :1]) * (prior + correction),
            "log_sigma": said[..., 1] - 1.5,
            "clear": said[..., 2] + 6 * clear - 3,
            "changed": said[..., 3],
            "state": state,
        }


class TwinNetwork(Model):
    """The network on the graph.

    Args:
        measured: Whether graphs come with measured cells (unknown change).
        units: Width.
        rounds: Rounds of messages.
    """

    def __init__(self, measured: bool, units: int = 32, rounds: int = 2) -> None:
        super().__init__()
        self.encode_cell, self.encode_world = mlp(units), mlp(units)
        self.encode_object = mlp(units)
        self.rounds = [Exchange(units) for _ in range(rounds)]
        self.attention = Attention(units) if measured else None
        self.merge = dense(units) if measured else None
        self.decoder = Decoder(units, measured)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Arrays of batch.batched to changes.

        Returns:
            `delta` [batch, cell, 3] scaled as graph.scaled, `log_sigma` [batch, cell] of
            the path gain, `changed` and `clear` [batch, cell], logits of a change of more
            than 1 dB and of line of sight, `state` [batch, cell, units].
        """
        world = self.encode_world(inputs["world"])
        cell, objects = self.encode_cell(inputs["cell"]), self.encode_object(inputs["object"])
        pulls = None
        if self.attention is not None and self.merge is not None:
            heard, pulls = self.attention(cell, inputs["link"], inputs["value"], inputs["row_mask"])
            cell = cell + self.merge(heard)
        mask, neighbour, block = _numbered(inputs)
        for exchange in self.rounds:
            cell, objects = exchange(
                cell, objects, world, mask, inputs["reflected"], inputs["passed"], neighbour, block
            )
        return self.decoder(cell, inputs["prior"], inputs["clear"], pulls)


class CellNetwork(Model):
    """The same without edges: every cell by itself. A baseline."""

    def __init__(self, units: int = 64, rounds: int = 4) -> None:
        super().__init__()
        self.encode_cell, self.encode_world = mlp(units), mlp(units)
        self.rounds = [Alone(units) for _ in range(rounds)]
        self.decoder = Decoder(units, False)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        world, cell = self.encode_world(inputs["world"]), self.encode_cell(inputs["cell"])
        for alone in self.rounds:
            cell = alone(cell, world)
        return self.decoder(cell, inputs["prior"], inputs["clear"])


class RasterNetwork(Model):
    """A UNet on the raster of the same cell features. A baseline."""

    def __init__(self, units: int = 16) -> None:
        super().__init__()
        self.down = [_convolutions(units * k) for k in (1, 2, 3)]
        self.up = [_convolutions(units * k) for k in (1, 2)]
        self.shrink, self.grow = layers.MaxPooling2D(), layers.UpSampling2D()
        self.merge, self.decoder = dense(2 * units), Decoder(2 * units, False)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        cell, mask = inputs["cell"], inputs["mask"][..., None]
        shape = ops.shape(cell)
        world = _spread(inputs["world"][:, None], cell)
        given = ops.concatenate([cell, world, ops.ones_like(mask)], axis=-1) * mask
        number = ops.arange(shape[0], dtype="int32")[:, None]
        pixel = ops.reshape(inputs["pixel"] + number * RASTER**2, (-1,))
        flat = ops.reshape(given, (-1, given.shape[-1]))
        image = ops.segment_sum(flat, pixel, num_segments=shape[0] * RASTER**2)
        x = ops.reshape(image, (shape[0], RASTER, RASTER, given.shape[-1]))
        kept = []
        for k, block in enumerate(self.down):
            x = block(self.shrink(x) if k else x)
            kept.append(x)
        for block, before in zip(self.up[::-1], kept[-2::-1], strict=True):
            x = block(ops.concatenate([self.grow(x), before], axis=-1))
        found = ops.take(ops.reshape(x, (-1, x.shape[-1])), pixel, axis=0)
        found = ops.reshape(found, (shape[0], shape[1], x.shape[-1]))
        state = self.merge(ops.concatenate([found, given], axis=-1))
        return self.decoder(state, inputs["prior"], inputs["clear"])


def _convolutions(units: int) -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(units, 3, padding="same", activation="gelu"),
            layers.Conv2D(units, 3, padding="same", activation="gelu"),
        ]
    )


def network(kind: str, task: str) -> Any:
    """A fresh network: `gnn`, `mlp` or `unet`, for a graph.Task."""
    if kind == "gnn":
        return TwinNetwork(task == "unknown")
    return CellNetwork() if kind == "mlp" else RasterNetwork()


class MaskedEncoder(Model):
    """Fills in what is hidden: the encoder that learns without labels of change."""

    def __init__(self, cell_features: int, units: int = 24, rounds: int = 2) -> None:
        super().__init__()
        self.encode_cell, self.encode_world = mlp(units), mlp(units)
        self.encode_object = mlp(units)
        self.rounds = [Exchange(units) for _ in range(rounds)]
        self.norm, self.fill = layers.LayerNormalization(), dense(cell_features)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        world = self.encode_world(inputs["world"])
        cell, objects = self.encode_cell(inputs["cell"]), self.encode_object(inputs["object"])
        mask, neighbour, block = _numbered(inputs)
        for exchange in self.rounds:
            cell, objects = exchange(
                cell, objects, world, mask, inputs["reflected"], inputs["passed"], neighbour, block
            )
        state = self.norm(cell)
        return {"state": state, "cell": self.fill(state)}


def _spread(one: Any, like: Any) -> Any:
    """A vector of the world at every node."""
    shape = ops.shape(like)
    return ops.broadcast_to(one, (shape[0], shape[1], one.shape[-1]))


def _numbered(inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Mask, neighbours and blocks of a batch, cells and blocks numbered through."""
    mask = inputs["mask"]
    shape = ops.shape(mask)
    number = ops.arange(shape[0], dtype="int32")[:, None]
    neighbour = inputs["neighbour"] + number[..., None] * shape[1]
    block = ops.reshape(inputs["block"] + number * MAX_BLOCKS, (-1,))
    return mask, neighbour, block
