"""What happened in an epoch, and what that is worth, for every policy and environment alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.experiments.network.cells import Served, sums
from rtwin.experiments.network.services import Slice

PERCENTILES = (50.0, 95.0, 99.0)
PRB_PRICE = 0.1
REFUSAL_PRICE = 0.5  # of a broken promise: a user that is told in time can go elsewhere


@dataclass(frozen=True)
class EpochReport:
    """What happened in an epoch, or in several.

    Arrays over [slice] unless said otherwise.

    Attributes:
        duration_s: Time that it took [s].
        offered_mbps, throughput_mbps: Traffic that came, and that got through in time.
        drop_share: Share of the bits that left which were dropped as late.
        sla_violation: Share of the users with traffic whose promise was broken.
        refused: Share of the users with traffic that were not admitted; to them nothing was
            promised.
        delay_ms: Percentiles of the delay, weighted by bits [ms], [slice, percentile]
            for PERCENTILES; NaN without traffic.
        reserved_prb: Resource blocks that were reserved, mean, [cell, slice].
        used_prb: Those that were used, mean, [cell, slice].
        ue_offered_mbps, ue_throughput_mbps, ue_drop_share: [ue].
        ue_slots: Slots in which a user was served, [ue].
        ue_requested_prb, ue_granted_prb: Blocks that would have emptied its queue, at most a
            cell's in each slot, and those that it got, summed over slots, [ue].
        ue_backlog_bits: Bits that wait at the end, [ue].
    """

    duration_s: float
    offered_mbps: Floats
    throughput_mbps: Floats
    drop_share: Floats
    sla_violation: Floats
    refused: Floats
    delay_ms: Floats
    reserved_prb: Floats
    used_prb: Floats
    ue_offered_mbps: Floats
    ue_throughput_mbps: Floats
    ue_drop_share: Floats
    ue_slots: Floats
    ue_requested_prb: Floats
    ue_granted_prb: Floats
    ue_backlog_bits: Floats


def reward_of(
    report: EpochReport, slices: Sequence[Slice], num_prb: int, prb_price: float = PRB_PRICE
) -> float:
    """Broken promises, refusals and blocks reserved, as costs; between -1 - prb_price and 0.

    -(sum of weight times violation) / (sum of weights) - prb_price times the
    share of all blocks that was reserved; a refusal counts as REFUSAL_PRICE violations.

    Args:
        report: What happened.
        slices: The slices, for their weights.
        num_prb: Blocks of a cell.
        prb_price: What reserving everything costs.
    Checked by tests/experiments/network/test_environment.py.
    """
    weight = np.array([s.weight for s in slices])
    cost = report.sla_violation + REFUSAL_PRICE * report.refused
    broken = float(weight @ cost) / max(float(weight.sum()), 1e-12)
    return -broken - prb_price * float(report.reserved_prb.sum(axis=1).mean()) / num_prb


def report(
    pieces: Sequence[Served],
    reserved_prb: Floats,
    ue_slice: Ints,
    reliability: Floats,
    epoch_s: float,
    slot_s: float,
    backlog_bits: Floats,
    refused: Bools,
) -> EpochReport:
    """The report of some pieces of time, an epoch in all."""
    num_cells, num_slices = reserved_prb.shape

    def total(name: str) -> Floats:
        return np.sum([getattr(piece, name) for piece in pieces], axis=0)

    arrived, served, dropped = map(total, ("arrived_bits", "served_bits", "dropped_bits"))
    gone = served + dropped
    duration = epoch_s
    slots = duration / slot_s
    with np.errstate(invalid="ignore", divide="ignore"):
        late = np.where(gone > 0, dropped / gone, 0.0)
    has_traffic = (gone > 0) | (arrived > 0)
    broken = has_traffic & (late > 1.0 - reliability + 1e-12)

    def per_slice(values: Floats) -> Floats:
        return sums(ue_slice, values, num_slices)

    with np.errstate(invalid="ignore", divide="ignore"):
        users = per_slice(has_traffic.astype(np.float64))
        violation, refusals = (
            np.where(users > 0, per_slice(one.astype(np.float64)) / users, 0.0)
            for one in (broken, has_traffic & refused)
        )
        bits = per_slice(gone)
        drop = np.where(bits > 0, per_slice(dropped) / bits, 0.0)
    delays = total("delay_bits").reshape(num_cells, num_slices, -1).sum(axis=0)
    to_mbps = 1.0 / duration / 1e6
    used = total("used_prb").reshape(num_cells, num_slices)
    return EpochReport(
        duration_s=duration,
        offered_mbps=per_slice(arrived) * to_mbps,
        throughput_mbps=per_slice(served) * to_mbps,
        drop_share=drop,
        sla_violation=violation,
        refused=refusals,
        delay_ms=delay_percentiles_ms(delays, slot_s),
        reserved_prb=reserved_prb,
        used_prb=used / slots,
        ue_offered_mbps=arrived * to_mbps,
        ue_throughput_mbps=served * to_mbps,
        ue_drop_share=late,
        ue_slots=total("ue_slots"),
        ue_requested_prb=total("ue_requested_prb"),
        ue_granted_prb=total("ue_granted_prb"),
        ue_backlog_bits=backlog_bits,
    )


def delay_percentiles_ms(delay_bits: Floats, slot_s: float) -> Floats:
    """Percentiles of delays weighted by bits [ms], [slice, percentile]; NaN without bits.

    Args:
        delay_bits: Bits with a delay of 1, 2, ... slots, [slice, delay].
        slot_s: Length of a slot [s].
    """
    total = delay_bits.sum(axis=1)
    cumulative = delay_bits.cumsum(axis=1)
    found = np.full((len(delay_bits), len(PERCENTILES)), np.nan)
    for row in np.flatnonzero(total > 0):
        level = np.array(PERCENTILES) / 100.0 * total[row]
        found[row] = (np.searchsorted(cumulative[row], level) + 1) * slot_s * 1e3
    return found
