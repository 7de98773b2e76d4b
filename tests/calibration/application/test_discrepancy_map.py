"""A calibrated twin on a map: what was measured comes back, and far from it less is known."""

import shutil

import h5py
import numpy as np
import pytest

from rtwin.calibration import TwinCorrection, calibrate, calibrated_recipe, read_result
from rtwin.calibration.physics.model.synthetic_campaign import make_campaign
from rtwin.cli import main
from rtwin.dataset import evaluate, generate, generate_radio_map, open_dataset, open_radio_map
from rtwin.errors import StoreError
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict

TRUTH = {"brick": {"relative_permittivity": 6.0, "conductivity_s_per_m": 0.08}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A courtyard, the result of a campaign in it, and its map as a twin has it and without."""
    folder = tmp_path_factory.mktemp("twin")
    recipe = load_recipe("courtyard", max_depth=2)
    campaign = make_campaign(recipe, folder / "yard", TRUTH, num_points=120)
    text = (campaign / "campaign.toml").read_text()
    text = text.replace("[fit]", '[fit]\nstarts = 2\nrefined = 1\nmaterials = ["brick"]')
    (campaign / "campaign.toml").write_text(text)
    result = calibrate("courtyard", campaign, folder / "result", points=60, repeats=1, curve=False)
    data = recipe_dict(calibrated_recipe(recipe, result))
    data["radio_map"] = {**data["radio_map"], "cell_size_m": 5.0, "rays": 20_000}
    recipe = recipe_from_dict(data, recipe.name, recipe.folder)
    plain = generate_radio_map(recipe, folder / "plain.h5")
    twin = generate_radio_map(recipe, folder / "twin.h5", correction=TwinCorrection(result))
    return result, recipe, open_radio_map(plain), open_radio_map(twin)


def nearest_cells(radio_map, place):
    center = radio_map.cell_centers_m.reshape(-1, 3)
    return np.argmin(np.linalg.norm(center[None, :, :2] - place[:, None, :2], axis=2), axis=1)


def measured(result):
    with h5py.File(result / "twin.h5") as file:
        return file["position_m"][...], file["level_db"][...]


def test_the_map_says_what_was_measured(made):
    result, _, plain, twin = made
    found = read_result(result)
    place, level = measured(result)
    cell = nearest_cells(twin, place)
    gain = level - found["offset_db"][0][0] + 8.0  # tr38901's boresight
    errors = []
    for radio_map in (plain, twin):
        own = radio_map.path_gain[0].reshape(-1)[cell]
        kept = own > 0
        errors.append(np.median(np.abs(10 * np.log10(own[kept]) - gain[kept])))
    assert errors[1] < 6.0  # places lie up to 3.5 m from the middle of their cell
    assert errors[1] < errors[0] + 1.0


def test_less_is_known_far_away(made):
    result, _, _, twin = made
    place, _ = measured(result)
    center = twin.cell_centers_m.reshape(-1, 3)
    away = np.linalg.norm(center[:, None, :2] - place[None, :, :2], axis=2).min(axis=1)
    gain, error = (a[0].reshape(-1) for a in (twin.path_gain, twin.path_gain_standard_error))
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = 10 / np.log(10) * error / gain
    open_air = (gain > 0) & (sd > 0.05)
    near, far = sd[open_air & (away < 3)], sd[open_air & (away > 25)]
    assert 0.2 < np.median(near) < np.median(far)


def test_transmitters_that_were_not_measured_stay(made):
    _, recipe, plain, twin = made
    assert len(recipe.transmitter) > 1
    assert np.allclose(plain.path_gain[1:], twin.path_gain[1:], rtol=1e-5)
    assert np.isfinite(twin.path_gain).all()
    assert twin.path_gain.max() <= 1.0


def test_files_name_the_campaign(made, tmp_path, monkeypatch):
    result, _, plain, twin = made
    found = read_result(result)
    assert twin.attributes["calibration_campaign_hash"] == found["campaign_hash"]
    assert any("calibrated twin" in remark for remark in twin.attributes["remarks"])
    assert "calibration_campaign" not in plain.attributes
    file = generate(load_recipe("courtyard", max_depth=1, num_receivers=10), tmp_path / "c.h5")
    made_file = tmp_path / "c2.h5"
    words = ["rtwin", "evaluate", str(file), "-o", str(made_file), "--calibration", str(result)]
    monkeypatch.setattr("sys.argv", [*words, "--quiet"])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    with open_dataset(made_file) as dataset:
        assert dataset.attributes["calibration_campaign"] == "yard"
        assert dataset.attributes["calibration_campaign_hash"] == found["campaign_hash"]
    other = evaluate(file, tmp_path / "c3.h5", materials=result)
    with open_dataset(made_file) as a, open_dataset(other) as b:
        assert np.array_equal(a.read("a"), b.read("a"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--discrepancy"], "needs a calibration"),
        (["--discrepancy", "--calibration", "RESULT", "--method", "paths"], "must be monte-carlo"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(
    made, tmp_path, capsys, monkeypatch, options, message
):
    words = [str(made[0]) if word == "RESULT" else word for word in options]
    file = tmp_path / "m.h5"
    monkeypatch.setattr("sys.argv", ["rtwin", "radiomap", "courtyard", "-o", str(file), *words])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "m.h5").exists()


def test_a_result_without_rows_is_refused(made, tmp_path):
    result, recipe, _, _ = made
    bare = tmp_path / "bare"
    shutil.copytree(result, bare)
    (bare / "twin.h5").write_bytes(b"no")
    with pytest.raises(StoreError, match="no rows of a twin"):
        generate_radio_map(recipe, tmp_path / "m.h5", correction=TwinCorrection(bare))
    assert not (tmp_path / "m.h5").exists()
