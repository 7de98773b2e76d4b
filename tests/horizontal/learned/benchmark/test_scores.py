"""Scores in closed form, and ratios that know how many scenes they come from."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from rtwin.horizontal.learned.benchmark import run
from rtwin.horizontal.learned.benchmark.detection import (
    Detection,
    average_precision,
    roc_area,
)
from rtwin.horizontal.learned.benchmark.scores import Scores, Update, sums_of
from rtwin.horizontal.learned.worlds import Truth
from rtwin.horizontal.rehearsal import Hypothesis


def test_figures_in_closed_form():
    truth = np.zeros((1, 20))
    truth[0, :5] = 6.0
    judged = np.ones((1, 20), bool)
    judged[0, 19] = False
    change = truth.copy()
    change[0, 0] = 3.0  # half of a change is missed
    change[0, 10:12] = -2.0  # two cells are said to change and do not
    change[0, 19] = 99.0  # nobody judges this one
    update = Update(change, 0.5, np.full((1, 20), 2.5), is_named=True, says_none=False)
    scores = Scores()
    scores.add("scene", "way", ["all", "some"], sums_of(truth, judged, update, False))
    found = scores.figures("way", "all")
    assert found["changed_db"] == pytest.approx(np.sqrt(9 / 5))
    assert found["still_db"] == pytest.approx(np.sqrt(8 / 14))
    assert found["rmse_db"] == found["map_db"] == pytest.approx(np.sqrt(17 / 19))
    assert found["coverage"] == pytest.approx(18 / 19)
    assert (found["named"], found["false_none"], found["seconds"]) == (1.0, 0.0, 0.5)
    assert np.isnan(found["none"])
    assert scores.figures("way", "some") == pytest.approx(found, nan_ok=True)
    assert np.isnan(scores.figures("way", "other")["changed_db"])


def test_a_map_is_judged_by_the_world_that_it_is_of():
    """What twin and world differed in before counts for the map, and is no change."""
    truth, judged = np.zeros((1, 10)), np.ones((1, 10), bool)
    world = np.full((1, 10), 4.0)  # the twin was 4 dB too low, nothing happened
    scores = Scores()
    for way, change in (("stale", truth), ("corrected", world)):
        scores.add("scene", way, ["all"], sums_of(truth, judged, Update(change, 0.0), False, world))
    stale, corrected = (scores.figures(way, "all") for way in ("stale", "corrected"))
    assert (stale["still_db"], stale["map_db"]) == (0.0, 4.0)
    assert (corrected["still_db"], corrected["map_db"]) == (4.0, 0.0)


def test_intervals_are_over_scenes():
    """Many cells of one scene are one scene: its interval is a point; of many scenes it is not."""
    rng, judged = np.random.default_rng(0), np.ones((1, 50), bool)
    scores = Scores()
    for scene in range(12):
        truth = rng.normal(0, 5, (1, 50))
        for way, size in (("good", 1.0), ("bad", 2.0)):
            change = truth + rng.normal(0, size * (1 + scene % 3), (1, 50))
            sums = sums_of(truth, judged, Update(change, 0.0), False)
            scores.add(f"scene {scene}", way, ["all"], sums)
            if scene == 0:
                scores.add("alone", way, ["one"], sums)
    value, low, high = scores.ratio("good", "bad", "changed_db", "all")
    assert low < value < high
    assert value == pytest.approx(0.5, abs=0.1)
    alone = scores.ratio("good", "bad", "changed_db", "one")
    assert alone[0] == pytest.approx(alone[1]) == pytest.approx(alone[2])
    value, low, high = scores.interval("bad", "rmse_db", "all")
    assert low < value < high


def test_areas_are_scikit_learns():
    rng = np.random.default_rng(1)
    signal, truth = rng.integers(0, 30, 400) / 10, rng.random(400) < 0.2
    assert roc_area(signal, truth) == pytest.approx(roc_auc_score(truth, signal))
    smooth = rng.normal(size=400)
    assert average_precision(smooth, truth) == pytest.approx(average_precision_score(truth, smooth))


def test_thresholds_come_from_other_scenes():
    rng, detection = np.random.default_rng(2), Detection()
    for scene in range(40):
        truth = rng.random(200) < 0.2
        signal = rng.normal(0, 1, 200) + 3 * truth
        detection.add(scene, scene < 20, truth, {"signal": signal})
    line = list(detection.lines())[-1]
    recall = float(line.split("|")[4])
    assert 0.85 < recall < 0.97


@dataclass(frozen=True)
class Told:
    """A posterior that says what it was made to say."""

    weight: float
    chance: float
    hypotheses: tuple
    library: object = None

    def named(self, most):
        assert most == 1
        return [(self.chance, tuple(range(len(self.hypotheses))))]


def told(*hypotheses, chance=0.6):
    entries = [SimpleNamespace(hypothesis=each) for each in hypotheses]
    return Told(0.0, chance, hypotheses, SimpleNamespace(entries=entries))


@pytest.mark.parametrize(
    ("kind", "hypotheses", "p_none", "right"),
    [
        ("gone", [Hypothesis("gone", "house")], 0.1, True),
        ("gone", [Hypothesis("gone", "shed")], 0.1, False),
        ("gone", [Hypothesis("gone", "shed"), Hypothesis("gone", "house")], 0.1, True),
        ("gone", [Hypothesis("gone", "house")], 0.6, False),  # "none of these" is as likely
        ("gone", [], 0.1, False),
        ("null", [Hypothesis("gone", "house")], 0.1, None),
        ("outside", [Hypothesis("gone", "house")], 0.1, None),
        ("added", [Hypothesis("added", "new_1", (3.0, 47.0, 0.0, 1.0))], 0.1, True),
        ("added", [Hypothesis("added", "new_1", (3.0, 49.0, 0.0, 1.0))], 0.1, False),
        ("added", [Hypothesis("moved", "new_1", (3.0, 47.0))], 0.1, False),
    ],
)
def test_the_likeliest_cause_is_right_by_name_or_place(kind, hypotheses, p_none, right):
    box = {"kind": "add_object", "object": {"name": "truth_1", "center_m": [3.0, 40.0, 1.0]}}
    tables = (box,) if kind == "added" else ()
    case = SimpleNamespace(truth=Truth(kind, tables, ("house",)))
    assert run.named_right(case, told(*hypotheses), 0.5, p_none) is right
