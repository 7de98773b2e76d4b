"""The studies' figures, on little of them: what must hold however small they are."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.federation import LinearModel, load_traffic
from rtwin.federation.studies import (
    PoisoningStudy,
    PrivacyStudy,
    TrafficStudy,
    poisoning_results,
    privacy_results,
    run_history,
    run_holidays,
    run_poisoning,
    run_privacy,
    run_traffic,
    run_trust,
    traffic_results,
    trust_results,
)
from rtwin.federation.studies.traffic import BUILDING, KEEPING
from rtwin.federation.traffic import NUM_INPUTS, TWO_MONTHS

SMALL = TrafficStudy(clusters=3, rounds=4, epochs=2, history=(1, 16), drifts=("none", "cells x1.5"))


@pytest.fixture(scope="module")
def milan():
    return load_traffic()


@pytest.fixture(scope="module")
def cells(milan):
    return milan.take(list(range(0, 25, 2)))


@pytest.fixture(scope="module")
def kept(cells):
    schemes, clusters = run_traffic(SMALL, cells, LinearModel(NUM_INPUTS))
    history = run_history(SMALL, cells, LinearModel(NUM_INPUTS))
    return schemes, clusters, history


def test_clusters_change_the_bill_and_nothing_else(kept):
    schemes = {(s.phase, s.drift, s.name): s for s in kept[0]}
    assert len(schemes) == len(BUILDING) + 2 * len(KEEPING)
    flat = schemes["V", "none", "flat, synchronous"]
    clustered = schemes["V", "none", "clustered, synchronous (V-twin)"]
    assert np.allclose(flat.forecast, clustered.forecast)
    assert clustered.cost.core_bytes == pytest.approx(flat.cost.core_bytes * 3 / 13)
    assert clustered.cost.edge_bytes == flat.cost.core_bytes
    assert flat.cost.edge_bytes == 0.0


def test_never_updating_costs_nothing_and_follows_what_was_built(kept):
    schemes = {(s.phase, s.drift, s.name): s for s in kept[0]}
    never = schemes["H", "none", "never updated"]
    assert (never.cost.wall_s, never.cost.core_bytes) == (0.0, 0.0)
    built = schemes["V", "none", "clustered, synchronous (V-twin)"]
    assert np.allclose(never.forecast, built.forecast)


def test_growth_is_seen_in_the_error(kept):
    schemes = {(s.phase, s.drift, s.name): s for s in kept[0]}
    for name in KEEPING:
        assert schemes["H", "cells x1.5", name].mae > schemes["H", "none", name].mae


def test_intervals_cover_what_they_say(kept):
    for scheme in kept[0]:
        if scheme.drift == "none":
            assert 0.85 < scheme.covered < 0.95, scheme.name


def test_tables_of_traffic(kept, cells):
    made = traffic_results(SMALL, cells, "linear", *kept)
    tables = {table.name: table for table in made.tables}
    assert [row["scheme"] for row in tables["building"].rows] == list(BUILDING)
    saving = {(r["single level"], r["of"]): r["saved [%]"].mean for r in tables["saving"].rows}
    schemes = {(s.phase, s.drift, s.name): s.cost for s in kept[0]}
    ours = (
        schemes["V", "none", "clustered, synchronous (V-twin)"].wall_s
        + schemes["H", "none", "asynchronous, clustered (H-twin)"].wall_s
    )
    theirs = (
        schemes["V", "none", "flat, synchronous"].wall_s
        + schemes["H", "none", "flat, kept warm"].wall_s
    )
    found = saving["one flat federation, kept warm", "wall clock"]
    assert found == pytest.approx(100.0 * (1.0 - ours / theirs))
    assert [row["days of its own"] for row in tables["history"].rows] == [1, 16]
    assert set(made.pictures) == {"costs", "forecast", "clusters"}
    assert made.arrays.forecast.sizes == {"scheme": len(kept[0]), "hour": 168, "cell": 13}


def test_a_day_of_data_is_too_little_to_start_from(kept):
    mae = {(h.days, h.learner): h.mae for h in kept[2]}
    assert mae[1, "global as it is"] < mae[1, "scratch"]
    assert mae[16, "scratch"] < mae[1, "scratch"]


def test_refitting_pays_in_the_holidays_alone():
    rows = run_holidays(load_traffic(TWO_MONTHS))
    gain = [1.0 - row["last 7 days"] / row["never updated"] for row in rows]
    assert gain[0] < 0.03
    assert min(gain[-2:]) > 0.25


def test_what_is_impossible_is_said(milan):
    with pytest.raises(OutOfRangeError, match="it must have 14 or more"):
        run_traffic(SMALL, milan.days(0, 10), LinearModel(NUM_INPUTS))
    with pytest.raises(OutOfRangeError, match="drifts has 'flood'"):
        TrafficStudy(drifts=("flood",))
    with pytest.raises(OutOfRangeError, match="rules has 'majority'"):
        PoisoningStudy(rules=("majority",))
    with pytest.raises(OutOfRangeError, match=r"fakes is 1\.0; it must be between 0 and 1"):
        PoisoningStudy(fakes=(1.0,))


@pytest.fixture(scope="module")
def poisoned(cells):
    study = PoisoningStudy(
        rules=("mean", "biweight", "root bound"),
        attacks=("MPAF", "min-max"),
        seeds=2,
        rounds=6,
        buffer=6,
        root_cells=3,
    )
    return study, run_poisoning(study, cells, LinearModel(NUM_INPUTS))


def test_the_mean_breaks_and_the_default_does_not(poisoned):
    _, outcomes = poisoned
    assert len(outcomes) == 2 * 2 * 3 * (1 + 2 * 2)
    for outcome in outcomes:
        if outcome.case.rule == "mean" and outcome.case.attack == "MPAF":
            assert outcome.mae > 10.0
    calm = {
        (o.phase, o.seed): o.mae
        for o in outcomes
        if (o.case.rule, o.case.attack) == ("root bound", "none")
    }
    for o in outcomes:
        if o.case.rule == "root bound":
            assert o.mae < 1.1 * calm[o.phase, o.seed]


def test_tables_of_poisoning(poisoned):
    study, outcomes = poisoned
    made = poisoning_results(study, "linear", outcomes)
    table = made.tables[0]
    assert list(table.rows[0])[:4] == ["rule", "breaks down at", "none", "MPAF 20 %"]
    by_rule = {row["rule"]: row for row in table.rows}
    assert by_rule["mean"]["worst over none"] == "broken"
    mae = made.arrays.mae.sel(phase="V", rule="mean", attack="MPAF", fakes=0.4)
    assert float(mae.mean()) == pytest.approx(by_rule["mean"]["MPAF 40 %"].mean)
    assert "root bound" in table.notes + made.tables[1].notes


def test_without_clean_data_rules_that_need_some_are_left_out(cells):
    study = PoisoningStudy(
        rules=("mean", "FLTrust"), attacks=("ALIE",), seeds=1, rounds=1, root_cells=0
    )
    outcomes = run_poisoning(study, cells, LinearModel(NUM_INPUTS))
    assert {o.case.rule for o in outcomes} == {"mean"}
    assert "`biweight`" in poisoning_results(study, "linear", outcomes).tables[1].notes


def test_tables_of_trust(milan):
    kinds = ("5 % of values by 4 sd", "one source, all hours, +1 sd")
    found = run_trust(milan, 1, kinds)
    made = trust_results(milan, {"seeds": 1}, found)
    rows = {row["tampering"]: row for row in made.tables[0].rows}
    spikes, liar = (rows[kind] for kind in kinds)
    assert spikes["recall"].mean > 0.95
    assert spikes["replaced"].mean - spikes["clean"].mean < 0.1 * (
        spikes["poisoned"].mean - spikes["clean"].mean
    )
    assert liar["lasting liars found"] == "1 of 1"
    assert made.tables[1].rows[0]["lasting liar"] is True
    assert made.arrays.untrusted.sizes["hour"] == 168


@pytest.fixture(scope="module")
def hidden(cells):
    study = PrivacyStudy(sigmas=(1.0, 8.0), bits=(8,), rounds=6, seeds=2)
    return study, run_privacy(study, cells, LinearModel(NUM_INPUTS))


def test_secure_sums_change_nothing_and_noise_costs(hidden):
    mae = {(h.way, h.seed): h.mae for h in hidden[1]}
    for seed in (1, 2):
        plain = mae["as they are", seed]
        assert mae["secure sum", seed] == pytest.approx(plain, abs=1e-4)
        assert mae["8 bits", seed] == pytest.approx(plain, rel=0.02)
        assert mae["noise 8", seed] > mae["noise 1", seed]


def test_less_noise_is_a_larger_epsilon(hidden):
    study, found = hidden
    epsilon = {h.way: h.epsilon for h in found}
    assert epsilon["noise 1"] > epsilon["noise 8"] > 0
    assert np.isnan(epsilon["secure sum"])
    made = privacy_results(study, "linear", found)
    rows = {row["updates"]: row for row in made.tables[0].rows}
    assert rows["noise 8"]["epsilon"] == f"{epsilon['noise 8']:.1f}"
    # Seven weights of four bytes; of one byte, and a step.
    assert rows["as they are"]["bytes of an update"] == "28"
    assert rows["8 bits"]["bytes of an update"] == "11"
