"""Running a policy through an episode, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import ShapeError
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
        refused: Share of user-epochs with traffic that were not admitted, weighted as violations.
    """

    reward: float
    sla_violation: float
    sla_violation_by_slice: Floats
    throughput_mbps: float
    offered_mbps: float
    reserved_share: float
    used_share: float
    refused: float = 0.0


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
    reports = []
    while not network.is_over:
        found = network.step(policy(network.view()))
        reports.append(found)
        observe(found)
        epoch_done()
    return _episode(network, reports, prb_price)


def run_together(
    networks: Sequence[SlicedNetwork],
    policies: Sequence[Policy],
    seed: int,
    prb_price: float = PRB_PRICE,
    observe: Sequence[Callable[[EpochReport], None]] = (),
) -> list[Episode]:
    """Run policies side by side through the same world; as run_episode of each, but quicker.

    Args:
        networks: What each policy is shown; alike in slices, settings and what users really get.
        policies: One for each network.
        seed: Seed of the traffic, alike for all.
        prb_price: Price of resource blocks in the reward.
        observe: Called with the reports of every epoch, one for each policy; none by default.
    Raises:
        ShapeError: if users really get different channels in two networks.
    Checked by tests/experiments/network/test_simulator.py.
    """
    first = networks[0]
    if not all(first.is_alike(other) for other in networks):
        raise ShapeError("networks differ in slices, settings or true channels; run each alone")
    first.reset(seed, copies=len(networks))
    for other in networks[1:]:
        other.epoch = first.epoch
    reports: list[list[EpochReport]] = [[] for _ in networks]
    while not first.is_over:
        decided = [
            policy(network.view(backlog))
            for network, policy, backlog in zip(
                networks, policies, first.backlogs_bits, strict=True
            )
        ]
        found = first.step_together(decided)
        for own, report in zip(reports, found, strict=True):
            own.append(report)
        for told, report in zip(observe, found, strict=bool(observe)):
            told(report)
        for other in networks[1:]:
            other.epoch = first.epoch
    return [_episode(first, own, prb_price) for own in reports]


def _episode(network: SlicedNetwork, reports: list[EpochReport], prb_price: float) -> Episode:
    rewards = [reward_of(r, network.slices, network.num_prb, prb_price) for r in reports]
    weight = np.array([s.weight for s in network.slices])
    by_slice = np.mean([r.sla_violation for r in reports], axis=0)
    refused = np.mean([r.refused for r in reports], axis=0)
    blocks = network.num_cells * network.num_prb
    return Episode(
        reward=float(np.mean(rewards)),
        sla_violation=float(weight @ by_slice / max(weight.sum(), 1e-12)),
        sla_violation_by_slice=by_slice,
        refused=float(weight @ refused / max(weight.sum(), 1e-12)),
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
