"""Interference that follows what cells reserve: what users get, what the optimiser does."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.experiments import (
    KpmRecorder,
    Optimised,
    ProportionalToDemand,
    Service,
    SimulatorSettings,
    Slice,
    SlicedNetwork,
    SlicingExperiment,
    StaticShares,
    delayed,
    run_episode,
)
from rtwin.experiments.network import run_together
from rtwin.link import LinkAdaptation
from rtwin.units import from_db, to_db

from ..conftest import trace_of

# More than a cell carries, in packets of 1000 bits that may wait 100 ms.
GREEDY = Service("greedy", 1000.0, 1e-4, True, 0.0, 0.1, 0.5)
CALM = Service("calm", 1000.0, 0.001, True, 0.0, 0.1, 0.9)
CARRIER = LinkAdaptation(20e6)
COUPLED = SimulatorSettings(coupled=True)
FIXED = SimulatorSettings()
OWN_DB, OTHER_DB = 25.0, 15.0


def pair_of_cells(other_db=OTHER_DB, steps=20):
    """A user in each of two cells; signal and interference over noise."""
    snr_db = np.full((steps, 2, 2), other_db)
    snr_db[:, 0, 0] = snr_db[:, 1, 1] = OWN_DB
    return trace_of(snr_db)


def test_what_one_cell_leaves_free_the_other_gains():
    network = SlicedNetwork(pair_of_cells(), [Slice(GREEDY, 2)], COUPLED)
    rates = []
    for other in (51, 25, 0):
        report = network.step([[51], [other]])
        rates.append(report.ue_throughput_mbps[0] / report.used_prb[0, 0])
        found = network.cqi_under([[51], [other]], np.array([0]))[0, 0]
        interference = other / 51 * from_db(OTHER_DB)
        assert found == CARRIER.cqi(OWN_DB - to_db(1 + interference))
    assert rates[0] < rates[1] < rates[2]
    fixed = SlicedNetwork(pair_of_cells(), [Slice(GREEDY, 2)], FIXED)
    alone = fixed.step([[51], [51]]).ue_throughput_mbps[0]
    assert alone == pytest.approx(fixed.step([[51], [0]]).ue_throughput_mbps[0])


def test_full_cells_interfere_as_the_trace_says(moving):
    slices = [Slice(CALM, 12)]
    every = np.full((2, 1), 51)
    whole = replace(moving, attributes={**moving.attributes, "interference_load": 1.0})
    network = SlicedNetwork(whole, slices, COUPLED)
    found = network.cqi_under(every, np.arange(whole.num_steps))
    power = from_db(whole.rss_dbm.astype(float))
    cell = np.maximum(whole.serving_tx, 0)[..., None].astype(int)
    own = np.take_along_axis(power, cell, axis=2)[..., 0]
    noise_mw = 1e3 * whole.attributes["noise_power_w"]
    wanted = to_db(own / (power.sum(axis=2) - own + noise_mw))
    served = whole.serving_tx >= 0
    # The trace keeps its powers with single precision.
    np.testing.assert_array_less(CARRIER.cqi(wanted - 1e-4)[served] - 1, found[served])
    np.testing.assert_array_less(found[served], CARRIER.cqi(wanted + 1e-4)[served] + 1)
    view = network.view()
    np.testing.assert_array_equal(view.under(every).bits_per_prb, view.bits_per_prb)
    assert (view.under(every // 2).bits_per_prb >= view.bits_per_prb).all()


def test_the_optimiser_decides_under_the_interference_of_its_decision():
    pytest.importorskip("cvxpy")
    slices, optimised = [Slice(CALM, 2)], Optimised()
    view = SlicedNetwork(pair_of_cells(), slices, COUPLED).view()
    blocks = optimised(view)
    full = optimised(replace(view, believed=None))
    assert (blocks < full).all()
    # It is what it would decide who knew that interference beforehand.
    known = view.under(blocks)
    np.testing.assert_array_equal(optimised(replace(known, believed=None)), blocks)
    once = Optimised(rounds=1)(view)
    assert (blocks <= once).all()
    assert (once < full).all()


def test_without_interference_coupling_changes_nothing():
    pytest.importorskip("cvxpy")
    trace = pair_of_cells(other_db=-60.0)
    networks = [SlicedNetwork(trace, [Slice(CALM, 2)], settings) for settings in (FIXED, COUPLED)]
    decided = [Optimised()(network.view()) for network in networks]
    np.testing.assert_array_equal(*decided)
    rewards = [run_episode(network, Optimised(), 1).reward for network in networks]
    assert rewards[0] == rewards[1]


def test_coupled_runs_side_by_side_are_those_of_each_alone(moving):
    slices = [Slice(CALM, 6), Slice(GREEDY, 6)]
    late = delayed(moving, 1.0)
    settings = SimulatorSettings(epoch_s=1.0, coupled=True)
    networks = [SlicedNetwork(moving, slices, settings, *k) for k in ((None, 0.0), (late, 3.0))]
    policies = [StaticShares((0.2, 0.8)), ProportionalToDemand()]
    together = run_together(networks, policies, 7)
    for network, policy, found in zip(networks, policies, together, strict=True):
        assert run_episode(network, policy, 7).reward == found.reward


def test_kpis_tell_of_the_channel_that_there_was(tmp_path):
    trace = pair_of_cells()
    qualities = []
    for other in (51, 0):
        network = SlicedNetwork(trace, [Slice(GREEDY, 2)], COUPLED)
        recorder = KpmRecorder(network, trace)
        recorder(network.step([[51], [other]]))
        folder = recorder.write(tmp_path / str(other))
        rows = (folder / "metrics" / "1010123456001_metrics.csv").read_text().splitlines()
        told = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
        qualities.append((float(told["dl_cqi"]), float(told["dl_mcs"])))
    assert qualities[0] < qualities[1]


def test_impossible_wishes():
    trace = pair_of_cells()
    shape = trace.rss_dbm.shape
    faded = replace(trace, effective_sinr_db=np.zeros(shape, np.float32))
    with pytest.raises(OutOfRangeError, match="without --link paths"):
        SlicedNetwork(faded, [Slice(CALM, 2)], COUPLED)
    SlicedNetwork(faded, [Slice(CALM, 2)], FIXED)
    with pytest.raises(OutOfRangeError, match="interference_load is 2"):
        SlicingExperiment(interference_load=2.0)
