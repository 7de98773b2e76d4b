"""Where information comes from: shares add up, and paths that touch nothing tell nothing."""

import numpy as np
import pytest

from rtwin.calibration.campaign.recipe import FitSpec
from rtwin.calibration.physics.fitting.fisher_information import information_table
from rtwin.calibration.physics.fitting.fit import fit_physics
from rtwin.calibration.physics.model.campaign_scene import world_of
from rtwin.calibration.physics.model.parameters import parameters_of
from rtwin.calibration.physics.model.path_model import build_model


@pytest.fixture(scope="module")
def table(measured_yard):
    recipe, campaign, data, _ = measured_yard
    world = world_of(recipe, campaign)
    model = build_model(world, data.take(np.arange(0, len(data), 3)))
    spec = FitSpec(
        parameters=("relative_permittivity", "diffraction"),
        materials=("brick", "concrete"),
        starts=2,
        refined=1,
    )
    parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
    fit = fit_physics(model, parameters, spec)
    return {row["parameter"]: row for row in information_table(model, fit, spec)}, fit, world


def test_shares_add_up(table):
    rows, fit, _ = table
    brick = rows["brick relative permittivity"]
    assert sum(brick["by_interaction"].values()) == pytest.approx(1.0, abs=0.03)
    assert sum(brick["by_transmitter"].values()) == pytest.approx(1.0)
    assert 1 <= brick["rows_of_half"] < 90
    # With one parameter at a time known, its width is at most the posterior's.
    at = [p.name for p in fit.parameters].index("brick relative permittivity")
    assert 1 / np.sqrt(1 + brick["information"]) <= fit.width[at] + 1e-9


def test_only_what_is_made_of_it_tells_of_a_material(table):
    rows, _, world = table
    bricks = {
        world.object_names[n]
        for n in np.unique(
            world.triangles.object[world.triangles.material == world.material_names.index("brick")]
        )
    }
    shares = rows["brick relative permittivity"]["by_object"]
    assert shares
    assert next(iter(shares)) in bricks
    assert "line of sight" not in rows["brick relative permittivity"]["by_interaction"]
    for name in rows["diffraction loss db"].get("by_interaction", {}):
        assert "diffraction" in name
