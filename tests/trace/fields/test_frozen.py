"""Frozen paths: the engine's own coefficients, gradients that are finite differences."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.scene import load_recipe
from rtwin.trace import Tracer, evaluate_paths, freeze_paths, load_world, place
from rtwin.trace.fields import transport


@pytest.fixture(scope="module")
def traced():
    recipe = load_recipe("courtyard", num_receivers=12, max_depth=3, diffraction=True, rays=20_000)
    world = load_world(recipe)
    receivers = place(world)
    paths = Tracer(world).trace(receivers)
    link = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)
    rows = np.flatnonzero(link % len(recipe.transmitter) == 0)
    return world, receivers, paths, rows


@pytest.fixture
def frozen(traced):
    return freeze_paths(*traced[:3], 0, traced[3])


def test_powers_are_the_tracers(traced, frozen):
    _, _, paths, rows = traced
    wanted = (np.abs(paths.a[rows]) ** 2).sum(axis=1).mean(axis=1)
    assert len(rows) > 50
    # Directions are rounded once here, and piece by piece in the engine.
    off = np.abs(frozen.power() / wanted - 1)
    assert np.median(off) < 1e-5
    assert off.max() < 1e-3


def test_other_materials_equal_a_fresh_evaluation(traced, frozen):
    from rtwin.calibration.physics.model.campaign_scene import with_materials

    world, receivers, paths, rows = traced
    values = {"brick": {"relative_permittivity": 5.5, "conductivity_s_per_m": 0.2}}
    power = frozen.power(values)
    other = load_world(with_materials(world.recipe, values))
    link = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)[rows]
    num_tx = len(world.recipe.transmitter)
    a = evaluate_paths(
        other,
        receivers,
        link % num_tx,
        link // num_tx,
        paths.interactions[rows],
        paths.triangle[rows],
        paths.edge[rows],
        paths.vertex_m[rows],
    )[0]
    assert np.allclose(power, (np.abs(a) ** 2).sum(axis=1).mean(axis=1), rtol=1e-4, atol=1e-18)
    changed = frozen.materials[:, world.material_names.index("brick")]
    before = frozen.power()
    assert np.array_equal(before[~changed], power[~changed])
    assert (before[changed] != power[changed]).mean() > 0.9


def test_unknown_material_is_refused(frozen):
    with pytest.raises(OutOfRangeError, match="no material parameter"):
        frozen.power({"cheese": {"thickness_m": 0.1}})


def test_other_transmitters_rows_are_refused(traced):
    world, receivers, paths, _ = traced
    if len(world.recipe.transmitter) > 1:
        with pytest.raises(OutOfRangeError, match="other transmitters"):
            freeze_paths(world, receivers, paths, 0, np.arange(len(paths.delay_s)))


def test_nothing_frozen_is_nothing(traced):
    world, receivers, paths, _ = traced
    empty = freeze_paths(world, receivers, replace(paths), 0, np.zeros(0, np.int64))
    assert empty.power().shape == (0,)


def test_nothing_is_collected_while_a_kernel_is_recorded(frozen, monkeypatch):
    recorded, collects = transport._recorded, []

    def watched(transmits):
        def run(*arguments):
            collects.append(gc.isenabled())
            return recorded(transmits)(*arguments)

        return run

    monkeypatch.setattr(transport, "_recorded", watched)
    frozen.power()
    assert collects == [False]
    assert gc.isenabled()
