"""The cheapest acceptable rung wins, and the sentence says why."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal.decision.choice import Decision, Drift, Evidence, Limits, Rung, decide

PARTIAL = Rung("partial", 1.0)
LEARNED = Rung("learned", 0.1, 1.0, is_learned=True)
FULL = Rung("full", 5.0)
RUNGS = (FULL, PARTIAL, LEARNED)


def evidence(num=100, touched=20, sigma=1.0, **changes):
    is_candidate = np.arange(num) < touched
    found = Evidence(
        "mast",
        is_candidate,
        np.where(is_candidate, 0.8, 0.0),
        np.full(num, float(sigma)),
        Drift.none(num),
    )
    return replace(found, **changes)


def test_the_cheapest_acceptable_rung():
    made = decide(evidence(), RUNGS)
    assert made.rung is LEARNED
    assert np.bincount(made.cells, minlength=3).tolist() == [80, 20, 0]
    assert made.reason == (
        "learned: 1.0 dB expected for 0.1 s over 20 % of the cells; partial would cost 1 s"
    )


def test_exact_partial_tracing_wins_where_it_is_cheaper():
    made = decide(evidence(), (FULL, replace(PARTIAL, seconds=0.05), LEARNED))
    assert made.rung.name == "partial"
    assert (made.cells[:20] == Decision.RETRACE).all()
    assert made.reason.startswith("partial: exact for 0.05 s")


def test_nothing_touched_is_preserved():
    quiet = evidence(chance=np.full(100, 0.01))
    made = decide(quiet, RUNGS, threshold=0.05)
    assert made.rung is None
    assert not made.cells.any()
    assert made.seconds == 0.0
    assert made.reason == "no cell is likely enough to have changed (20 of 100 could have)"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"distance": 1.7}, "not learned, the scene is unlike those of training (distance 1.7)"),
        ({"displacement_m": 3.0}, "not learned, the transmitter moved by 3 m"),
        (
            {"sigma_db": np.full(100, 9.0)},
            "not learned, 100 % of the touched cells are too uncertain or updated too often",
        ),
        (
            {"drift": Drift(np.full(100, 20.0), np.zeros(100, np.int64))},
            "not learned, 100 % of the touched cells are too uncertain or updated too often",
        ),
        (
            {"drift": Drift(np.zeros(100), np.full(100, 5))},
            "not learned, 100 % of the touched cells are too uncertain or updated too often",
        ),
    ],
)
def test_what_speaks_against_a_learned_update(changes, why):
    made = decide(evidence(**changes), RUNGS)
    assert made.rung is PARTIAL
    assert why in made.reason
    assert "learned" in made.refused


def test_a_few_doubtful_cells_are_traced_alone():
    sigma = np.where(np.arange(100) < 4, 9.0, 1.0)
    made = decide(evidence(sigma_db=sigma), RUNGS)
    assert made.rung is LEARNED
    assert np.flatnonzero(made.cells == Decision.RETRACE).tolist() == [0, 1, 2, 3]


def test_drift_is_the_sum_of_variances_until_a_trace():
    drift = Drift.none(3)
    for _ in range(3):
        drift = drift.after(np.array([0, 1, 1], np.uint8), np.array([2.0, 2.0, 1.0]))
    assert drift.variance_db2.tolist() == [0.0, 12.0, 3.0]
    assert drift.num_updates.tolist() == [0, 3, 3]
    drift = drift.after(np.array([0, 2, 1], np.uint8), np.ones(3))
    assert drift.variance_db2.tolist() == [0.0, 0.0, 4.0]
    assert drift.num_updates.tolist() == [0, 0, 4]


def test_chained_updates_end_in_a_trace():
    found, limits = evidence(sigma=1.5), Limits(drift_db=3.0)
    names = []
    for _ in range(5):
        made = decide(found, RUNGS, limits=limits)
        names.append(made.rung.name)
        found = replace(found, drift=found.drift.after(made.cells, found.sigma_db))
    # The root of 1.5^2 n exceeds 3 dB with the fifth update.
    assert names == ["learned"] * 4 + ["partial"]
    assert not found.drift.variance_db2.any()


def test_a_lossy_rung_is_not_taken_for_its_price():
    made = decide(evidence(), (Rung("few rays", 0.01, 6.0), PARTIAL))
    assert made.rung is PARTIAL
    assert "not few rays, 6.0 dB of error are expected" in made.reason


def test_no_acceptable_rung_is_an_error():
    with pytest.raises(OutOfRangeError, match=r"no rung is acceptable \(few rays\); add one"):
        decide(evidence(), (Rung("few rays", 0.01, 6.0),))
    with pytest.raises(OutOfRangeError, match="drift_db is -1; it must be 0 or more"):
        Limits(drift_db=-1)
