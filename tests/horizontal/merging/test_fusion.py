"""Merged maps: closed forms, what fusion may never claim, conflicts, two halves of a scene."""

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtwin.channel import cell_centers_m
from rtwin.dataset import RadioMap, open_radio_map, validate_file
from rtwin.dataset.store.placement import write_image
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.merging import files
from rtwin.horizontal.merging.files import merge_files
from rtwin.horizontal.merging.fusion import DISAGREE_SIGMA, RULES, fuse, map_twin, merge_maps
from rtwin.units import from_db, to_db

RECIPE = {"transmitter": [{"name": "mast", "position_m": [0, 0, 10]}]}


def radio_map(level_db, low=(0.0, 0.0), cell=10.0, names=("mast",), **attributes):
    level_db = np.asarray(level_db, float)
    num_y, num_x = level_db.shape[1:]
    size = np.array([num_x, num_y]) * cell
    centers = cell_centers_m([*(np.array(low) + size / 2), 1.5], size, [cell, cell])
    gain = from_db(level_db)
    place = np.array([[0.0, 0.0, 10.0 + n] for n in range(len(names))])
    tables = [{"name": n, "position_m": p.tolist()} for n, p in zip(names, place, strict=True)]
    return RadioMap(
        tuple(names),
        place,
        np.full(len(names), 44.0),
        centers,
        gain,
        0 * gain,
        to_db(gain).astype(np.float32) + 44,
        gain,
        np.zeros((num_y, num_x), np.int16),
        {
            "frequency_hz": 3.5e9,
            "cell_size_m": cell,
            "method": "monte-carlo",
            "recipe": {"transmitter": tables},
            "noise_power_w": 1e-13,
            **attributes,
        },
    )


def twin(level_db, sigma_db=1.0, age_days=0.0, name="map", **changes):
    return map_twin(radio_map(level_db, **changes), name, age_days, sigma_db)


def test_two_gaussians():
    value, variance = np.array([10.0, 16.0])[:, None], np.array([4.0, 1.0])[:, None]
    best, left = fuse(value, variance, "inverse-variance")
    assert (best[0], left[0]) == pytest.approx((10 * 0.2 + 16 * 0.8, 0.8))
    best, left = fuse(value, variance, "selection")
    assert (best[0], left[0]) == (16.0, 1.0)
    # Weights w = (0.2, 0.8): 1 / P = 0.2 / 4 + 0.8 / 1.
    best, left = fuse(value, variance)
    assert left[0] == pytest.approx(1 / (0.2 / 4 + 0.8))
    assert best[0] == pytest.approx(left[0] * (0.2 * 10 / 4 + 0.8 * 16))


numbers = arrays(np.float64, (3, 5), elements=st.floats(-150, 0))
variances = arrays(np.float64, (3, 5), elements=st.floats(1e-3, 1e3))


@settings(max_examples=200)
@given(numbers, variances)
def test_fusion_never_claims_more_than_correlated_errors_allow(value, variance):
    fused, left = fuse(value, variance)
    # Errors may be one and the same: then nothing beats the best.
    assert (left >= variance.min(axis=0) * (1 - 1e-9)).all()
    assert (left <= variance.max(axis=0) * (1 + 1e-9)).all()
    assert (fused >= value.min(axis=0) - 1e-9).all()
    assert (fused <= value.max(axis=0) + 1e-9).all()
    turned = fuse(value[::-1], variance[::-1])
    np.testing.assert_allclose(turned[0], fused, atol=1e-9)
    np.testing.assert_allclose(turned[1], left)


@settings(max_examples=100)
@given(variances, st.floats(-1, 1))
def test_stated_variance_is_an_upper_bound_whatever_the_correlation(variance, correlation):
    a, b = variance[:2]
    _, left = fuse(np.zeros((2, 5)), variance[:2])
    # Weights of the fused mean, from unit errors of one and the other.
    wa, _ = fuse(np.stack([np.ones(5), np.zeros(5)]), variance[:2])
    cross = correlation * np.sqrt(a * b)
    true = wa**2 * a + (1 - wa) ** 2 * b + 2 * wa * (1 - wa) * cross
    assert (true <= left * (1 + 1e-6)).all()


