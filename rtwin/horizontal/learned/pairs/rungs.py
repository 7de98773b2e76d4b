"""The physics ladder on a pair of the benchmark: maps and processor seconds by rung."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.known_change import Estimate, analytic, few_ray, guarded, partial
from rtwin.horizontal.learned.pairs.draws import DrawnEdit
from rtwin.horizontal.learned.pairs.observed import FLOOR_DB, ObservedMap, fed_db
from rtwin.horizontal.learned.pairs.scenes import TrainingScene
from rtwin.horizontal.levels import Floats
from rtwin.horizontal.twin import trace_state
from rtwin.scene import Recipe
from rtwin.trace import MapGrid, SceneParts

FEW_RAYS = 1000
GUARDS = ("stale", "new", "zero")


class PhysicsRungs:
    """Runs the rungs that the pairs of a scene are compared with.

    Args:
        scene: The world before.
        grid: Its cells.
        index: Those that count, as places in the grid, row by row.
    """

    def __init__(self, scene: TrainingScene, grid: MapGrid, index: NDArray[np.int64]) -> None:
        self._index = index
        self._before = trace_state(scene.recipe, scene.parts, grid)
        self._few = self._statistics(
            few_ray(self._before, scene.recipe, scene.parts, rays=FEW_RAYS), 0.0
        )

    def __call__(
        self, before: ObservedMap, recipe: Recipe, parts: SceneParts, drawn: DrawnEdit
    ) -> dict[str, tuple[Floats, float]]:
        """Maps [cell, 4] and processor seconds, loading the edited world included."""
        found = {"few_before": (self._few, 0.0)}
        for name, rung in (("analytic", analytic), ("partial", partial), ("few", _few)):
            start = time.process_time()
            estimate = rung(self._before, recipe, parts)
            cost = time.process_time() - start
            found[name] = self._statistics(estimate, drawn.power_db), cost
        return found

    def _statistics(self, estimate: Estimate, power_db: float) -> Floats:
        maps: dict[str, Any] = {k: v[0].reshape(-1)[self._index] for k, v in estimate.maps.items()}
        gain = 10 * np.log10(np.maximum(maps["path_gain"], 10 ** (FLOOR_DB / 10)))
        return np.stack(
            [
                fed_db(gain, power_db),
                np.nan_to_num(maps["rms_delay_spread_s"]),
                np.nan_to_num(maps["aoa_azimuth_spread"]),
                maps["line_of_sight"],
            ],
            axis=-1,
        ).astype(np.float64)


def _few(old: Any, recipe: Recipe, parts: SceneParts) -> Estimate:
    return few_ray(old, recipe, parts, rays=FEW_RAYS)


def common_random_delta(stale: Floats, before: Floats, after: Floats, guard: Any) -> Floats:
    """Stale map plus the difference of two few-ray maps with the same rays, [cell, 4].

    Args:
        stale: The map before.
        before: The few-ray map before.
        after: The few-ray map after.
        guard: What stands in where no power would be left, see rtwin.horizontal.ladder.
    """
    power = [10 ** (np.asarray(m[:, 0], np.float64) / 10) for m in (stale, before, after)]
    gain = guarded(power[0], power[1], power[2], guard)
    out = np.maximum(stale + (after - before), 0)
    out[:, 0] = 10 * np.log10(np.maximum(gain, 10 ** (FLOOR_DB / 10)))
    out[:, 3] = after[:, 3]
    same = (before == after).all(axis=1)
    out[same] = stale[same]
    return out
