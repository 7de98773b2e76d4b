"""Weights of networks in files: NumPy arrays alone, nothing that runs code when it is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import StoreError
from rtwin.horizontal.learned.worlds import load_arrays, save_arrays


def save_weights(file: Path, weights: Sequence[Any], told: dict[str, Any]) -> None:
    """A network's weights in half precision, in the order that Keras lists them."""
    arrays = {f"w{k:03d}": w.astype(np.float16) for k, w in enumerate(weights)}
    save_arrays(file, arrays, told)


def load_weights(file: Path, shapes: Sequence[tuple[int | None, ...]]) -> list[Any]:
    """Weights that save_weights wrote, float32.

    Args:
        file: Where from.
        shapes: What they must have; None is any size.
    Raises:
        StoreError: if they are those of another network.
    """
    arrays, _ = load_arrays(file)
    found = [arrays[name].astype(np.float32) for name in sorted(arrays)]

    def fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
        same = len(shape) == len(wanted)
        return same and all(w in (None, s) for s, w in zip(shape, wanted, strict=True))

    if len(found) != len(shapes) or not all(
        fits(w.shape, shape) for w, shape in zip(found, shapes, strict=True)
    ):
        raise StoreError(f"{file}: holds the weights of another network; train it again")
    if not all(np.isfinite(w).all() for w in found):
        raise StoreError(f"{file}: holds weights that are not finite; train it again")
    return found


def save_checkpoint(file: Path, net: Any, optimizer: Any, best: list[Any], history: Any) -> None:
    """All that a training run needs to go on."""
    groups = {
        "net": net.get_weights(),
        "best": best,
        "optimizer": [np.asarray(v) for v in optimizer.variables],
    }
    arrays = {f"{group}{k:03d}": a for group, many in groups.items() for k, a in enumerate(many)}
    save_arrays(file, arrays, {"train": history.train_loss, "validation": history.validation_loss})


def load_checkpoint(
    file: Path, net: Any, optimizer: Any
) -> tuple[list[Any], list[float], list[float]]:
    """Set network and optimizer from save_checkpoint; best weights, training and validation losses.

    Raises:
        StoreError: if it is no checkpoint of this network.
    """
    arrays, told = load_arrays(file)
    groups = {
        group: [arrays[name] for name in sorted(arrays) if name.startswith(group)]
        for group in ("net", "best", "optimizer")
    }
    here = [tuple(w.shape) for w in net.weights], [tuple(v.shape) for v in optimizer.variables]
    there = [a.shape for a in groups["net"]], [a.shape for a in groups["optimizer"]]
    if there != here:
        raise StoreError(f"{file}: a checkpoint of another network; remove it to start afresh")
    net.set_weights(groups["net"])
    for variable, value in zip(optimizer.variables, groups["optimizer"], strict=True):
        variable.assign(value)
    return groups["best"], list(told["train"]), list(told["validation"])
