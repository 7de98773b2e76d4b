"""Scores in closed form, and ratios that know how many scenes they come from."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal.learned.benchmark.run import run_benchmark
from rtwin.horizontal.learned.benchmark.scores import Scores, Update
from rtwin.horizontal.learned.network.graph import is_changed, judged, scaled, unscaled
from rtwin.horizontal.learned.pairs.rungs import common_random_delta


@pytest.fixture
def job(street):
    """A scene with one made-up pair: ten judged cells move by 6 dB."""
    pair = street.pairs[0]
    stale = street.stale.astype(np.float64)
    truth = stale.copy()
    places = np.flatnonzero(stale[:, 0] > -100)[:10]
    truth[places, 0] += 6
    made = replace(pair, truth=truth, valid=np.ones(len(stale), bool), kind="material")
    return street, made, places


def test_figures_in_closed_form(job):
    scene, pair, places = job
    new = scene.stale.astype(np.float64)
    new[places[:8], 0] += 6  # eight are right, two are missed
    others = np.setdiff1d(np.flatnonzero(judged(scene, pair)), places)
    new[others[:2], 0] += 3  # two are said to change and do not
    width = np.full(len(new), 2.0)
    scores = Scores()
    scores.add("way", scene, pair, Update(new, 0.5, width))
    found = scores.figures("way")
    count = judged(scene, pair).sum()
    assert is_changed(scene, pair).sum() == 10
    assert found["changed_db"] == pytest.approx(np.sqrt(2 * 36 / 10))
    assert found["still_db"] == pytest.approx(np.sqrt(2 * 9 / (count - 10)))
    assert found["rmse_db"] == pytest.approx(np.sqrt((2 * 36 + 2 * 9) / count))
    assert (found["recall"], found["precision"]) == pytest.approx((0.8, 0.8))
    assert found["kept"] == pytest.approx(1 - 10 / count)
    assert found["coverage"] == pytest.approx(1 - 4 / count)
    assert found["changed_coverage"] == pytest.approx(0.8)
    assert found["seconds"] == 0.5
    assert np.isnan(scores.figures("way", ["door"])["changed_db"])


def test_stale_and_truth_are_the_ends(job):
    scene, pair, _ = job
    scores = Scores()
    scores.add("stale", scene, pair, Update(scene.stale.astype(np.float64), 0.0))
    scores.add("truth", scene, pair, Update(np.asarray(pair.truth), 1.0))
    assert scores.figures("stale")["changed_db"] == pytest.approx(6.0, abs=1e-5)
    assert scores.figures("stale")["kept"] == 1.0
    assert scores.figures("truth")["rmse_db"] == 0
    assert scores.figures("truth")["recall"] == scores.figures("truth")["precision"] == 1


def test_a_ratio_of_one_way_to_itself_is_one(job):
    scene, pair, places = job
    scores = Scores()
    for number in range(3):
        new = scene.stale.astype(np.float64)
        new[places[: 3 * number], 0] += 6
        other = replace(scene, name=f"scene_{number}")
        scores.add("way", other, pair, Update(new, 0.0))
        scores.add("stale", other, pair, Update(scene.stale.astype(np.float64), 0.0))
    assert scores.ratio("way", "way", "rmse_db") == (1, 1, 1)
    value, low, high = scores.ratio("way", "stale", "rmse_db")
    assert low < value < high


def test_scaling_goes_both_ways(street):
    np.testing.assert_allclose(unscaled(scaled(street.stale)), street.stale, rtol=1e-6, atol=1e-12)


def test_a_delta_of_equal_maps_is_the_stale_map(street):
    stale = street.stale.astype(np.float64)
    few = stale + np.array([1.0, 0, 0, 0])
    for guard in ("stale", "new", "zero"):
        assert np.array_equal(common_random_delta(stale, few, few, guard), stale)
    after = few.copy()
    after[3, 0] += 10 * np.log10(2)
    # The power that came is added: (2 - 1) of the few-ray map's on the stale one.
    moved = common_random_delta(stale, few, after, "stale")
    expected = 10 * np.log10(10 ** (stale[3, 0] / 10) + 10 ** (few[3, 0] / 10))
    assert moved[3, 0] == pytest.approx(expected)
    assert np.array_equal(np.delete(moved, 3, 0), np.delete(stale, 3, 0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"num_scenes": 99}, "1 to 22"), ({"pairs_per_scene": 0}, "1 to 200"), ({"share": 0}, "0.5")],
)
def test_impossible_benchmarks_get_one_line(wrong, said, tmp_path):
    with pytest.raises(OutOfRangeError, match=said):
        run_benchmark(tmp_path, **wrong)


def test_pictures_show_what_they_say(job, tmp_path):
    pytest.importorskip("matplotlib")
    from rtwin.horizontal.learned.benchmark.pictures import plot_frontier, plot_update, save_figure
    from rtwin.horizontal.learned.benchmark.run import Benchmark

    scene, pair, places = job
    other = replace(scene, pairs=(pair,))
    figure = plot_update(other, 0, Update(np.asarray(pair.truth), 0.1), places[:3])
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles[:3] == ["before", "after", "update"]
    assert "0.0 dB after the update" in figure.get_suptitle()
    scores = Scores()
    scores.add("stale", scene, pair, Update(scene.stale.astype(np.float64), 0.0))
    scores.add("gnn", scene, pair, Update(np.asarray(pair.truth), 0.1))
    figure = plot_frontier(Benchmark(scores, scores, 1, 1))
    names = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert names == ["stale", "GNN"]
    assert save_figure(figure, tmp_path / "frontier.png").stat().st_size > 5000
