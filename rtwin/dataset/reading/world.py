"""The world that a file is of."""

from collections.abc import Mapping
from typing import Any

from rtwin.scene import Recipe, recipe_from_dict
from rtwin.trace import World, edited_world, load_world

OF_EDITED = ("base_recipe", "edits")
"""Attributes of what comes from an edited twin: the scene at first, and what changed since."""


def world_of(attributes: Mapping[str, Any], recipe: Recipe) -> World:
    """Load the world of a file: its scene, with the edits of the twin that it comes from.

    Args:
        attributes: The file's; `edits` and `base_recipe` if it comes from a twin.
        recipe: The file's, with the folder of the scene's own files.
    Raises:
        GeometryError, RecipeError: if the scene cannot be loaded.
        EditError: if the file's edits do not fit it.
    Checked by tests/horizontal/twin/test_edited.py.
    """
    edits = attributes.get("edits")
    if not edits:
        return load_world(recipe)
    base = attributes.get("base_recipe")
    if base is None:
        return edited_world(recipe, edits, recipe)
    return edited_world(recipe_from_dict(base, recipe.name, recipe.folder), edits, recipe)
