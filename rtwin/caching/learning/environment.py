"""CachingEnv: requests at stations with caches, for Gymnasium."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.caching.caches import (
    ALWAYS,
    LFU,
    LRU,
    NONE,
    Forecaster,
    Network,
    Outcome,
    Reliability,
    jain_index,
    outcome_of,
    weights,
)
from rtwin.caching.demand import RequestTrace
from rtwin.errors import OutOfRangeError

CHOICES = ("bypass", "LRU victim", "LFU victim", "least forecast victim", "random victim")
BYPASS, RANDOM = 0, 4
_ROWS = (
    weights(newcomer=-ALWAYS),
    LRU,
    LFU,
    weights(forecast=1.0, newcomer=ALWAYS),
    weights(newcomer=ALWAYS),
)
_STATION = ("load", "fill", "hit rate", "overloaded", "headroom")
_ITEM = ("short", "long", "elsewhere", "age", "forecast")
_SUBJECTS = ("item", "LRU victim", "LFU victim", "least forecast victim")
_SIZE = 2 * (len(_STATION) + len(_SUBJECTS) * len(_ITEM))
_WINDOW = 200.0  # requests of a station, for its hit rate
_DEEP = -20.0  # ln of a forecast that counts as nothing


class CachingEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Serve requests one by one: at which station, and what makes room.

    Action, Discrete(10): CHOICES at the first station in reach, then at the second. The choice
    of what makes room counts where the item is missed and the cache is full. `action_masks()`
    says which actions mean something.

    Observation, Box(0, 1), [50]: of each of the two stations its load (over twice the mean),
    fill, hit rate of the last requests and, with module 4, whether it is overloaded and how
    far it is from that; then of the item and of each of three victims: counts over a short
    and a long while, counts elsewhere, age and forecast. All zero for a station that is not
    there.

    Reward: 1 for a hit, else 0, less `baseline`; with module 3 less the prices of overload and
    unfairness.

    An episode ends (truncated) when the trace does, or after `max_requests`.

    Args:
        trace: Requests.
        slots: Of each station.
        reliability: Modules that are on; every change that they make is counted.
        make_forecaster: Makes what forecasts ask at the start of an episode; None: no forecasts.
        baseline: Taken from every reward, such as the hit rate of LRU.
        max_requests: Of an episode; None: to the end of the trace.
    Raises:
        OutOfRangeError: if the trace is empty or a number is not possible.
    Checked by tests/caching/learning/test_environment.py.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (declared so by Gymnasium)

    def __init__(
        self,
        trace: RequestTrace,
        slots: int,
        *,
        reliability: Reliability = NONE,
        make_forecaster: Callable[[], Forecaster] | None = None,
        baseline: float = 0.0,
        max_requests: int | None = None,
    ) -> None:
        if not len(trace):
            raise OutOfRangeError("the trace holds no requests; give one or more")
        self.trace, self.slots, self.reliability = trace, slots, reliability
        self.baseline = baseline
        self.max_requests = len(trace) if max_requests is None else max_requests
        if not 1 <= self.max_requests <= len(trace):
            raise OutOfRangeError(f"max_requests is {max_requests}; the trace has {len(trace)}")
        self._make = make_forecaster
        self.action_space = gymnasium.spaces.Discrete(2 * len(CHOICES))
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (_SIZE,), np.float32)
        self._start()

    def _start(self) -> None:
        self.row = 0
        self.interventions = {"shield": 0, "mask": 0}
        self._hits = np.zeros(self.trace.num_stations)
        self.network = Network(
            LRU,
            self.trace.num_stations,
            self.trace.catalogue.num_items,
            self.slots,
            reliability=self.reliability,
            forecaster=None if self._make is None else self._make(),
            router=lambda network, item, first, second: np.array([self._station]),
        )
        self._station = int(self.trace.first[0])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start with empty caches; the seed decides random victims alone."""
        super().reset(seed=seed)
        self._start()
        return self._observation(), {}

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Serve the request at hand."""
        which, choice = divmod(int(action), len(CHOICES))
        self._station = self._stations()[which if self._stations()[1] >= 0 else 0]
        network = self.network
        network.policies[0] = _ROWS[choice]
        network.with_forecast = network.forecaster is not None and choice == 3
        network.forced_slot = int(self.np_random.integers(self.slots)) if choice == RANDOM else None
        hit, station, handed, kept = (x[0] for x in network.step(self.trace, self.row))
        overloaded = network.is_overloaded()[0, station]
        self.interventions["shield"] += int(handed)
        self.interventions["mask"] += int(kept)
        self._hits[station] += (float(hit) - self._hits[station]) / _WINDOW
        reward = float(hit) - self.baseline
        if self.reliability.penalty:
            reward -= self.reliability.overload_price * float(overloaded)
            reward -= self.reliability.unfairness_price * float(1 - jain_index(network.load[0]))
        self.row += 1
        over = self.row >= self.max_requests
        info = {
            "hit": bool(hit),
            "station": int(station),
            "overloaded": bool(overloaded),
            "handed_over": bool(handed),
            "kept": bool(kept),
        }
        seen = np.zeros(_SIZE, np.float32) if over else self._observation()
        return seen, reward, False, over, info

    def action_masks(self) -> Bools:
        """Which actions mean something; one at least does."""
        mask = np.zeros((2, len(CHOICES)), bool)
        if self.row >= self.max_requests:
            mask[0, 1] = True
            return mask.ravel()
        item = int(self.trace.item[self.row])
        for which, station in enumerate(self._stations()):
            if station < 0:
                continue
            there = self.network.slot_of[0, station, item] >= 0
            if there or self.network.filled[0, station] < self.slots:
                mask[which, 1] = True  # nothing has to make room
            else:
                mask[which] = True
                mask[which, 3] = self.network.forecaster is not None
        return mask.ravel()

    def _stations(self) -> tuple[int, int]:
        return int(self.trace.first[self.row]), int(self.trace.second[self.row])

    def _observation(self) -> NDArray[np.float32]:
        out = np.zeros((2, _SIZE // 2))
        network, item = self.network, int(self.trace.item[self.row])
        if network.forecaster is not None:
            network.forecaster.at(self.trace, self.row)
        mean = float(network.load.mean())
        for which, station in enumerate(self._stations()):
            if station < 0:
                continue
            load = float(network.load[0, station]) / max(mean, 1e-9)
            state = [load / 2.0, network.filled[0, station] / self.slots, self._hits[station]]
            if self.reliability.state:
                limit = self.reliability.overload_at
                state += [float(load > limit), max(0.0, 1.0 - load / limit)]
            out[which, : len(state)] = state
            subjects = np.array([item, *self._victims(station)])
            out[which, len(_STATION) :] = self._of_items(station, subjects).ravel()
        return np.clip(out, 0.0, 1.0).astype(np.float32).ravel()

    def _victims(self, station: int) -> list[int]:
        """What LRU, LFU and the forecast would evict; -1 where there is room."""
        if self.network.filled[0, station] < self.slots:
            return [-1, -1, -1]
        held = self.network.slot_item[0, station].astype(np.int64)
        now = self.network.served[0, station] + 1
        age = now - self.network.last[0, station, held]
        count = self.network.long[0, station, held] * np.exp(-age / self.network.long_span)
        found = [int(held[age.argmax()]), int(held[count.argmin()])]
        if self.network.forecaster is None:
            return [*found, -1]
        at = np.array([station])
        return [*found, int(held[self.network.forecaster.log_scores(at, held[None])[0].argmin()])]

    def _of_items(self, station: int, items: Ints) -> Floats:
        network, known = self.network, items >= 0
        row = np.where(known, items, 0)
        age = network.served[0, station] + 1 - network.last[0, station, row]
        short = network.short[0, station, row] * np.exp(-age / 60.0)
        long = network.long[0, station, row] * np.exp(-age / network.long_span)
        others = np.maximum(network.total[row] - network.long[0, station, row], 0.0)
        forecast = np.zeros(len(row))
        if network.forecaster is not None:
            score = network.forecaster.log_scores(np.array([station]), row[None])[0]
            forecast = np.clip(1.0 - score / _DEEP, 0.0, 1.0)
        columns = [v / (1.0 + v) for v in (short, long, others)]
        columns += [1.0 / (1.0 + age / 100.0), forecast]
        return np.where(known[:, None], np.stack(columns, axis=1), 0.0)


def play(
    env: CachingEnv, choose: Callable[[CachingEnv, NDArray[np.float32]], int], seed: int = 0
) -> Outcome:
    """What happens in an episode in which `choose(env, observation)` acts, [request, 1]."""
    observation, _ = env.reset(seed=seed)
    infos, over = [], False
    while not over:
        action = np.int64(choose(env, observation))
        observation, _, _, over, info = env.step(action)
        infos.append(info)
    hit, station, handed, kept = (
        np.array([[info[name]] for info in infos])
        for name in ("hit", "station", "handed_over", "kept")
    )
    num = env.trace.num_stations
    return outcome_of(hit, station.astype(np.int16), handed, kept, num, [env.reliability])