@pytest.mark.parametrize("rule", ["covariance-intersection", "selection"])
def test_a_twin_merged_with_itself_stays_itself(rule):
    level = np.random.default_rng(0).uniform(-120, -60, (1, 4, 5))
    one = twin(level, np.random.default_rng(1).uniform(0.5, 4, (1, 4, 5)))
    merged = merge_maps([one, one, one], rule=rule)
    np.testing.assert_allclose(to_db(merged.path_gain), level, rtol=1e-12)
    np.testing.assert_allclose(merged.sigma_db, one.sigma_db, rtol=1e-12)
    assert not merged.needs_trace.any()
    assert (merged.num_maps == 3).all()


def test_age_counts_as_uncertainty():
    old, new = twin(np.full((1, 2, 2), -80.0), 1.0, 730.5), twin(np.full((1, 2, 2), -90.0), 2.0)
    merged = merge_maps([old, new], rule="selection", drift_db=2.0)  # 1 + 4 * 2 against 4 dB^2
    assert (merged.source == 1).all()
    assert merged.sigma_db == pytest.approx(2.0)
    fresh = merge_maps([replace(old, age_days=0.0), new], rule="selection")
    assert (fresh.source == 0).all()


def test_neighbouring_areas_and_other_transmitters():
    left = twin(np.full((1, 2, 3), -80.0), 1.0)
    right = twin(np.full((2, 2, 3), -90.0), 1.0, low=(20.0, 10.0), names=("mast", "pole"))
    merged = merge_maps([left, right])
    assert merged.tx_name == ("mast", "pole")
    assert merged.path_gain.shape == (2, 3, 5)
    assert merged.num_maps[0].tolist() == [[1, 1, 1, 0, 0], [1, 1, 2, 1, 1], [0, 0, 1, 1, 1]]
    assert merged.num_maps[1].sum() == 6
    bare = merged.num_maps == 0
    assert not merged.path_gain[bare].any()
    assert np.isnan(merged.sigma_db[bare]).all()
    assert (merged.source[bare] == -1).all()
    assert to_db(merged.path_gain[0, 1, 2]) == pytest.approx(-85.0)
    # 10 dB apart, sigma of the difference is the root of 2.
    assert merged.needs_trace.sum() == 1
    assert merged.disagreement[0, 1, 2] == pytest.approx(10 / np.sqrt(2))


def test_another_raster_is_interpolated():
    ramp = np.tile(np.linspace(-60, -99, 14), (1, 14, 1))
    coarse = twin(np.full((1, 7, 7), -80.0), 50.0, cell=20.0)
    merged = merge_maps([coarse, twin(ramp, 0.5, cell=10.0)])
    assert merged.path_gain.shape == (1, 7, 7)
    np.testing.assert_allclose(to_db(merged.path_gain[0, 3]), -61.5 - 6 * np.arange(7), atol=0.01)


def test_nothing_against_nothing_agrees():
    dark = np.full((1, 2, 2), -np.inf)
    merged = merge_maps([map_twin(radio_map(dark)), map_twin(radio_map(dark))])
    assert not merged.path_gain.any()
    assert not merged.needs_trace.any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frequency_hz": 2e9}, r"b has frequency_hz 2000000000\.0, a has 3500000000\.0; only"),
        ({"recipe": {**RECIPE, "georeference": {"epsg": 25832}}}, "b has georeference"),
    ],
)
def test_conflicts_of_frame_are_refused(change, says):
    level = np.full((1, 2, 2), -80.0)
    with pytest.raises(StoreError, match=says):
        merge_maps([twin(level, name="a"), twin(level, name="b", **change)])


def test_scenes_without_a_place_on_earth_are_not_laid_over_each_other():
    level = np.full((1, 2, 2), -80.0)
    one = twin(level, name="a", scene="munich", geometry_hash="1")
    elsewhere = {"names": ("pole",), "scene": "courtyard", "geometry_hash": "2"}
    with pytest.raises(StoreError, match="a is of scene 'munich', b of 'courtyard', and no geo"):
        merge_maps([one, twin(level, name="b", **elsewhere)])
    for same in ({"scene": "munich"}, {"geometry_hash": "1"}, {"names": ("mast",)}):
        merge_maps([one, twin(level, name="b", **{**elsewhere, **same})])


