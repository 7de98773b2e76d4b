"""Preserve or update: signals that say which cells changed, on the same cases."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.horizontal.decision import miss_threshold

MISS = 0.1  # share of changed cells that a threshold may miss, on new scenes


@dataclass
class Detection:
    """Signals of every judged cell, and whether it changed."""

    signals: dict[str, list[Floats]] = field(default_factory=dict)
    changed: list[Bools] = field(default_factory=list)
    scene: list[Floats] = field(default_factory=list)
    calibrating: list[Bools] = field(default_factory=list)

    def add(
        self, scene: int, is_calibration: bool, changed: Bools, signals: dict[str, Floats]
    ) -> None:
        """Cells of one case."""
        for name, values in signals.items():
            self.signals.setdefault(name, []).append(values)
        self.changed.append(changed)
        self.scene.append(np.full(len(changed), scene))
        self.calibrating.append(np.full(len(changed), is_calibration))

    def lines(self) -> Iterator[str]:
        """As a Markdown table: areas, and what a conformal threshold catches on test scenes."""
        yield "| signal | ROC area | average precision | recall | precision | updated |"
        yield "|---|---:|---:|---:|---:|---:|"
        changed, scene = np.concatenate(self.changed), np.concatenate(self.scene)
        fits = np.concatenate(self.calibrating)
        for name, parts in self.signals.items():
            signal = np.concatenate(parts)
            level = miss_threshold(signal[fits], changed[fits], scene[fits], MISS)
            test, truth = signal[~fits], changed[~fits]
            told = test >= level
            hit = (told & truth).sum()
            recall = hit / max(truth.sum(), 1)
            precision = hit / max(told.sum(), 1)
            area, average = roc_area(test, truth), average_precision(test, truth)
            yield (
                f"| {name} | {area:.3f} | {average:.3f} | {recall:.2f} | {precision:.2f} | "
                f"{told.mean():.2f} |"
            )


def roc_area(signal: Floats, truth: Bools) -> float:
    """Chance that a changed cell's signal is above an unchanged one's; ties count half."""
    _, place, count = np.unique(signal, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place.reshape(-1)]
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    above = rank[truth].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def average_precision(signal: Floats, truth: Bools) -> float:
    """Mean precision over the changed cells, from the strongest signal on."""
    order = np.argsort(-signal, kind="stable")
    hits = truth[order]
    precision = np.cumsum(hits) / (1 + np.arange(len(hits)))
    return float(precision[hits].mean()) if hits.any() else float("nan")
