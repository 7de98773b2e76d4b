"""A map of measurements: their levels where they are, nothing where there are none."""

import numpy as np
import pytest

from rtwin.calibration import generate_measured_map
from rtwin.calibration.application.measured_map import halves_miss_db, interpolated, one_device
from rtwin.calibration.campaign.reading import load_measurements
from rtwin.cli.app import app
from rtwin.dataset import open_radio_map, validate_file
from rtwin.errors import OutOfRangeError
from rtwin.experiments.beliefs import known_parts
from rtwin.plot.fields import nothing
from rtwin.scene import recipe_from_dict
from rtwin.units import to_db

from ...tables import plane

PLAIN = {
    "title": "A plain",
    "frequency_hz": 3.5e9,
    "geometry": {"ground": ["ground"]},
    "object": [
        plane(500, center_m=[150, 50, 0]),
    ],
    "transmitter": [{"name": "a", "position_m": [0, 0, 20], "power_dbm": 30}],
    "radio_map": {"cell_size_m": 10.0, "area": [-50, -150, 350, 250]},
}


def test_between_three_points_the_level_is_the_plane_through_them():
    xy = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
    at = np.array([[5.0, 5.0], [0.0, 0.0], [35.0, 0.0], [80.0, 0.0]])
    found = interpolated(xy, np.array([0.0, 30.0, 60.0]), at, 20.0)
    np.testing.assert_allclose(found, [15.0, 0.0, 30.0, np.nan], atol=1e-12)
    on_a_line = interpolated(xy[:2], np.array([1.0, 2.0]), at, 20.0)
    np.testing.assert_allclose(on_a_line, [1.0, 1.0, 2.0, np.nan])
    assert np.isnan(interpolated(xy[:0], np.zeros(0), at, 20.0)).all()


def test_a_phone_that_hears_less_is_brought_to_the_first_one_s_level(plain_campaign):
    data = load_measurements(plain_campaign)
    both = np.zeros(len(data), np.int64)
    twice = [np.concatenate([column, column]) for column in (data.tx, data.position_m[:, 0])]
    two = data.take(np.tile(np.arange(len(data)), 2))
    two = type(two)(
        **{
            **vars(two),
            "tx": twice[0],
            "device": np.concatenate([both, both + 1]),
            "level_db": np.concatenate([data.level_db, data.level_db - 7.0]),
        }
    )
    one = one_device(two)
    np.testing.assert_allclose(one.level_db[len(data) :], data.level_db)
    assert one.devices == ("p",)


@pytest.fixture
def measured(plain_campaign, tmp_path):
    # Campaigns say nothing of power here: the recipe's 30 dBm count.
    recipe = recipe_from_dict(PLAIN, "plain")
    file = generate_measured_map(recipe, plain_campaign, tmp_path / "m.h5", reach_m=15.0)
    return recipe, plain_campaign, file


def test_a_map_holds_what_was_measured(measured):
    recipe, campaign, file = measured
    assert validate_file(file) == []
    found = open_radio_map(file)
    assert found.tx_name == ("a", "b")
    data = one_device(load_measurements(campaign))
    data = data.take(data.tx == 0)
    cells = found.cell_centers_m[..., :2].reshape(-1, 2)
    gap = np.linalg.norm(cells[:, None] - data.position_m[None, :, :2], axis=2).min(axis=1)
    reached = found.path_gain[0].ravel() > 0
    np.testing.assert_array_equal(reached, gap <= 15.0)
    # A measurement in the very middle of a cell would be its level; near ones are close.
    near = np.argmin(np.linalg.norm(cells[:, None] - data.position_m[None, :, :2], axis=2), axis=1)
    close = gap < 2.0
    assert close.sum() > 10
    off = found.rss_dbm[0].ravel()[close] - data.level_db[near[close]]
    assert np.sqrt(np.mean(off**2)) < halves_miss_db(data, 15.0)
    assert nothing(found) == "not measured"
    again = generate_measured_map(recipe, campaign, file, reach_m=15.0)
    assert open_radio_map(again).attributes["content_hash"] == found.attributes["content_hash"]


def test_levels_of_a_resource_element_become_those_of_the_carrier(measured, tmp_path):
    recipe, campaign, file = measured
    more = generate_measured_map(
        recipe, campaign, tmp_path / "all.h5", reach_m=15.0, resource_blocks=50, transmitters=["b"]
    )
    one, all_blocks = open_radio_map(file), open_radio_map(more)
    assert all_blocks.tx_name == ("b",)
    known = all_blocks.path_gain[0] > 0
    step = to_db(all_blocks.path_gain[0][known]) - to_db(one.path_gain[1][known])
    np.testing.assert_allclose(step, 10 * np.log10(600), atol=1e-9)


def test_walkers_stay_where_something_is_known(measured):
    found = open_radio_map(measured[2])
    far = np.array([[-2000.0, 0.0], [2000.0, 0.0]])
    parts = known_parts([far], found)
    along = np.concatenate(parts)
    assert along[:, 0].min() >= -50 - 1e-9
    assert along[:, 0].max() <= 350 + 1e-9
    with pytest.raises(OutOfRangeError, match="no way runs"):
        known_parts([far + np.array([0.0, 5000.0])], found)


def test_impossible_requests_get_one_line(plain_campaign, tmp_path):
    recipe = recipe_from_dict(PLAIN, "plain")
    for options, said in (
        ({"reach_m": 0.0}, "above 0"),
        ({"resource_blocks": 0}, "1 to 10000"),
        ({"transmitters": ["c"]}, "no transmitter 'c'"),
    ):
        with pytest.raises(OutOfRangeError, match=said):
            generate_measured_map(recipe, plain_campaign, tmp_path / "x.h5", **options)
    spec = plain_campaign.measurements.model_copy(update={"quantity": "rms_delay_spread_s"})
    other = plain_campaign.model_copy(update={"measurements": spec})
    with pytest.raises(OutOfRangeError, match="no map can be made"):
        generate_measured_map(recipe, other, tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_the_command(measured, tmp_path):
    import tomlkit
    from typer.testing import CliRunner

    from ..conftest import TABLE

    (tmp_path / "campaign.toml").write_text(tomlkit.dumps(TABLE))
    (tmp_path / "scene.toml").write_text(tomlkit.dumps(PLAIN))
    out = tmp_path / "cli.h5"
    result = CliRunner().invoke(
        app,
        [
            "radiomap",
            str(tmp_path / "scene.toml"),
            "-o",
            str(out),
            "--measurements",
            str(tmp_path),
            "--transmitters",
            "a",
            "--quiet",
        ],
    )
    assert result.exit_code == 0, result.output
    assert open_radio_map(out).tx_name == ("a",)