def test_other_conflicts_are_refused():
    level = np.full((1, 2, 2), -80.0)
    one = twin(level, name="a")
    moved = replace(one.radio_map, tx_position_m=np.array([[3.0, 0.0, 10.0]]))
    with pytest.raises(StoreError, match=r"'mast' is at \(3\.00, 0\.00, 10\.00\) with 44 dBm in b"):
        merge_maps([one, replace(one, name="b", radio_map=moved)])
    louder = replace(one.radio_map, tx_power_dbm=np.array([40.0]))
    with pytest.raises(StoreError, match="with 40 dBm in b and at"):
        merge_maps([one, replace(one, name="b", radio_map=louder)])
    lift = np.array([0, 0, 20.0])
    high = replace(one.radio_map, cell_centers_m=one.radio_map.cell_centers_m + lift)
    with pytest.raises(StoreError, match=r"b lies 20\.0 m above or below the others"):
        merge_maps([one, replace(one, name="b", radio_map=high)])
    with pytest.raises(StoreError, match="b: cells of 0 m, or without a place, are no map"):
        merge_maps([one, twin(level, name="b", cell_size_m=0.0)])
    far = twin(level, name="b", low=(1e6, 1e6))
    with pytest.raises(OutOfRangeError, match="the maps lie too far apart"):
        merge_maps([one, far])
    with pytest.raises(OutOfRangeError, match="there is 1 map to merge; give two or more"):
        merge_maps([one])
    with pytest.raises(OutOfRangeError, match="rule is 'mean'; it must be covariance-inter"):
        merge_maps([one, one], rule="mean")


def correlated(rng, shape, length=4):
    noise = rng.normal(size=(shape[0] + length, shape[1] + length))
    window = np.lib.stride_tricks.sliding_window_view(noise, (length + 1, length + 1))
    return window.sum(axis=(-1, -2)) / (length + 1)


def auroc(score, is_wrong):
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    positive = is_wrong.sum()
    return (rank[is_wrong].sum() - positive * (positive + 1) / 2) / (
        positive * (len(score) - positive)
    )


