"""Preserve or update, by four signals: the supervised gate, embeddings, a prior, distance."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.learned.network import Encoder, Predictor, is_changed, judged, known_graph
from rtwin.horizontal.learned.pairs import Pair, ScenePairs

GATE, EMBEDDING = "supervised gate", "embedding drift"


class Detection:
    """Collects what each signal says of the cells of known edits.

    Args:
        gate: The network.
        encoder: The encoder that learned without labels of change.
    """

    def __init__(self, gate: Predictor, encoder: Encoder) -> None:
        self._gate, self._encoder = gate, encoder
        self._changed: list[NDArray[np.bool_]] = []
        self._signals: dict[str, list[NDArray[np.float64]]] = {}

    def add(self, scene: ScenePairs, pair: Pair) -> None:
        on = judged(scene, pair)
        # An edit of the transmitter is near to every cell.
        near = pair.geometry[:, 6:8].min(axis=1)
        near = np.where(near > 199, 0.0, near)
        signals = {
            GATE: self._gate(scene, known_graph(scene, pair)).chance,
            EMBEDDING: self._encoder.drift(scene, pair),
            "change by stored paths": np.abs(pair.prior - scene.stale)[:, 0],
            "distance to the edit": -near,
        }
        self._changed.append(is_changed(scene, pair)[on])
        for name, values in signals.items():
            self._signals.setdefault(name, []).append(np.asarray(values, np.float64)[on])

    def lines(self) -> Iterator[str]:
        """A Markdown table: areas under the curves, and each mode at its own threshold."""
        from sklearn.metrics import average_precision_score, roc_auc_score

        changed = np.concatenate(self._changed)
        limits = {
            GATE: self._gate.threshold,
            EMBEDDING: self._encoder.threshold,
            "change by stored paths": 1.0,
        }
        yield "| signal | ROC area | average precision | recall | precision | updated |"
        yield "|---|---:|---:|---:|---:|---:|"
        for name, values in self._signals.items():
            score = np.concatenate(values)
            areas = roc_auc_score(changed, score), average_precision_score(changed, score)
            cells = [f"{a:.3f}" for a in areas]
            if name in limits:
                said = score > limits[name]
                hits = float((said & changed).sum())
                cells += [
                    f"{hits / max(changed.sum(), 1):.2f}",
                    f"{hits / max(said.sum(), 1):.2f}",
                    f"{said.mean():.2f}",
                ]
            else:
                cells += ["-"] * 3
            yield f"| {name} | " + " | ".join(cells) + " |"
