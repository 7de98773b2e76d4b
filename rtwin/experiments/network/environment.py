"""SlicingEnv: a sliced network on a link trace, for Gymnasium."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from rtwin.arrays import Floats, Ints, Singles
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError
from rtwin.experiments.network.cells import sums
from rtwin.experiments.network.policies import demand_prb, whole_blocks
from rtwin.experiments.network.reports import PERCENTILES, PRB_PRICE, EpochReport, reward_of
from rtwin.experiments.network.services import Slice
from rtwin.experiments.network.simulator import NetworkView, SimulatorSettings, SlicedNetwork

FEATURES = ("users", "demand", "backlog", "efficiency", "reserved", "used", "violation")
_MOST_BITS_PER_ELEMENT = 7.5


class SlicingEnv(gymnasium.Env[Singles, Singles]):
    """Share out the resource blocks of every cell among slices, epoch by epoch.

    Action, Box(-1, 1), [cell * slice]: (a + 1) / 2 is the share of the cell's
    blocks that a slice gets; shares that add up to more than 1 are scaled down,
    and what adds up to less stays free.

    Observation, Box(0, 1), [cell * slice * 7]: for each cell and slice, before
    the decision: users (of all the slice's), demand (believed blocks over all),
    backlog (as blocks needed to empty it in an epoch, over all), efficiency
    (mean bits per resource element over 7.5), and of the last epoch: blocks
    reserved and used (over all) and the slice's violation. All cut at 1.

    Reward: -(sum of weight times violation) / (sum of weights)
    - price times the share of blocks reserved; between -1 - price and 0. The
    violation of a slice is the share of its users with traffic that got less
    of it in time than its reliability asks.

    An episode ends (truncated) when the trace does, or after max_epochs.

    Args:
        trace: Channels that users really have.
        slices: The slices; their users are the trace's, in order.
        settings: How time runs and users are served.
        knowledge: Link trace that observations are computed from; default: trace.
        prb_price: Price in the reward of reserving everything.
        max_epochs: Epochs of an episode; None: to the end of the trace.
        random_start: Start episodes anywhere in the trace.
    Raises:
        OutOfRangeError, ShapeError: if trace, slices and knowledge do not fit.
    Checked by tests/experiments/network/test_environment.py.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (declared so by Gymnasium)

    def __init__(
        self,
        trace: LinkTrace,
        slices: Sequence[Slice],
        *,
        settings: SimulatorSettings | None = None,
        knowledge: LinkTrace | None = None,
        prb_price: float = PRB_PRICE,
        max_epochs: int | None = None,
        random_start: bool = False,
    ) -> None:
        self.network = SlicedNetwork(trace, slices, settings, knowledge)
        if max_epochs is not None and not 1 <= max_epochs <= self.network.num_epochs:
            raise OutOfRangeError(
                f"max_epochs is {max_epochs}; the trace has {self.network.num_epochs}"
            )
        self.prb_price = prb_price
        self.max_epochs = self.network.num_epochs if max_epochs is None else max_epochs
        self.random_start = random_start
        self._shape = (self.network.num_cells, len(self.network.slices))
        size = self._shape[0] * self._shape[1]
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (size,), np.float32)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (size * len(FEATURES),), np.float32)
        # Bits of one resource element with data, from any rate of the trace.
        some = trace.spectral_efficiency > 0
        ratio = trace.rate_mbps[some][:1] / trace.spectral_efficiency[some][:1]
        per_block = ratio * 1e6 * self.network.settings.slot_s / self.network.num_prb
        self._elements_per_block = float(per_block[0]) if some.any() else 1.0
        self._last: EpochReport | None = None
        self._done_epochs = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Singles, dict[str, Any]]:
        """Start an episode; the seed decides traffic and start."""
        super().reset(seed=seed)
        last = self.network.num_epochs - self.max_epochs
        start = int(self.np_random.integers(last + 1)) if self.random_start else 0
        self.network.reset(int(self.np_random.integers(2**31)), start)
        self._last, self._done_epochs = None, 0
        return self._observation(), {}

    def step(self, action: Singles) -> tuple[Singles, float, bool, bool, dict[str, Any]]:
        """Run an epoch with the shares of an action."""
        return self.step_blocks(self.blocks_of(action))

    def step_blocks(self, num_prb: Ints) -> tuple[Singles, float, bool, bool, dict[str, Any]]:
        """Run an epoch with whole resource blocks, [cell, slice], as a policy gives them."""
        report = self.network.step(num_prb)
        self._last = report
        self._done_epochs += 1
        truncated = self.network.is_over or self._done_epochs >= self.max_epochs
        reward = reward_of(report, self.network.slices, self.network.num_prb, self.prb_price)
        return self._observation(), reward, False, truncated, info_of(report, self.network.slices)

    def view(self) -> NetworkView:
        """What a policy may look at before the next step."""
        return self.network.view()

    def blocks_of(self, action: Singles) -> Ints:
        """Whole resource blocks of an action, [cell, slice]."""
        share = (np.clip(np.asarray(action, np.float64), -1.0, 1.0) + 1.0) / 2.0
        total = self.network.num_prb
        return whole_blocks(share.reshape(self._shape) * total, total)

    def action_of(self, num_prb: Ints) -> Singles:
        """The action that gives whole resource blocks [cell, slice]."""
        share = np.asarray(num_prb, np.float64) / self.network.num_prb
        return (2.0 * share - 1.0).ravel().astype(np.float32)

    def _observation(self) -> Singles:
        found = np.zeros((*self._shape, len(FEATURES)))
        if not self.network.is_over:
            found[..., :4] = self._before(self.network.view())
        if self._last is not None:
            blocks = self.network.num_prb
            found[..., 4] = self._last.reserved_prb / blocks
            found[..., 5] = self._last.used_prb / blocks
            found[..., 6] = self._last.sla_violation
        return np.clip(found, 0.0, 1.0).astype(np.float32).ravel()

    def _before(self, view: NetworkView) -> Floats:
        here = view.cell >= 0
        group = np.where(here, view.cell, 0) * self._shape[1] + view.ue_slice
        size = self._shape[0] * self._shape[1]

        def add(values: Floats) -> Floats:
            return sums(group, np.where(here, values, 0.0), size).reshape(self._shape)

        count = add(np.ones(len(view.cell)))
        users = np.array([s.num_ues for s in view.slices])
        carried = np.maximum(view.bits_per_prb, 1.0)
        slots = self.network.settings.slots_per_epoch
        efficiency = add(view.bits_per_prb / self._elements_per_block) / np.maximum(count, 1.0)
        return np.stack(
            [
                count / users,
                demand_prb(view) / view.num_prb,
                add(view.backlog_bits / carried / slots) / view.num_prb,
                efficiency / _MOST_BITS_PER_ELEMENT,
            ],
            axis=-1,
        )


def info_of(report: EpochReport, slices: Sequence[Slice]) -> dict[str, Any]:
    """Figures of an epoch by name of the slice: plain numbers, delays None without traffic."""
    info: dict[str, Any] = {}
    for row, item in enumerate(slices):
        delays = {
            f"delay_p{level:g}_ms": None if np.isnan(value) else float(value)
            for level, value in zip(PERCENTILES, report.delay_ms[row], strict=True)
        }
        # Two slices may carry the same service.
        name = item.service.name if item.service.name not in info else f"{item.service.name}_{row}"
        info[name] = {
            "offered_mbps": float(report.offered_mbps[row]),
            "throughput_mbps": float(report.throughput_mbps[row]),
            "drop_share": float(report.drop_share[row]),
            "sla_violation": float(report.sla_violation[row]),
            "reserved_prb": float(report.reserved_prb[:, row].sum()),
            "used_prb": float(report.used_prb[:, row].sum()),
            **delays,
        }
    return info
