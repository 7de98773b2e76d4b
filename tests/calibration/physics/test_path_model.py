"""The physical model and its fit, on scenes measured by rtwin itself."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign.measurements import links_of
from rtwin.calibration.campaign.recipe import FitSpec, campaign_from_dict
from rtwin.calibration.physics.fitting.fit import fit_physics
from rtwin.calibration.physics.model.campaign_scene import world_of
from rtwin.calibration.physics.model.parameters import Parameter, parameters_of
from rtwin.calibration.physics.model.path_model import build_model, element_gain
from rtwin.calibration.physics.model.synthetic_campaign import _table
from rtwin.scene import load_recipe
from rtwin.trace import start_engine
from rtwin.units import azimuth_zenith, rotation_matrix, unit_vector


@pytest.fixture(scope="module")
def courtyard(measured_yard):
    recipe, campaign, data, truth = measured_yard
    return build_model(world_of(recipe, campaign), data), truth


def test_element_is_the_engines():
    rt = start_engine().rt
    rng = np.random.default_rng(2)
    azimuth, zenith = rng.uniform(-np.pi, np.pi, 200), np.arccos(rng.uniform(-1, 1, 200))
    mi = start_engine().mi
    pattern = rt.antenna_pattern.antenna_pattern_registry.get("tr38901")(polarization="V")
    turned = unit_vector(azimuth, zenith) @ rotation_matrix([0.6, 0.2, 0.0])
    local_azimuth, local_zenith = azimuth_zenith(turned)
    theta, phi = pattern.patterns[0](mi.Float(local_zenith), mi.Float(local_azimuth))
    dr = start_engine().dr
    power = (dr.squared_norm(theta) + dr.squared_norm(phi)).numpy()
    own = element_gain(azimuth, zenith, np.degrees(0.6), np.degrees(0.2))
    assert np.allclose(own, power / 10**0.8, rtol=1e-3)


def test_priors_change_scale_and_back():
    for scale, prior in (("log", 0.05), ("log1", 4.0), ("logit", 0.3), ("linear", 0.0)):
        p = Parameter("x", "", prior, 0.7, scale)
        assert p.value(0.0) == pytest.approx(prior)
        assert np.all(np.diff([p.value(z) for z in np.linspace(-3, 3, 20)]) > 0)
    assert Parameter("x", "", 4.0, 0.7, "log1").value(-5) > 1.0
    assert 0 < Parameter("x", "", 0.3, 2.0, "logit").value(5) < 1.0


def test_slopes_are_those_of_the_gain(courtyard):
    model, _ = courtyard
    world = model.bundles[0].world
    spec = FitSpec(parameters=("relative_permittivity", "transmission_loss", "tx_azimuth"))
    parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
    z = np.full(len(parameters), 0.1)
    here, slope = model.gains_db(parameters, z)
    assert np.allclose(here, model.gain_db(parameters, z))
    direction = np.random.default_rng(0).normal(size=len(z))
    direction[[p.kind == "scale" for p in parameters]] = 0.0
    up, down = (model.gain_db(parameters, z + s * 4e-3 * direction) for s in (1, -1))
    assert np.allclose((up - down) / 8e-3, slope @ direction, rtol=0.1, atol=0.3)


def test_part_of_a_model_is_the_same_model(courtyard):
    model, _ = courtyard
    rows = np.arange(3, len(model.data), 7)
    whole = model.gain_db((), np.zeros(0))
    some = model.take(rows)
    assert np.allclose(some.gain_db((), np.zeros(0)), whole[rows], atol=1e-3)
    fewer = np.arange(0, len(rows), 3)
    again = some.take(fewer)
    assert np.allclose(again.gain_db((), np.zeros(0)), whole[rows][fewer], atol=1e-3)


def test_fit_finds_the_truth_and_says_what_it_cannot_see(courtyard):
    model, truth = courtyard
    world = model.bundles[0].world
    spec = FitSpec(
        parameters=("relative_permittivity", "conductivity"),
        materials=("brick", "concrete"),
        starts=6,
        refined=1,
    )
    parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
    train = np.arange(0, len(model.data), 2)
    fit = fit_physics(model.take(train), parameters, spec)
    held = np.arange(1, len(model.data), 2)
    before = model.gain_db((), np.zeros(0))
    before = before + np.median(truth - before)
    after = np.sqrt(np.mean((fit.level_db(model) - truth)[held] ** 2))
    assert after < 1.0
    assert after < 0.7 * np.sqrt(np.mean((before - truth)[held] ** 2))
    rows = {row["parameter"]: row for row in fit.identifiability()}
    brick = rows["brick relative permittivity"]
    # A slab reflects much the same at some other permittivities: then that is said.
    at = [p.name for p in fit.parameters].index("brick relative permittivity")
    known = [brick["fitted"], *fit.rivals[at]]
    assert min(abs(value / 6.0 - 1) for value in known) < 0.2
    assert brick["identified"] == (len(known) == 1)
    assert fit.loss < fit.prior_loss

    for row in rows.values():
        if not row["identified"]:
            assert row["value"] == pytest.approx(row["prior"])


def test_masts_are_shared_by_their_cells(courtyard):
    model, _ = courtyard
    link = model.data.transmitters[0]
    other = replace(link, name="other", yaw_deg=link.yaw_deg + 120)
    from rtwin.calibration.physics.model.path_model import _masts

    assert _masts((link, other)) == [[0, 1]]
    assert len(links_of(campaign_from_dict(_table(load_recipe("courtyard"), 1, 1), "y", "."))) == 1


def test_flat_likelihood_leaves_the_prior(courtyard):
    """What no path touches cannot be seen, and is said to be so."""
    model, _ = courtyard
    unseen = Parameter("relative_permittivity", "concrete", 5.24, 0.7, "log1")
    rows = np.flatnonzero(_touches(model, "concrete") == 0)[:40]
    fit = fit_physics(model.take(rows), (unseen,), FitSpec(starts=2, refined=1))
    row = fit.identifiability()[0]
    assert row["posterior_over_prior"] == pytest.approx(1.0, abs=1e-3)
    assert row["value"] == pytest.approx(5.24)
    assert "cannot see" in row["verdict"]


def _touches(model, name):
    bundle = model.bundles[0]
    column = bundle.frozen.materials[:, bundle.world.material_names.index(name)]
    return np.bincount(bundle.row, column[bundle.path], minlength=len(model.data))
