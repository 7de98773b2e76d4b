"""A stale twin of any scene: it lacks the objects that change its map the most."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset import RadioMap, generate, generate_radio_map, open_dataset, open_radio_map
from rtwin.experiments.worlds import without_objects
from rtwin.scene import Recipe, with_overrides
from rtwin.units import from_db, to_db

CANDIDATES, MOST = 8, 2
RECEIVERS = 200
PATH_RAYS, MAP_RAYS = 100_000, 100_000


def map_without(recipe: Recipe, names: tuple[str, ...], file: Path) -> RadioMap:
    """The map of a scene without some of its objects.

    Raises:
        OutOfRangeError: if it has no object of a name.
    """
    if recipe.object:
        generate_radio_map(without_objects(recipe, names), file, overwrite=True)
    else:
        generate_radio_map(recipe, file, without=names, overwrite=True)
    return open_radio_map(file)


def objects_that_tell(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """The objects whose absence changes a scene's map the most, strongest first.

    Of the objects that bring most of the power to 200 random places, each is left out of the map
    alone; two at most are taken, the second if it changes at least half as much as the first.

    Args:
        recipe: Any recipe.
        folder: Where maps and paths are traced into.
    Returns:
        Names, none if paths touch nothing but the ground.
    Checked by tests/experiments/test_stale.py.
    """
    few = with_overrides(recipe, map_rays=MAP_RAYS)
    whole = open_radio_map(generate_radio_map(few, folder / "whole.h5", overwrite=True))
    changes = {
        name: map_change_db(whole, map_without(few, (name,), folder / "less.h5"))
        for name in list(touched_power(recipe, folder))[:CANDIDATES]
    }
    ranked = sorted(changes, key=lambda name: -changes[name])
    return tuple(name for name in ranked[:MOST] if changes[name] >= changes[ranked[0]] / 2)


def touched_power(recipe: Recipe, folder: Path) -> Mapping[str, float]:
    """Share of the power at random places that each object touches, without the ground, sorted.

    Links count alike, however strong they are.
    """
    rays = min(recipe.solver.rays, PATH_RAYS)
    small = with_overrides(recipe, num_receivers=RECEIVERS, rays=rays)
    with open_dataset(generate(small, folder / "touched.h5", overwrite=True)) as dataset:
        names = [str(name) for name in dataset.read("object_name")]
        total = np.zeros(len(names))
        for links, paths in dataset.batches():
            touched = dataset.read("object", dataset.path_rows(links.start, links.stop))
            of_link = np.bincount(paths.link_index, paths.power, paths.num_links)
            share = paths.power / np.maximum(of_link[paths.link_index], 1e-300)
            # An object that a path meets twice counts once.
            ordered = np.sort(touched, axis=1)
            fresh = (ordered >= 0) & (np.diff(ordered, axis=1, prepend=-1) != 0)
            path, depth = np.nonzero(fresh)
            total += np.bincount(ordered[path, depth], share[path], len(names))
    ground = set(recipe.geometry.ground)
    found = {n: float(t) for n, t in zip(names, total, strict=True) if t > 0 and n not in ground}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def map_change_db(before: RadioMap, after: RadioMap) -> float:
    """Mean change of what the best transmitter brings to a cell [dB], floored at the noise."""
    noise_w = float(before.attributes["noise_power_w"])

    def best_db(found: RadioMap) -> Floats:
        watts = from_db(found.tx_power_dbm - 30.0)[:, None, None] * found.path_gain
        return to_db(np.maximum(watts.max(axis=0), noise_w))

    return float(np.abs(best_db(after) - best_db(before)).mean())
