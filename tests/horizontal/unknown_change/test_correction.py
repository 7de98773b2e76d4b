"""Unknown change is explained by what happened, or left alone; kriging is the peer's."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from rtwin.calibration.campaign.measurements import Link, Measurements
from rtwin.errors import CampaignError
from rtwin.horizontal import trace_state
from rtwin.horizontal.edits import edits_from_dict
from rtwin.horizontal.rehearsal import Hypothesis
from rtwin.horizontal.unknown_change import correction
from rtwin.horizontal.unknown_change.candidates import NUM_FREE, Proposals
from rtwin.horizontal.unknown_change.correction import correct
from rtwin.horizontal.unknown_change.residuals import (
    krige,
    nearest_neighbours,
    residuals,
    residuals_of,
)
from rtwin.horizontal.unknown_change.synthesis import Synthesis, stored_twin

NOISE_DB = 1.0


@pytest.fixture(scope="module")
def twin(two_boxes):
    mast = {
        "name": "mast",
        "position_m": [0, 0, 12],
        "azimuth_deg": 20,
        "downtilt_deg": 8,
        "antenna": {"pattern": "tr38901"},
    }
    recipe = two_boxes(transmitter=[mast], radio_map={"area": [-45, -45, 45, 45]})
    return stored_twin(trace_state(recipe))


def after(twin, **edit):
    edits = edits_from_dict({"edit": [edit]}).edit
    return Synthesis(twin).gain_db(edits, np.arange(len(twin.cell_m)))


def measured(twin, truth_db, rows=40, seed=0):
    rng = np.random.default_rng(seed)
    cell = rng.choice(np.flatnonzero(truth_db[0] > -125), rows, replace=False)
    level = truth_db[0, cell] + rng.normal(0, NOISE_DB, rows)
    return residuals_of(twin, np.zeros(rows, int), cell, level, NOISE_DB)


def rmse_db(values, truth):
    return float(np.sqrt(np.mean(np.square(values - truth))))


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ({"kind": "remove_object", "object": "brick_box"}, "gone"),
        ({"kind": "set_transmitter", "transmitter": "mast", "azimuth_deg": 55.0}, "tx_fed"),
    ],
)
def test_what_happened_is_found_and_the_map_follows(twin, edit, kind):
    truth = after(twin, **edit)
    found = measured(twin, truth)
    seen = []
    made = correct(twin, found, num_traces=40, progress=lambda *step: seen.append(step))
    assert made.explanations[0].hypotheses[0].kind == kind
    if kind == "gone":
        assert made.explanations[0].hypotheses[0].subject == "brick_box"
    changed = np.abs(truth - twin.gain_db) > 1
    kriged, _ = krige(twin, found, found.value_db)
    own = rmse_db(made.gain_db[changed], truth[changed])
    assert own < 0.7 * rmse_db((twin.gain_db + kriged)[changed], truth[changed])
    assert own < 0.4 * rmse_db(twin.gain_db[changed], truth[changed])
    # An angle is found to a degree or two with so few worlds, an object exactly.
    calm = 0.5 if kind == "gone" else 1.5
    assert rmse_db(made.gain_db[~changed], truth[~changed]) < calm
    assert (made.is_stale == changed).mean() > 0.85
    assert made.num_traces <= 40 + 2 + len(made.explanations)
    assert seen[-1][0] == "worlds"
    assert seen[-1][1] <= seen[-1][2] == 40
    assert any(line.startswith("explained by: ") for line in made.reasons)


def test_an_unchanged_twin_keeps_its_bits(twin):
    made = correct(twin, measured(twin, twin.gain_db, seed=3), num_traces=10)
    assert np.array_equal(made.gain_db, twin.gain_db)
    assert not made.is_stale.any()
    assert made.num_traces == 0
    assert "agrees" in made.reasons[0]


def test_a_louder_phone_changes_no_map(twin):
    found = measured(twin, twin.gain_db, seed=4)
    made = correct(twin, replace(found, value_db=found.value_db + 7.0), num_traces=10)
    assert made.agreements[0].verdict == "offset"
    assert np.array_equal(made.gain_db, twin.gain_db)


def test_one_outlier_changes_no_map(twin):
    found = measured(twin, twin.gain_db, seed=5)
    value = found.value_db.copy()
    value[3] += 35.0
    made = correct(twin, replace(found, value_db=value), num_traces=10)
    assert np.array_equal(made.gain_db, twin.gain_db)


def test_shuffled_measurements_change_no_map(twin):
    found = measured(twin, twin.gain_db, seed=6)
    level = twin.gain_db[0, found.cell] + found.value_db
    dealt = residuals_of(
        twin, found.tx, found.cell, np.random.default_rng(0).permutation(level), NOISE_DB
    )
    made = correct(twin, dealt, num_traces=30)
    assert made.agreements[0].verdict == "scatter"
    assert not made.explanations
    assert "no single edit explains the differences" in made.reasons
    assert np.array_equal(made.gain_db, twin.gain_db)


def test_without_tracing_it_is_kriging(twin):
    truth = twin.gain_db + np.where(twin.cell_m[:, 0] > 5, 12.0, 0.0)
    found = measured(twin, truth, rows=80)
    made = correct(twin, found, num_traces=0)
    field, sd = krige(twin, found, found.value_db)
    assert made.num_traces == 0
    # Where the field stays below 1 dB the twin keeps its bits.
    off = np.abs(field) > 1
    np.testing.assert_allclose(made.gain_db[off], (twin.gain_db + field)[off])
    assert np.array_equal(made.gain_db[~off], twin.gain_db[~off])
    np.testing.assert_allclose(made.sigma_db, sd)
    assert rmse_db(made.gain_db, truth) < 0.5 * rmse_db(twin.gain_db, truth)


def test_kriging_is_that_of_scikit_learn_with_the_scales_that_were_found(twin):
    rng = np.random.default_rng(1)
    cell = rng.choice(len(twin.cell_m), 60, replace=False)
    place = twin.cell_m[:, :2]
    field = 6 * np.sin(place[:, 0] / 15) + 4 * np.cos(place[:, 1] / 20)
    found = residuals_of(
        twin, np.zeros(60, int), cell, twin.gain_db[0, cell] + field[cell], NOISE_DB
    )
    mean, _ = krige(twin, found, found.value_db)
    kernel = ConstantKernel(36.0) * Matern(20.0, nu=0.5)
    middle = np.median(found.value_db)
    peer = GaussianProcessRegressor(kernel, alpha=0.1)
    peer.fit(place[cell], found.value_db - middle)
    expected = peer.predict(place) + middle
    assert rmse_db(mean[0], field) < 1.3 * rmse_db(expected, field) + 0.1
    assert rmse_db(mean[0], field) < 0.5 * np.std(field)


def test_a_search_begins_with_what_is_likely_and_ends_where_it_explains_all(twin):
    found = measured(twin, after(twin, kind="remove_object", object="brick_box"))
    likely = [
        Hypothesis("material", "brick_box", (), {"material": "glass"}),
        Hypothesis("gone", "brick_box", (), {"members": ["brick_box"]}),
    ]
    made = correct(twin, found, num_traces=60, likely=likely)
    assert made.explanations[0].hypotheses == (likely[1],)
    assert made.explanations[0].weight > 0.9
    blind = correct(twin, found, num_traces=60)
    assert made.num_traces < 0.8 * blind.num_traces
    # What does not explain it is no hindrance, and nothing is tried twice.
    wrong = correct(twin, found, num_traces=60, likely=likely[:1])
    told = [str(e) for e in wrong.explanations]
    assert wrong.explanations[0].hypotheses[0].subject == "brick_box"
    assert len(set(told)) == len(told)


def test_a_twin_is_no_more_wrong_than_half_of_its_rows_show(twin):
    rng = np.random.default_rng(3)
    cell = rng.choice(np.flatnonzero(twin.gain_db[0] > -110), 60, replace=False)
    wide = replace(twin, sigma_db=np.full_like(twin.sigma_db, 6.0))

    def shown(off_db):
        level = twin.gain_db[0, cell] + off_db
        found = residuals_of(wide, np.zeros(60, int), cell, level, NOISE_DB)
        np.testing.assert_allclose(found.sd_db, np.hypot(NOISE_DB, 6.0))
        return found.shown_sd_db(found.value_db)

    np.testing.assert_allclose(shown(np.zeros(60)), NOISE_DB)
    few = np.where(np.arange(60) < 15, -20.0, 0.0) + rng.normal(0, NOISE_DB, 60)
    assert shown(few).max() < 2.0
    np.testing.assert_allclose(shown(rng.normal(0, 4.0, 60)), 4.0, atol=1.0)
    np.testing.assert_allclose(shown(rng.normal(0, 30.0, 60)), np.hypot(NOISE_DB, 6.0))


def test_neighbours(twin):
    found = residuals_of(twin, [0, 0], [0, 17], twin.gain_db[0, [0, 17]] + [3.0, 5.0], 1.0)
    np.testing.assert_allclose(nearest_neighbours(twin, found, 1)[0, [0, 1, 17]], [3, 3, 5])
    assert nearest_neighbours(twin, found, 2)[0, 5] == pytest.approx(4.0)
    assert nearest_neighbours(twin, found, 2, 2.0)[0, 0] == pytest.approx(3.0, abs=1e-6)


def campaign(level, position, names=("mast",), **changes):
    links = tuple(Link(n, (0.0, 0.0, 12.0), 0.0, 0.0, "iso", None, 3.5e9) for n in names)
    num = len(level)
    data = Measurements(
        links,
        ("phone",),
        np.zeros(num, np.int64),
        np.zeros(num, np.int64),
        np.asarray(position, float),
        np.asarray(level, float),
        np.zeros(num, bool),
        np.ones(num, np.int64),
        np.full(num, 2.0),
        {},
    )
    return replace(data, **changes)


def test_rows_of_a_cell_are_one_mean_in_linear_power(twin):
    middle = twin.cell_m[40]
    spots = middle + np.array([[-2.4, 2.4, 0], [2.4, -2.4, 0], [500, 0, 0]])
    data = campaign([-80.0, -90.0, -70.0], spots)
    found = residuals(twin, data, "path_gain_db")
    assert found.cell.tolist() == [40]
    mean = 10 * np.log10((1e-8 + 1e-9) / 2)
    assert found.value_db[0] == pytest.approx(mean - twin.gain_db[0, 40])
    assert found.set_aside == {"outside the map": 1}
    received = residuals(twin, campaign([-80.0 + 44, -90.0 + 44], spots[:2]), "rss_dbm")
    assert received.value_db[0] == pytest.approx(found.value_db[0])


def test_measurements_that_do_not_fit_the_twin(twin):
    data = campaign([-80.0], [twin.cell_m[3]], names=("most",))
    with pytest.raises(CampaignError, match="no transmitter 'most'; did you mean 'mast'"):
        residuals(twin, data, "path_gain_db")
    data = campaign([-80.0], [[1e4, 0, 1.5]])
    with pytest.raises(CampaignError, match="no measurement lies in a cell of the twin's map"):
        residuals(twin, data, "path_gain_db")
    with pytest.raises(CampaignError, match="the campaign measured rms_delay_spread_s"):
        residuals(twin, data, "rms_delay_spread_s")


def test_every_candidate_is_a_valid_edit(twin):
    found = measured(twin, after(twin, kind="remove_object", object="metal_box"))
    proposals = Proposals(twin, found, found.value_db / found.sd_db)
    drawn = proposals.first(60)
    drawn += proposals.around(drawn, 20, 1.0)
    assert {c.kind for c in drawn} == set(NUM_FREE)
    names = {part.name for part in twin.parts.parts}
    for candidate in drawn:
        assert len(candidate.values) == NUM_FREE[candidate.kind]
        assert len(candidate.edits) == 1
        assert str(candidate)
        assert candidate.subject != "ground"
        if candidate.kind == "added":
            assert candidate.subject not in names
    again = Proposals(twin, found, found.value_db / found.sd_db).first(60)
    assert again == drawn[:60]


def test_candidates_say_what_they_are():
    assert str(Hypothesis("gone", "car")) == "'car' is gone"
    assert str(Hypothesis("moved", "car", (1.25, -3.0))) == "'car' moved by 1.2, -3.0 m"
    assert str(Hypothesis("material", "wall", detail={"material": "glass"})) == "'wall' is of glass"


def test_weights_of_worlds_are_bayes_by_hand():
    """Half for nothing; a kind pays for its parameters, objects and materials by their number."""
    search = object.__new__(correction._Search)
    kinds = ["gone", "gone", "material", "moved", "moved", "added"]
    search._candidates = [SimpleNamespace(kind=kind) for kind in kinds]
    fits = np.array([-9.0, -4.0, -6.0, -4.5, -3.0, -5.0, -2.0])
    search._fits = [np.array([0.25 * fit, 0.75 * fit]) for fit in fits]
    search._found = SimpleNamespace(value_db=np.zeros(2))
    search._proposals = SimpleNamespace(num_objects=5)
    kind = np.log(len(NUM_FREE) / 0.5)  # a sixth of the other half for each kind
    best, second = np.exp(0.0), np.exp(-2.0)  # of what moved
    moved = -3.0 - np.log(2) - kind - np.log(5) + np.log([best, second]) - np.log(best + second)
    score = [
        *(-9.0 + np.log(0.5), -4.0 - kind - np.log(5), -6.0 - kind - np.log(5)),
        *(-4.5 - kind - np.log(5) - np.log(3), *moved, -2.0 - 2 * np.log(2) - kind),
    ]
    np.testing.assert_allclose(search.weights(), np.exp(score) / np.exp(score).sum(), rtol=1e-12)
    assert search.weights(np.array([True, False])).argmax() == 0  # too few to believe anything
