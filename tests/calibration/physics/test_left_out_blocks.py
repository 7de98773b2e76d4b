"""A fit that only follows its own rows is not kept."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import make_campaign, trace_campaign
from rtwin.scene import load_recipe

TRUTH = {"brick": {"relative_permittivity": 7.0, "conductivity_s_per_m": 0.3}}


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    recipe = load_recipe("courtyard", max_depth=2)
    folder = tmp_path_factory.mktemp("truth") / "yard"
    made = make_campaign(recipe, folder, TRUTH, num_points=120, noise_db=1.0)
    return trace_campaign(load_campaign(made), recipe)


def test_a_fit_that_holds_is_kept(part):
    rows = np.arange(len(part.data))
    fit = part.fit(rows, 1)
    assert fit.is_kept
    assert fit.values["brick relative permittivity"] == pytest.approx(7.0, rel=0.3)


def test_a_fit_to_noise_is_not_kept(part):
    """Levels of the scene as it is drawn: whatever a fit changes is noise."""
    rng = np.random.default_rng(2)
    drawn = part.model.gain_db((), np.zeros(0))
    data = replace(part.data, level_db=drawn + rng.normal(0.0, 3.0, len(drawn)))
    noisy = replace(part, data=data, model=replace(part.model, data=data))
    fit = noisy.fit(np.arange(len(data)), 1)
    assert not fit.is_kept
    assert not fit.z.any()
    assert not any(row["identified"] for row in fit.identifiability())
    assert "left-out blocks" in fit.identifiability()[0]["verdict"]
    np.testing.assert_allclose(
        fit.level_db(noisy.model) - drawn, fit.offset_db[data.tx, 0], atol=1e-6
    )
