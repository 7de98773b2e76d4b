"""Transmitters of a height above the ground, put where that is in a scene."""

from collections.abc import Sequence

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import RecipeError
from rtwin.scene import Recipe, recipe_dict, recipe_from_dict
from rtwin.trace.world.sources import Part


def on_ground(recipe: Recipe, parts: Sequence[Part]) -> Recipe:
    """A recipe whose transmitters all have their z: that of the ground and their height.

    Args:
        recipe: Any recipe; one without heights above the ground is given back.
        parts: The objects of its scene.
    Raises:
        RecipeError: if there is no ground under a transmitter.
    Checked by tests/trace/world/test_devices.py.
    """
    if all(tx.height_m is None for tx in recipe.transmitter):
        return recipe
    data = recipe_dict(recipe)
    corners = [part.vertices[part.faces] for part in parts if part.name in recipe.geometry.ground]
    for tx, spec in zip(data["transmitter"], recipe.transmitter, strict=True):
        if spec.height_m is None:
            continue
        low = _height_m(np.concatenate(corners), spec.position_m) if corners else 0.0
        if not np.isfinite(low):
            raise RecipeError(
                f"{recipe.name}: there is no ground under transmitter '{spec.name}'; give its z "
                "instead of height_m"
            )
        del tx["height_m"]
        tx["position_m"] = [*spec.position_m[:2], round(low + spec.height_m, 3)]
    return recipe_from_dict(data, recipe.name, recipe.folder)


def _height_m(triangles: Floats, place_m: Sequence[float]) -> float:
    """Height of the highest of some triangles [triangle, 3, 3] m over a place; NaN if none."""
    corners = triangles.astype(np.float64)
    flat = corners[..., :2] - np.array(place_m[:2])
    following = np.roll(flat, -1, axis=1)
    # Twice the areas that the place spans with each side; all of one sign inside.
    areas = flat[..., 0] * following[..., 1] - flat[..., 1] * following[..., 0]
    total = areas.sum(axis=1)
    inside = ((areas >= 0).all(axis=1) | (areas <= 0).all(axis=1)) & (total != 0)
    if not inside.any():
        return float("nan")
    # A corner weighs as much as the side across from it.
    weights = np.roll(areas[inside], -1, axis=1) / total[inside, None]
    return float((weights * corners[inside, :, 2]).sum(axis=1).max())