def halves(truth_db, rng):
    """Two maps of overlapping parts, noisy, each with a stale corner that it does not know."""
    _, num_y, num_x = truth_db.shape
    cut = [slice(0, 2 * num_x // 3), slice(num_x // 3, num_x)]
    made, wrong = [], []
    for part, corner in zip(cut, (slice(0, num_y // 3), slice(2 * num_y // 3, num_y)), strict=True):
        sigma = np.where(rng.random(truth_db.shape) < 0.5, 1.0, 4.0)
        noise = 0.8 * rng.normal(size=truth_db.shape) + 0.6 * correlated(rng, (num_y, num_x))
        level, stale = truth_db + sigma * noise, np.zeros(truth_db.shape, bool)
        stale[:, corner, num_x // 3 : 2 * num_x // 3] = True
        level = np.where(stale, level + 15.0, level)
        low = (part.start * 10.0, 0.0)
        made.append(twin(level[:, :, part], sigma[:, :, part], low=low))
        wrong.append(stale)
    return made, wrong[0] | wrong[1]


@pytest.mark.parametrize("rule", ["covariance-intersection", "selection"])
def test_two_noisy_overlapping_halves_beat_each(rule):
    rng = np.random.default_rng(3)
    truth = np.broadcast_to(-70 - 30 * rng.random((1, 30, 45)), (1, 30, 45))
    made, stale = halves(truth, rng)
    merged = merge_maps(made, rule=rule)
    assert merged.path_gain.shape == truth.shape
    error = to_db(merged.path_gain) - truth
    overlap = (merged.num_maps == 2) & ~stale
    each = [
        to_db(m.radio_map.path_gain)[:, :, part] - truth[:, :, 15:30]
        for m, part in zip(made, (slice(15, 30), slice(0, 15)), strict=True)
    ]
    calm = ~stale[:, :, 15:30]
    alone = [np.sqrt(np.mean(e[calm] ** 2)) for e in each]
    assert np.sqrt(np.mean(error[overlap] ** 2)) < 0.85 * min(alone)
    inside = merged.num_maps == 2
    assert auroc(merged.disagreement[inside], stale[inside]) > 0.9
    honest = np.abs(error[overlap]) <= 1.645 * merged.sigma_db[overlap]
    assert 0.85 < honest.mean() < 1.0


def write_map(file, level_db, two_boxes, **changes):
    """A radio map file of made-up values, through the library's own writer."""
    from rtwin.dataset.schema import MAP_FORMAT, MAP_LAYOUT
    from rtwin.dataset.store import fill_file, transmitter_columns
    from rtwin.scene import recipe_dict

    recipe = two_boxes()
    made = radio_map(level_db, names=[tx.name for tx in recipe.transmitter], **changes)

    def build(h5):
        serving = np.where((made.path_gain > 0).any(axis=0), 0, -1)
        fill_file(
            h5,
            MAP_FORMAT,
            {
                "title": recipe.title,
                "scene": recipe.name,
                "geometry_hash": "",
                "scene_hash": "",
                "source": "",
                "licence": "",
                "recipe": recipe_dict(recipe),
                "frequency_hz": 3.5e9,
                "seed": 1,
                "variant": "llvm",
                "remarks": [],
                "cell_size_m": 10.0,
                "height_m": 1.5,
                "method": "monte-carlo",
                "noise_power_w": 1e-13,
            },
            MAP_LAYOUT,
            {
                **transmitter_columns(recipe),
                "path_gain": made.path_gain,
                "path_gain_standard_error": 0.1 * made.path_gain,
                "cell_centers_m": made.cell_centers_m,
                "rss_dbm": made.rss_dbm,
                "sinr": made.sinr,
                "serving_transmitter": serving,
            },
            {"tx": [tx.name for tx in recipe.transmitter]},
        )

    write_image(file, build)


def test_merged_files_are_radio_maps(two_boxes, tmp_path):
    level = np.random.default_rng(0).uniform(-110, -60, (2, 4, 6))
    write_map(tmp_path / "a.h5", level[:, :, :4], two_boxes)
    write_map(tmp_path / "b.h5", level[:, :, 2:], two_boxes, low=(20.0, 0.0))
    out = tmp_path / "c.h5"
    merge_files([tmp_path / "a.h5", tmp_path / "b.h5"], out)
    assert validate_file(out) == []
    merged = open_radio_map(out)
    np.testing.assert_allclose(to_db(merged.path_gain), level, atol=1e-9)
    assert merged.attributes["method"] == "merged"
    before = out.read_bytes()
    merge_files([tmp_path / "a.h5", tmp_path / "b.h5"], out)  # the same again: left as it is
    assert out.read_bytes() == before
    with pytest.raises(StoreError, match="exists and holds something else"):
        merge_files([tmp_path / "b.h5", tmp_path / "a.h5"], out, ages_days=[10, 0])
    with pytest.raises(StoreError, match="is one of the maps to merge"):
        merge_files([tmp_path / "a.h5", tmp_path / "b.h5"], tmp_path / "a.h5", overwrite=True)
    with pytest.raises(OutOfRangeError, match="ages are 3 days for 2 maps; give one of 0"):
        merge_files([tmp_path / "a.h5", tmp_path / "b.h5"], out, ages_days=[3])


def test_rules_are_the_documented_ones():
    assert RULES[0] == "covariance-intersection"
    assert DISAGREE_SIGMA == 3.0


def test_cells_are_as_old_as_the_snapshot_that_traced_them(monkeypatch):
    created = {0: "2026-01-01T00:00:00+00:00", 1: "2026-01-03T12:00:00+00:00"}
    monkeypatch.setattr(files, "open_twin", lambda _, n: SimpleNamespace(created=created[n]))
    snapshot = SimpleNamespace(traced_snapshot=np.array([[[0, 1], [1, 0]]]), folder="a.twin")
    found = files._ages_days(snapshot, datetime.fromisoformat("2026-01-04T00:00:00+00:00"))
    assert found.tolist() == [[[3.0, 0.5], [0.5, 3.0]]]
    younger = files._ages_days(snapshot, datetime.fromisoformat("2026-01-02T00:00:00+00:00"))
    assert younger.tolist() == [[[1.0, 0.0], [0.0, 1.0]]]
