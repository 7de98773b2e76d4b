"""Running a policy through an episode, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.experiments.network.policies import Policy
from rtwin.experiments.network.reports import PRB_PRICE, EpochReport, reward_of
from rtwin.experiments.network.simulator import SlicedNetwork


@dataclass(frozen=True)
class Episode:
    """Means over the epochs of an episode.

    Attributes:
        reward: Reward of an epoch.
        sla_violation: Share of user-epochs with traffic whose promise was broken, weighted
            by slices as the reward does.
        sla_violation_by_slice: The same of each slice, [slice].
        throughput_mbps: What got through in time, all slices [Mbit/s].
        offered_mbps: What came [Mbit/s].
        reserved_share, used_share: Share of all resource blocks.
    """

    reward: float
    sla_violation: float
    sla_violation_by_slice: Floats
    throughput_mbps: float
    offered_mbps: float
    reserved_share: float
    used_share: float


def run_episode(
    network: SlicedNetwork,
    policy: Policy,
    seed: int,
    prb_price: float = PRB_PRICE,
    epoch_done: Callable[[], None] = lambda: None,
    observe: Callable[[EpochReport], None] = lambda report: None,
) -> Episode:
    """Run a policy through a whole trace.

    Args:
        network: Reset before the first epoch.
        policy: Decides at the start of every epoch.
        seed: Seed of the traffic.
        prb_price: Price of resource blocks in the reward.
        epoch_done: Called after every epoch.
        observe: Called with every epoch's report, such as a KpmRecorder.
    """
    network.reset(seed)
    reports, rewards = [], []
    while not network.is_over:
        found = network.step(policy(network.view()))
        reports.append(found)
        rewards.append(reward_of(found, network.slices, network.num_prb, prb_price))
        observe(found)
        epoch_done()
    weight = np.array([s.weight for s in network.slices])
    by_slice = np.mean([r.sla_violation for r in reports], axis=0)
    blocks = network.num_cells * network.num_prb
    return Episode(
        reward=float(np.mean(rewards)),
        sla_violation=float(weight @ by_slice / max(weight.sum(), 1e-12)),
        sla_violation_by_slice=by_slice,
        throughput_mbps=float(np.mean([r.throughput_mbps.sum() for r in reports])),
        offered_mbps=float(np.mean([r.offered_mbps.sum() for r in reports])),
        reserved_share=float(np.mean([r.reserved_prb.sum() for r in reports])) / blocks,
        used_share=float(np.mean([r.used_prb.sum() for r in reports])) / blocks,
    )


_OF_CHANNELS = (
    "path_gain",
    "path_gain_standard_error_db",
    "rss_dbm",
    "sinr_db",
    "cqi",
    "mcs",
    "spectral_efficiency",
    "rate_mbps",
    "line_of_sight",
    "serving_tx",
    "state",
)
_OF_LINKS = ("tx_load", "effective_sinr_db", "num_layers", "block_error_rate", "lost_blocks")


def _channels(*traces: LinkTrace) -> list[str]:
    """Names of what traces all know of channels."""
    known = [n for n in _OF_LINKS if all(getattr(trace, n) is not None for trace in traces)]
    return [*_OF_CHANNELS, *known]


def delayed(trace: LinkTrace, delay_s: float) -> LinkTrace:
    """What somebody knows who hears of every channel only after some time.

    Before the first report the first row of all stands in.
    """
    rows = max(1, round(delay_s / trace.step_s))
    return seen_at(trace, np.maximum(np.arange(trace.num_steps) - rows, 0))


def seen_at(trace: LinkTrace, rows: Ints) -> LinkTrace:
    """A trace whose channels are those of other rows, [time]; users stay where they are."""
    return replace(trace, **{name: getattr(trace, name)[rows] for name in _channels(trace)})


def awaited(before: LinkTrace, after: LinkTrace, age_s: float) -> LinkTrace:
    """What somebody knows whose newer map is there only some time after the first row.

    Args:
        before: The same users' channels by the map that is used until then.
        after: The same by the newer map.
        age_s: When it is there [s].
    """
    rows = int(np.searchsorted(after.time_s, after.time_s[0] + age_s - 1e-9))
    values: dict[str, Any] = {
        name: np.concatenate([getattr(before, name)[:rows], getattr(after, name)[rows:]])
        for name in _channels(before, after)
    }
    return replace(after, **values)
