"""Starts of a fit: every method arrives at the optimum of a loss that is known."""

import numpy as np
import pytest

from rtwin.calibration.campaign.recipe import FitSpec
from rtwin.calibration.physics.fitting.fit import fit_physics
from rtwin.calibration.physics.fitting.starting_points import starting_points
from rtwin.calibration.physics.model.campaign_scene import world_of
from rtwin.calibration.physics.model.parameters import parameters_of
from rtwin.calibration.physics.model.path_model import build_model

PLACE = np.array([0.7, -1.1])
# Method: starts that are asked for, evaluations of the loss that this takes at most.
BUDGET = {"gradient": (64, 0), "annealing": (40, 850), "bayesian": (40, 40), "grid": (1, 40)}


class Valleys:
    """A bowl with ripples: 30 at its rim, 0 in the deepest valley alone."""

    def __init__(self):
        self.count = 0

    def __call__(self, z):
        self.count += 1
        off = z - PLACE
        return float(1 + 4 * off @ off + 3 * (1 - np.cos(4 * off)).sum())


@pytest.mark.parametrize("method", BUDGET)
@pytest.mark.parametrize("seed", [1, 2])
def test_searches_find_the_deepest_valley(method, seed):
    loss = Valleys()
    starts, most = BUDGET[method]
    found = starting_points(method, loss, 2, starts, seed)
    assert loss.count <= most
    assert np.all(found[0] == 0)
    best = min(found, key=loss)
    # Within the valley: its neighbours' floors lie 1.57 away.
    assert np.abs(best - PLACE).max() < 0.6


def test_bayesian_beats_as_many_draws():
    """Where slopes are of no use, thinking before evaluating is worth something."""
    better = 0
    for seed in range(4):
        loss = Valleys()
        drawn = min(loss(z) for z in starting_points("gradient", loss, 2, 40, seed))
        found = min(loss(z) for z in starting_points("bayesian", loss, 2, 40, seed))
        better += found < drawn
    assert better >= 3


def test_all_methods_fit_the_same_physics(measured_yard):
    """Brick of a courtyard: one optimum, whoever looks for it."""
    recipe, campaign, data, _ = measured_yard
    world = world_of(recipe, campaign)
    model = build_model(world, data.take(np.arange(0, len(data), 2)))
    losses = {}
    for method, starts in (("gradient", 8), ("annealing", 6), ("bayesian", 24), ("grid", 1)):
        spec = FitSpec(
            parameters=("relative_permittivity", "conductivity"),
            materials=("brick",),
            method=method,
            starts=starts,
            refined=2,
        )
        parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
        fit = fit_physics(model, parameters, spec)
        losses[method] = (fit.loss, fit.values["brick relative permittivity"])
    lowest = min(losses.values())
    for method, (loss, value) in losses.items():
        assert loss < 1.02 * lowest[0], (method, losses)
        assert abs(value / lowest[1] - 1) < 0.05, (method, losses)
