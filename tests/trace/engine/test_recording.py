"""While the engine records, nothing else of it dies."""

import gc

import numpy as np

from rtwin.scene import load_recipe
from rtwin.trace import Tracer, freeze_paths, load_world, place
from rtwin.trace.engine import recording


def test_collection_rests_and_goes_on():
    assert gc.isenabled()
    with recording():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with recording():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_scene_that_is_garbage_does_not_end_a_recording():
    recipe = load_recipe("courtyard", num_receivers=8, max_depth=3, diffraction=True, rays=20_000)
    world = load_world(recipe)
    receivers = place(world)
    paths = Tracer(world).trace(receivers)
    link = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)
    rows = np.flatnonzero(link % len(recipe.transmitter) == 0)
    threshold = gc.get_threshold()
    frozen = freeze_paths(world, receivers, paths, 0, rows)
    gc.set_threshold(0)
    lost = [load_world(recipe), freeze_paths(world, receivers, paths, 0, rows[:9])]
    lost[1].power()
    lost.append(lost)  # a circle that only the collector ends
    del lost
    gc.set_threshold(1, 1, 1)
    try:
        assert (frozen.power() >= 0).all()
    finally:
        gc.set_threshold(*threshold)
