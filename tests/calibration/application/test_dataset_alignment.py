"""Weights of a dataset: exact where the ratio of the densities is known."""

import json

import numpy as np
import pytest

from rtwin.calibration import align, align_weights
from rtwin.calibration.application.dataset_alignment import (
    distance,
    effective_links,
    read_quantities,
)
from rtwin.errors import CampaignError, OutOfRangeError, StoreError


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(5)
    own = {"path_gain_db": rng.normal(-100, 10, 6000), "k_factor_db": rng.normal(0, 6, 6000)}
    real = {"path_gain_db": rng.normal(-94, 8, 3000), "k_factor_db": rng.normal(3, 5, 3000)}
    return own, real


@pytest.mark.parametrize("method", ["quantile", "importance"])
def test_distributions_come_near(samples, method):
    own, real = samples
    weight = align_weights(own, real, method)
    assert weight.mean() == pytest.approx(1.0, rel=0.02)
    for name in own:
        before = distance(own[name], np.ones(6000), real[name])
        after = distance(own[name], weight, real[name])
        assert after[0] < 0.06 < 0.2 < before[0]
        assert after[1] < 0.25 * before[1]
    assert 500 < effective_links(weight) < 6000


def test_importance_is_the_ratio_of_the_densities(samples):
    own, real = samples
    weight = align_weights(own, real, "importance")
    x, k = own["path_gain_db"], own["k_factor_db"]
    true = np.exp(
        0.5 * ((x + 100) / 10) ** 2
        - 0.5 * ((x + 94) / 8) ** 2
        + 0.5 * (k / 6) ** 2
        - 0.5 * ((k - 3) / 5) ** 2
    )
    middle = (np.abs(x + 97) < 12) & (np.abs(k) < 8)
    error = np.log(weight[middle] / weight[middle].mean() / true[middle] * true[middle].mean())
    assert np.sqrt(np.mean(error**2)) < 0.2


def test_equal_distributions_need_no_weights(samples):
    own, _ = samples
    weight = align_weights(own, own)
    assert np.abs(weight - 1).max() < 0.02
    assert effective_links(weight) == pytest.approx(6000, rel=1e-3)


def test_distances_have_closed_forms():
    values = np.linspace(0, 1, 4001)
    ks, wasserstein = distance(values, np.ones(4001), values + 0.25)
    assert ks == pytest.approx(0.25, abs=1e-3)
    assert wasserstein == pytest.approx(0.25, abs=1e-3)
    # Weights 2x turn a uniform distribution into one with distribution function x^2.
    ks, _ = distance(values, 2 * values, values)
    assert ks == pytest.approx(0.25, abs=1e-3)


def test_an_unknown_level_is_no_difference(samples):
    own, real = samples
    moved = {**real, "path_gain_db": real["path_gain_db"] + 40}
    free = align_weights(own, moved, offset_db=None)
    for_real = align_weights(own, {**real, "path_gain_db": real["path_gain_db"] - 6}, "quantile")
    assert np.corrcoef(free, for_real)[0, 1] > 0.95


def test_links_without_a_value_count_for_nothing(samples):
    own, real = samples
    gain = own["path_gain_db"].copy()
    gain[:100] = -np.inf
    weight = align_weights({**own, "path_gain_db": gain}, real)
    assert np.all(weight[:100] == 0)


def test_errors_are_one_line(samples, tmp_path):
    own, real = samples
    with pytest.raises(OutOfRangeError, match="must be quantile or importance"):
        align_weights(own, real, "guess")
    with pytest.raises(OutOfRangeError, match="none in common"):
        align_weights({"path_gain_db": np.zeros(30)}, {"k_factor_db": np.zeros(30)})
    with pytest.raises(OutOfRangeError, match=r"no link is like .*, measured -300 to -300\)"):
        align_weights({"path_gain_db": np.arange(-90.0, 0)}, {"path_gain_db": np.full(90, -300.0)})
    file = tmp_path / "m.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(CampaignError, match="has none of the columns"):
        read_quantities(file)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("path_gain_db", -1e308),
        ("path_gain_db", 3e4),
        ("rms_delay_spread_s", -1e-9),
        ("rms_delay_spread_s", 50.0),
        ("aoa_azimuth_spread_deg", 1e300),
    ],
)
def test_values_that_cannot_be_say_their_row(column, value, tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("\n".join([column, *["0.5"] * 30, str(value)]))
    with pytest.raises(CampaignError) as caught:
        read_quantities(file)
    assert f"column '{column}': row 31 has {value:g}; it must be" in str(caught.value)


def test_a_dataset_is_aligned_with_what_was_measured(tmp_path):
    from rtwin.calibration.application.dataset_alignment import link_quantities
    from rtwin.dataset import generate
    from rtwin.scene import load_recipe

    names = ("path_gain_db", "rms_delay_spread_s", "aoa_azimuth_spread_deg")
    file = generate(load_recipe("courtyard", max_depth=2, num_receivers=150), tmp_path / "c.h5")
    found = link_quantities(file, names)
    # Somebody measured in the better half alone.
    good = np.flatnonzero(found["path_gain_db"] > np.median(found["path_gain_db"]))
    table = tmp_path / "measured.csv"
    rows = [",".join(f"{found[name][n]:.6g}" for name in names) for n in good]
    table.write_text("\n".join([",".join(names), *rows]))
    report = align(file, table, tmp_path / "report.json")
    for row in report["quantities"].values():
        assert row["ks_after"] < row["ks_before"]
    assert report["quantities"]["path_gain_db"]["ks_after"] < 0.2
    assert len(json.loads((tmp_path / "report.json").read_text())["weight"]) == len(
        found["path_gain_db"]
    )
    made = (tmp_path / "report.json").stat().st_mtime_ns
    again = align(file, table, tmp_path / "report.json")
    assert again["quantities"] == report["quantities"]
    assert np.array_equal(again["weight"], report["weight"])
    assert (tmp_path / "report.json").stat().st_mtime_ns == made
    with pytest.raises(StoreError, match="exists; choose another name, or ask to overwrite it"):
        align(file, table, tmp_path / "report.json", method="importance")
    same = align(file, file, tmp_path / "same.json", method="importance")
    assert same["effective_links"] == pytest.approx(same["links"], rel=0.05)
    assert max(row["ks_after"] for row in same["quantities"].values()) < 0.05
