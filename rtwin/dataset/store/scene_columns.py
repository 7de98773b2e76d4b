"""Attributes and columns that every file of a scene carries."""

from typing import Any

import numpy as np

from rtwin.scene import Recipe, recipe_dict
from rtwin.trace import World, remarks


def scene_attributes(world: World, *more_remarks: str) -> dict[str, Any]:
    """Root attributes that every file of a scene carries."""
    recipe = world.recipe
    return {
        "title": recipe.title,
        "scene": recipe.name,
        "geometry_hash": world.geometry_hash,
        "scene_hash": world.scene_hash,
        "source": recipe.source,
        "licence": recipe.licence,
        "recipe": recipe_dict(recipe),
        "frequency_hz": recipe.frequency_hz,
        "seed": recipe.seed,
        "diffraction_model": recipe.solver.diffraction_model
        if recipe.solver.diffraction
        else "none",
        "variant": world.engine.variant,
        "remarks": [*remarks(world), *more_remarks],
        # So that what needs the geometry finds it again, where it is in files of its own.
        **({"scene_folder": str(recipe.folder.resolve())} if recipe.has_files else {}),
    }


def transmitter_columns(recipe: Recipe) -> dict[str, Any]:
    """Values of TX_VARIABLES."""
    transmitters = recipe.transmitter
    return {
        "tx_name": [tx.name for tx in transmitters],
        "tx_position_m": np.array([tx.position_m for tx in transmitters], np.float64),
        "tx_orientation_rad": np.array([tx.orientation_rad for tx in transmitters], np.float64),
        "tx_velocity_m_s": np.array([tx.velocity_m_s for tx in transmitters], np.float64),
        "tx_power_dbm": np.array([tx.power_dbm for tx in transmitters], np.float64),
    }
