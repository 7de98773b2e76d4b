"""A scene with what a calibration found in it."""

from pathlib import Path

from rtwin.calibration.judgement import read_result
from rtwin.calibration.physics import with_materials, with_object_materials
from rtwin.scene import Recipe, recipe_dict, recipe_from_dict


def calibrated_recipe(recipe: Recipe, result: str | Path) -> Recipe:
    """The recipe with what a calibration found and its data could see.

    Fitted materials, objects that are made of something else, and transmitters
    of the same name where they were found.

    Raises:
        StoreError: if the result is none.
        RecipeError: if it does not fit the recipe.
    """
    found = read_result(result)
    recipe = with_materials(recipe, found["materials"])
    objects, places = found.get("objects", {}), found.get("places", {})
    if objects:
        recipe = with_object_materials(recipe, objects)
    if places:
        data = recipe_dict(recipe)
        for tx in data["transmitter"]:
            tx["position_m"] = places.get(tx["name"], tx["position_m"])
        recipe = recipe_from_dict(data, recipe.name, recipe.folder)
    return recipe
