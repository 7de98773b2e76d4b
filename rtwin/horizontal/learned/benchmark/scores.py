"""What a map after an update is judged by, summed so that scenes can be resampled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.learned.network import CHANGED_DB, is_changed, judged
from rtwin.horizontal.learned.pairs import Pair, ScenePairs
from rtwin.horizontal.levels import Floats

DELAY_NS, ANGLE_DEG = 10.0, 5.0  # spreads that move by more have changed
RESAMPLES = 1000
_SUMS = (
    "pairs",
    "cells",
    "squares",
    "changed",
    "changed_squares",
    "still",
    "still_squares",
    "hits",
    "false",
    "missed",
    "kept",
    "inside",
    "intervals",
    "changed_inside",
    "changed_intervals",
    "delay",
    "delay_squares",
    "angle",
    "angle_squares",
    "clear_hits",
    "clear_false",
    "clear_missed",
    "seconds",
    "traced_seconds",
)


@dataclass(frozen=True, eq=False)
class Update:
    """One way's map of a pair."""

    statistics: Floats  # [cell, 4], observed.STATISTICS
    seconds: float  # of processor time
    half_width_db: Floats | None = None  # [cell], of the 90 % interval


def sums_of(scene: ScenePairs, pair: Pair, update: Update) -> Floats:
    """The sums of one pair, in the order of _SUMS."""
    on = judged(scene, pair)
    truth, stale = np.asarray(pair.truth, np.float64), np.asarray(scene.stale, np.float64)
    new = update.statistics
    changed = on & is_changed(scene, pair)
    still = on & ~changed
    off = np.square(new[:, 0] - truth[:, 0])
    said = np.abs(new[:, 0] - stale[:, 0]) > CHANGED_DB
    kept = (np.asarray(new, np.float32) == np.asarray(stale, np.float32)).all(axis=1)
    delay = on & (np.abs(truth[:, 1] - stale[:, 1]) * 1e9 > DELAY_NS)
    angle = on & (np.abs(truth[:, 2] - stale[:, 2]) > np.radians(ANGLE_DEG))
    flips, says = on & (truth[:, 3] != stale[:, 3]), on & (new[:, 3] != stale[:, 3])
    width = update.half_width_db
    inside = np.zeros(len(on), bool) if width is None else np.sqrt(off) <= width
    has = int(width is not None)
    values = {
        "pairs": 1,
        "cells": on.sum(),
        "squares": off[on].sum(),
        "changed": changed.sum(),
        "changed_squares": off[changed].sum(),
        "still": still.sum(),
        "still_squares": off[still].sum(),
        "hits": (said & changed).sum(),
        "false": (said & still).sum(),
        "missed": (~said & changed).sum(),
        "kept": (kept & on).sum(),
        "inside": (inside & on).sum(),
        "intervals": has * on.sum(),
        "changed_inside": (inside & changed).sum(),
        "changed_intervals": has * changed.sum(),
        "delay": delay.sum(),
        "delay_squares": np.square(new[delay, 1] - truth[delay, 1]).sum(),
        "angle": angle.sum(),
        "angle_squares": np.square(new[angle, 2] - truth[angle, 2]).sum(),
        "clear_hits": (flips & says).sum(),
        "clear_false": (says & ~flips).sum(),
        "clear_missed": (flips & ~says).sum(),
        "seconds": update.seconds,
        "traced_seconds": pair.seconds["full"],
    }
    return np.array([float(values[name]) for name in _SUMS])


class Scores:
    """Sums by way, class of edit and scene."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str], Floats] = {}

    def add(self, way: str, scene: ScenePairs, pair: Pair, update: Update) -> None:
        key = way, pair.kind, scene.name
        self._sums[key] = self._sums.get(key, 0.0) + sums_of(scene, pair, update)

    @property
    def ways(self) -> list[str]:
        return list(dict.fromkeys(way for way, _, _ in self._sums))

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(kind for _, kind, _ in self._sums))

    @property
    def scenes(self) -> list[str]:
        return list(dict.fromkeys(scene for _, _, scene in self._sums))

    def by_scene(self, way: str, kinds: Iterable[str] | None = None) -> Floats:
        """Sums of a way, [scene, sum], of some classes or of all."""
        wanted = set(self.kinds if kinds is None else kinds)
        none = np.zeros(len(_SUMS))
        return np.stack(
            [
                sum(
                    (
                        v
                        for (w, k, s), v in self._sums.items()
                        if w == way and s == scene and k in wanted
                    ),
                    none,
                )
                for scene in self.scenes
            ]
        )

    def figures(self, way: str, kinds: Iterable[str] | None = None) -> dict[str, float]:
        """The figures of a way, see figures_of."""
        return figures_of(self.by_scene(way, kinds).sum(axis=0))

    def ratio(
        self, way: str, over: str, figure: str, kinds: Iterable[str] | None = None, seed: int = 0
    ) -> tuple[float, float, float]:
        """Ratio of a figure of two ways, and its 90 % interval by resampling scenes."""
        kinds = list(self.kinds if kinds is None else kinds)
        ours, theirs = self.by_scene(way, kinds), self.by_scene(over, kinds)
        rng = np.random.default_rng(seed)
        draws = rng.integers(len(ours), size=(RESAMPLES, len(ours)))

        def of(rows: NDArray[np.int64]) -> float:
            above = figures_of(ours[rows].sum(axis=0))[figure]
            below = figures_of(theirs[rows].sum(axis=0))[figure]
            return above / below if below else np.nan

        low, high = np.nanquantile([of(rows) for rows in draws], [0.05, 0.95])
        return of(np.arange(len(ours))), float(low), float(high)


def figures_of(sums: Floats) -> dict[str, float]:
    """Figures from sums; NaN where nothing was counted.

    Returns:
        `rmse_db` of all judged cells, `changed_db` and `still_db` of those that moved by
        more than 1 dB and of the others, `recall` and `precision` of saying so, `kept`
        (share with the bits of the map before), `coverage` and `changed_coverage` of the
        90 % intervals, `delay_ns` and `angle_deg` (RMSE where the spread changed by more
        than 10 ns or 5 deg), `clear_f1` of changes of line of sight, `seconds` of processor
        time per pair, `speed` (of the full trace over them).
    """
    s: Mapping[str, float] = dict(zip(_SUMS, sums, strict=True))

    def over(a: float, b: float) -> float:
        return a / b if b else float("nan")

    def root(name: str) -> float:
        return float(np.sqrt(over(s[f"{name}_squares"], s[name])))

    return {
        "pairs": s["pairs"],
        "rmse_db": float(np.sqrt(over(s["squares"], s["cells"]))),
        "changed_db": root("changed"),
        "still_db": root("still"),
        "recall": over(s["hits"], s["hits"] + s["missed"]),
        "precision": over(s["hits"], s["hits"] + s["false"]),
        "kept": over(s["kept"], s["cells"]),
        "coverage": over(s["inside"], s["intervals"]),
        "changed_coverage": over(s["changed_inside"], s["changed_intervals"]),
        "delay_ns": 1e9 * root("delay"),
        "angle_deg": float(np.degrees(root("angle"))),
        "clear_f1": over(
            2 * s["clear_hits"], 2 * s["clear_hits"] + s["clear_false"] + s["clear_missed"]
        ),
        "seconds": over(s["seconds"], s["pairs"]),
        "speed": over(s["traced_seconds"], s["seconds"]),
    }
