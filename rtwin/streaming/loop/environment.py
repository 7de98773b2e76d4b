"""GroupingEnv: how to group and what to reserve, for Gymnasium."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rtwin.streaming.decision import (
    ACTIONS,
    NUM_FEATURES,
    Decision,
    Knowledge,
    Setting,
    by_actions,
    cell_features,
)
from rtwin.streaming.loop.closed_loop import ClosedLoop
from rtwin.streaming.loop.reality import World
from rtwin.streaming.loop.records import Belief

_MOST = 20.0  # of a feature; beyond it is cut


class GroupingEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.int64]]):
    """Choose groups and the price of the reservation for every interval of a walk.

    Action, MultiDiscrete([24, ..., 24, 3]): for each cell how its users are grouped (number of
    groups and weights of taste, channel and haste), and at last which price the reservation
    reckons with: half, once or twice that of the reward.

    Observation, Box(-20, 20), [cell * 12]: what the twins say of each cell, as `cell_features`.

    Reward: utility that the interval really brought, satisfaction less the prices of blocks and
    cycles.

    An episode ends (truncated) when the walk does.

    Args:
        make_world: Makes the world of a seed, and what is believed of it.
        setting: Versions, prices, blocks.
    Checked by tests/streaming/loop/test_environment.py.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (declared so by Gymnasium)
    PRICES = (0.5, 1.0, 2.0)

    def __init__(self, make_world: Callable[[int], tuple[World, Belief]], setting: Setting) -> None:
        self.make_world, self.setting = make_world, setting
        self._start(0)
        cells = self.loop.world.trace.num_tx
        self.action_space = gymnasium.spaces.MultiDiscrete(
            [len(ACTIONS)] * cells + [len(self.PRICES)]
        )
        shape = (cells * NUM_FEATURES,)
        self.observation_space = gymnasium.spaces.Box(-_MOST, _MOST, shape, np.float32)

    def _start(self, seed: int) -> None:
        world, belief = self.make_world(seed)
        self.loop = ClosedLoop(world, belief, self.setting, self._decide)
        self._action: NDArray[np.int64] = np.zeros(world.trace.num_tx + 1, np.int64)
        self.interval = 0

    def _decide(self, setting: Setting, known: Knowledge) -> Decision:
        price = setting.weights.radio * self.PRICES[int(self._action[-1])]
        reckons = replace(setting, weights=replace(setting.weights, radio=price))
        made = by_actions(reckons, known, self._action[:-1])
        # The loop compares decisions at the price of the reward.
        spent = setting.weights.radio * made.consumption
        spent += setting.weights.computing * made.computing
        return replace(made, utility=made.satisfaction - spent)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start a walk that is drawn anew; twins know nothing of the users."""
        super().reset(seed=seed)
        self._start(int(self.np_random.integers(2**31)))
        return self._observation(), {}

    def step(
        self, action: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Decide for an interval."""
        self._action = np.asarray(action, np.int64)
        row = self.loop.step(self.interval)
        self.interval += 1
        over = self.interval >= self.loop.world.num_intervals
        assert self.observation_space.shape is not None
        seen = np.zeros(self.observation_space.shape, np.float32) if over else self._observation()
        info = {
            "satisfaction": row.satisfaction,
            "consumption": row.consumption,
            "accepted": row.accepted,
        }
        return seen, float(row.utility), False, over, info

    def _observation(self) -> NDArray[np.float32]:
        known = self.loop.knowledge(self.interval)
        parts = [cell_features(known, cell) for cell in range(known.num_cells)]
        return np.clip(np.concatenate(parts), -_MOST, _MOST).astype(np.float32)
