"""Forecasts of a window: what a report keeps, what a twin adds, who serves, places to come."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.channel import cell_centers_m
from rtwin.dataset import RadioMap, SampleSettings, sample_map
from rtwin.experiments.ahead.forecasts import (
    error_by_age,
    fitted_distance_m,
    forecast,
    last_report,
    straight_on,
)
from rtwin.scene import Tracks, recipe_dict, recipe_from_dict
from rtwin.units import from_db, to_db

from ...tables import plane_scene

LINK = SampleSettings(bandwidth_hz=20e6, line_of_sight=False)
ROWS = 10


def world(slope_db_per_m=(-0.5, 0.5), offset_db=0.0, names=("tx_0", "tx_1")):
    """A map 100 m long whose two cells fade from left to right and back."""
    centers = cell_centers_m([50.0, 5.0, 1.5], [100.0, 10.0], [1.0, 1.0])
    x = centers[..., 0]
    level = np.stack([-85.0 + offset_db + slope * (x - 50.0) for slope in slope_db_per_m])
    gain = from_db(level)
    places = [[0.0, 0.0, 10.0], [100.0, 0.0, 10.0]]
    tables = [{"name": n, "position_m": p} for n, p in zip(names, places, strict=True)]
    recipe = recipe_dict(recipe_from_dict(plane_scene(transmitter=tables), "line"))
    return RadioMap(
        tuple(names),
        np.array(places),
        np.full(2, 30.0),
        centers,
        gain,
        0 * gain,
        (to_db(gain) + 30).astype(np.float32),
        gain,
        np.zeros(x.shape, np.int16),
        {
            "frequency_hz": 3.5e9,
            "cell_size_m": 1.0,
            "scene": "line",
            "recipe": recipe,
            "noise_power_w": 1e-13,
        },
    )


def walk(speed_m_s=(2.0, -1.5, 0.0), start_m=(10.0, 90.0, 60.0), steps=40):
    time = 0.5 * np.arange(steps)
    x = np.array(start_m) + np.outer(time, speed_m_s)
    place = np.stack([x, np.full_like(x, 5.0), np.full_like(x, 1.5)], axis=-1)
    return Tracks(time, ("a", "b", "c"), place)


def level(trace):
    return to_db(trace.path_gain)


def test_a_twin_that_is_right_but_for_a_level_forecasts_exactly():
    tracks = walk()
    truth = sample_map(world(), tracks, LINK)
    found = forecast(world(offset_db=7.0), truth, tracks, tracks, ROWS, 1e9, LINK)
    np.testing.assert_allclose(level(found), level(truth), atol=1e-9)
    assert error_by_age(found, truth, ROWS).max() < 1e-6
    np.testing.assert_array_equal(found.serving_tx, truth.serving_tx)


def test_the_report_fades_with_the_way_since():
    tracks = walk()
    truth, twin = sample_map(world(), tracks, LINK), world(offset_db=7.0)
    found = forecast(twin, truth, tracks, tracks, ROWS, 5.0, LINK)
    off = level(found) - level(truth)
    report = np.maximum(np.arange(40) // ROWS * ROWS - 1, 0)
    gap = np.abs(tracks.position_m[..., 0] - tracks.position_m[report, :, 0])
    np.testing.assert_allclose(off[..., 0], 7.0 * (1 - np.exp(-gap / 5.0)), atol=1e-9)
    alone = forecast(twin, truth, tracks, tracks, ROWS, 0.0, LINK)
    np.testing.assert_allclose(level(alone) - level(truth), 7.0, atol=1e-9)


def test_the_last_report_stays_for_a_window():
    tracks = walk()
    truth = sample_map(world(), tracks, LINK)
    held = last_report(truth, ROWS)
    for row, source in ((0, 0), (9, 0), (10, 9), (25, 19), (39, 29)):
        np.testing.assert_array_equal(held.sinr_db[row], truth.sinr_db[source])
    error = error_by_age(held, truth, ROWS)
    assert error[-1] > error[0]


def test_who_serves_now_is_known_whatever_the_twin_says():
    tracks = walk(speed_m_s=(0.0, 0.0, 0.0))
    truth = sample_map(world(), tracks, LINK)
    wrong = replace(truth, serving_tx=1 - truth.serving_tx)
    # Within the hysteresis of 3 dB the cell that serves is kept.
    near = walk(speed_m_s=(0.0, 0.0, 0.0), start_m=(49.0, 50.5, 51.0))
    close = sample_map(world(), near, LINK)
    other = replace(close, serving_tx=1 - close.serving_tx)
    found = forecast(world(), other, near, near, ROWS, 1e9, LINK)
    np.testing.assert_array_equal(found.serving_tx, other.serving_tx)
    far = forecast(world(), wrong, tracks, tracks, ROWS, 1e9, LINK)
    assert (far.serving_tx[5:10] == truth.serving_tx[5:10]).all()


def test_places_go_straight_on():
    tracks = walk()
    np.testing.assert_allclose(straight_on(tracks, ROWS, 4).position_m[10:], tracks.position_m[10:])
    standing = straight_on(tracks, ROWS, 4).position_m[:10]
    np.testing.assert_allclose(standing, np.broadcast_to(tracks.position_m[:1], standing.shape))
    turned = Tracks(tracks.time_s, tracks.ue_name, tracks.position_m[::-1].copy())
    assert straight_on(turned, ROWS, 4).position_m[15, 0, 0] == pytest.approx(
        turned.position_m[15, 0, 0]
    )


def test_the_distance_is_learned_from_past_walks():
    tracks = walk()
    truth = sample_map(world(), tracks, LINK)
    assert fitted_distance_m(world(offset_db=9.0), truth, tracks, ROWS, LINK) == 100.0
    # A twin whose slopes are exchanged is best not asked beyond the report's place.
    misled = fitted_distance_m(world((0.5, -0.5)), truth, tracks, ROWS, LINK)
    errors = [
        np.sqrt(
            np.mean(
                error_by_age(
                    forecast(world((0.5, -0.5)), truth, tracks, tracks, ROWS, d, LINK), truth, ROWS
                )
                ** 2
            )
        )
        for d in (0.0, misled)
    ]
    assert errors[1] <= errors[0]
