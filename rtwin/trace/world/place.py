"""Placing a recipe's receivers in its loaded scene."""

from functools import partial

from rtwin.scene import Receivers, place_receivers
from rtwin.trace.world.queries import ground_height_m, is_inside
from rtwin.trace.world.world import World


def place(world: World) -> Receivers:
    """Receivers in free air above the ground, and how many were turned away.

    Raises:
        RecipeError: if the scene has no room for them, or a table of positions
            cannot be read.
    """
    recipe = world.recipe
    return place_receivers(
        recipe.receivers,
        world.bounds_m,
        partial(ground_height_m, world),
        partial(is_inside, world),
        recipe.seed,
        folder=recipe.folder,
        recipe=recipe,
        georeference=recipe.georeference,
    )
