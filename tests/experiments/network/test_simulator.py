"""A sliced network: what comes of decisions, in closed forms."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.experiments import (
    ProportionalToDemand,
    Service,
    SimulatorSettings,
    Slice,
    SlicedNetwork,
    StaticShares,
    delayed,
    make_slices,
    run_episode,
)
from rtwin.experiments.network import run_together
from rtwin.link import LinkAdaptation

from ..conftest import trace_of

# A megabit a second in packets of 1000 bits, 10 ms.
STEADY = Service("steady", 1000.0, 0.001, True, 0.0, 0.010, 0.99)
BITS_PER_PRB = 1e-3 * LinkAdaptation(20e6).resource_elements_per_s_and_prb


def total(reports, name):
    return np.sum([getattr(r, name) for r in reports], axis=0) / len(reports)


def test_enough_blocks_serve_everything_at_once(steady):
    network = SlicedNetwork(steady, [Slice(STEADY, 10)])
    reports = [network.step([[20], [20]]) for _ in range(network.num_epochs)]
    assert network.is_over
    assert len(reports) == 100
    np.testing.assert_allclose(total(reports, "throughput_mbps"), 10.0, rtol=0.01)
    for report in reports:
        assert report.sla_violation[0] == report.drop_share[0] == 0
        np.testing.assert_array_equal(report.delay_ms, [[1.0, 1.0, 1.0]])
    # 20 dB: 5.1 bits per element, so a packet of 1000 bits takes one block a millisecond.
    efficiency = steady.of_serving("spectral_efficiency")[0, 0]
    packet = np.ceil(1000 / np.floor(efficiency * BITS_PER_PRB))
    np.testing.assert_allclose(total(reports, "used_prb"), [[5 * packet], [5 * packet]], rtol=0.01)


def test_too_few_blocks_serve_their_share(steady):
    network = SlicedNetwork(steady, [Slice(STEADY, 10)])
    reports = [network.step([[2], [1]]) for _ in range(100)]
    # A block a millisecond in each cell serves whole packets of one user at a time.
    assert total(reports, "used_prb") == pytest.approx(np.array([[2.0], [1.0]]), rel=0.01)
    assert all(r.sla_violation[0] == 1.0 for r in reports[1:])
    gone = total(reports, "throughput_mbps") / total(reports, "offered_mbps")
    assert 1 - total(reports, "drop_share")[0] == pytest.approx(gone[0], abs=0.02)


def test_slices_are_isolated(steady):
    pair = [Slice(STEADY, 4), Slice(STEADY, 6)]
    network = SlicedNetwork(steady, pair)
    reports = [network.step([[10, 0], [10, 0]]) for _ in range(50)]
    np.testing.assert_allclose(total(reports, "throughput_mbps"), [4.0, 0.0], rtol=0.01)
    np.testing.assert_array_equal(reports[-1].sla_violation, [0.0, 1.0])
    assert np.isnan(reports[-1].delay_ms[1]).all()


def test_no_user_is_in_two_places(moving):
    network = SlicedNetwork(moving, make_slices({"embb": 6, "short_video": 6}))
    network.reset(4)
    offered = served = 0.0
    while not network.is_over:
        report = network.step([[25, 26], [25, 26]])
        offered += report.offered_mbps.sum()
        served += report.throughput_mbps.sum()
        assert (report.used_prb <= report.reserved_prb).all()
        assert ((report.sla_violation >= 0) & (report.sla_violation <= 1)).all()
    assert 0 < served < offered


def test_outage_is_a_broken_promise():
    snr_db = np.full((20, 2, 1), 20.0)
    snr_db[:, 1] = -30.0
    network = SlicedNetwork(trace_of(snr_db), [Slice(STEADY, 2)])
    reports = [network.step([[50]]) for _ in range(20)]
    assert total(reports, "throughput_mbps")[0] == pytest.approx(1.0, rel=0.02)
    assert reports[-1].sla_violation[0] == 0.5


def test_a_handover_interrupts():
    snr_db = np.full((20, 1, 2), 20.0)
    snr_db[:8, 0, 1] = snr_db[8:, 0, 0] = 5.0
    trace = trace_of(snr_db)
    row = int(np.flatnonzero(trace.handover[:, 0])[0])
    network = SlicedNetwork(trace, [Slice(STEADY, 1)])
    drops = [network.step([[50], [50]]).drop_share[0] for _ in range(20)]
    assert np.flatnonzero(drops) == [row]
    # 50 ms without service, of which the last 10 ms are made up for.
    assert drops[row] == pytest.approx(0.4, abs=0.03)
    calm = SlicedNetwork(trace, [Slice(STEADY, 1)], SimulatorSettings(handover_interruption_s=0.0))
    assert not any(calm.step([[50], [50]]).drop_share[0] for _ in range(20))


def test_epochs_of_any_length_do_the_same(steady):
    reports = {}
    for epoch_s in (0.05, 0.1, 0.5):
        network = SlicedNetwork(steady, [Slice(STEADY, 10)], SimulatorSettings(epoch_s=epoch_s))
        network.reset(2)
        found = [network.step([[6], [6]]) for _ in range(network.num_epochs)]
        assert len(found) == round(10 / epoch_s)
        reports[epoch_s] = total(found, "throughput_mbps")
    assert reports[0.05] == pytest.approx(reports[0.1])
    assert reports[0.5] == pytest.approx(reports[0.1])


def test_the_same_seed_repeats(moving):
    network = SlicedNetwork(moving, make_slices({"vr": 3, "embb": 5}))
    runs = []
    for seed in (7, 7, 8):
        network.reset(seed)
        runs.append([network.step([[20, 30], [20, 30]]).throughput_mbps for _ in range(30)])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_knowledge_is_what_is_shown_and_nothing_else(steady):
    other = trace_of(np.stack([np.full((100, 10), -40.0), np.full((100, 10), 5.0)], axis=-1))
    network = SlicedNetwork(steady, [Slice(STEADY, 10)], knowledge=other)
    view = network.view()
    assert (view.cell == 1).all()
    assert (
        view.bits_per_prb.max()
        < SlicedNetwork(steady, [Slice(STEADY, 10)]).view().bits_per_prb.min()
    )
    # What happens is the truth.
    assert network.step([[20], [20]]).throughput_mbps[0] == pytest.approx(10.0, rel=0.01)


def test_an_unsure_belief_counts_blocks_by_their_mean_cost():
    trace = trace_of(np.full((10, 1, 1), 8.0))
    sure = SlicedNetwork(trace, [Slice(STEADY, 1)]).view().bits_per_prb[0]
    link = LinkAdaptation(20e6)
    draws = 8.0 + 6.0 * np.random.default_rng(1).standard_normal(200_000)
    bits = link.spectral_efficiency(np.maximum(link.cqi(draws), 1)) * BITS_PER_PRB
    unsure = SlicedNetwork(trace, [Slice(STEADY, 1)], knowledge_error_db=6.0).view()
    assert unsure.bits_per_prb[0] == pytest.approx(1 / np.mean(1 / bits), rel=0.15)
    assert unsure.bits_per_prb[0] < sure


@pytest.mark.parametrize(
    ("blocks", "error", "words"),
    [
        ([[10]], ShapeError, r"must be \(2, 1\)"),
        ([[52], [0]], OutOfRangeError, "51 in all at most"),
        ([[-1], [0]], OutOfRangeError, "lowest is -1"),
    ],
)
def test_impossible_decisions(steady, blocks, error, words):
    with pytest.raises(error, match=words):
        SlicedNetwork(steady, [Slice(STEADY, 10)]).step(blocks)


def test_impossible_networks(steady):
    with pytest.raises(OutOfRangeError, match="slices have 11 users, the trace 10"):
        SlicedNetwork(steady, [Slice(STEADY, 11)])
    with pytest.raises(OutOfRangeError, match="sample a longer one"):
        SlicedNetwork(steady, [Slice(STEADY, 1)], SimulatorSettings(epoch_s=20.0))
    with pytest.raises(ShapeError, match="must have the trace's times"):
        SlicedNetwork(steady, [Slice(STEADY, 1)], knowledge=trace_of(np.zeros((99, 10, 2))))
    with pytest.raises(OutOfRangeError, match="knowledge_error_db is -1"):
        SlicedNetwork(steady, [Slice(STEADY, 1)], knowledge_error_db=-1.0)
    network = SlicedNetwork(steady, [Slice(STEADY, 1)], SimulatorSettings(epoch_s=10.0))
    network.step([[1], [1]])
    with pytest.raises(OutOfRangeError, match="is over; reset"):
        network.step([[1], [1]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epoch_s": 0.1, "slot_s": 0.03}, "whole number of slots"),
        ({"slot_s": 0.0}, "whole number of slots"),
        ({"scheduler": "edf"}, "must be pf or rr"),
        ({"handover_interruption_s": -1.0}, "must be 0 or more"),
    ],
)
def test_impossible_settings(wrong, words):
    with pytest.raises(OutOfRangeError, match=words):
        SimulatorSettings(**wrong)


@pytest.mark.parametrize("scheduler", ["pf", "rr"])
def test_runs_side_by_side_are_those_of_each_alone(moving, scheduler):
    slices = make_slices({"vr": 3, "embb": 5, "urllc": 3})
    settings = SimulatorSettings(epoch_s=0.35, scheduler=scheduler)
    late = delayed(moving, 1.0)
    shown = [(None, 0.0), (late, 3.0), (late, 0.0)]
    networks = [SlicedNetwork(moving, slices, settings, *knows) for knows in shown]
    policies = [ProportionalToDemand(), ProportionalToDemand(), StaticShares()]
    together = run_together(networks, policies, 7)
    for network, policy, found in zip(networks, policies, together, strict=True):
        alone = run_episode(network, policy, 7)
        for name, value in vars(alone).items():
            np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)
    assert len({episode.reward for episode in together}) == 3


def test_only_networks_of_one_world_run_side_by_side(moving, steady):
    slices = make_slices({"embb": 5})
    networks = [SlicedNetwork(trace, slices) for trace in (moving, steady)]
    with pytest.raises(ShapeError, match="run each alone"):
        run_together(networks, [StaticShares()] * 2, 1)
