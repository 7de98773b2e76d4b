"""From a recipe to a radio map file."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.channel import rss_dbm, serving_transmitter, sinr, thermal_noise_w
from rtwin.dataset.assemble import scene_attributes, transmitter_columns, write_table
from rtwin.dataset.generate import request_hash
from rtwin.dataset.progress import Progress, silent
from rtwin.dataset.schema import COORDINATES, MAP_FORMAT, MAP_LAYOUT
from rtwin.dataset.store import (
    attach_dimensions,
    content_hash,
    plain_errors,
    prepare_target,
    write_header,
    write_image,
)
from rtwin.scene import Recipe
from rtwin.trace import NUM_LATTICES, MapGrid, World, load_world, map_grid, trace_path_gain


def generate_radio_map(
    recipe: Recipe, file: str | Path, *, overwrite: bool = False, progress: Progress = silent
) -> Path:
    """Trace the radio map of a recipe into a file.

    Args:
        recipe: What to trace; [radio_map] says which cells.
        file: Where to; appears whole or not at all.
        overwrite: Replace a finished file of another recipe.
        progress: Called with stage ("map"), steps done and in all.
    Returns:
        The path of the file.
    Raises:
        RecipeError, GeometryError: if the recipe cannot be traced.
        StoreError: if the file is of another recipe and overwrite is not set,
            or cannot be written.
    """
    file = Path(file)
    if file.is_dir() or not file.exists():
        prepare_target(file, MAP_FORMAT, None, overwrite)  # before the work, not after it
    world = load_world(recipe)
    request = request_hash(recipe, world.scene_hash, None)
    if prepare_target(file, MAP_FORMAT, request, overwrite):
        progress("map", 1, 1)
        return file
    grid = map_grid(world)
    num_tx = len(recipe.transmitter)
    gain = np.zeros((num_tx, *grid.shape))
    error = np.zeros_like(gain)
    for tx in range(num_tx):

        def report(done: int, total: int, tx: int = tx) -> None:
            progress("map", tx * total + done, num_tx * total)

        gain[tx], error[tx] = trace_path_gain(world, tx, grid, report)
    with plain_errors(file):
        write_image(file, lambda h5: _write(h5, world, grid, gain, error, request))
    return file


def _write(h5: h5py.File, world: World, grid: MapGrid, gain: Any, error: Any, request: str) -> None:
    recipe = world.recipe
    columns = transmitter_columns(recipe)
    power = columns["tx_power_dbm"]
    noise = thermal_noise_w(recipe.bandwidth_hz, recipe.temperature_k, recipe.noise_figure_db)
    write_header(h5, MAP_FORMAT, {
        **scene_attributes(world),
        "request_hash": request,
        "cell_size_m": grid.cell_size_m,
        "height_m": recipe.radio_map.height_m,
        "rays": recipe.radio_map.rays,
        "num_lattices": NUM_LATTICES,
        "noise_power_w": float(noise),
    })  # fmt: skip
    write_table(h5, MAP_LAYOUT, {
        **columns,
        "cell_centers_m": grid.centers_m,
        "path_gain": gain,
        "path_gain_standard_error": error,
        "rss_dbm": rss_dbm(gain, power),
        "sinr": sinr(gain, power, noise),
        "serving_transmitter": serving_transmitter(gain, power),
    })  # fmt: skip
    attach_dimensions(h5, MAP_LAYOUT, {
        **COORDINATES,
        "tx": [tx.name for tx in recipe.transmitter],
        "cell_x": grid.centers_m[0, :, 0],
        "cell_y": grid.centers_m[:, 0, 1],
    })  # fmt: skip
    h5.attrs["content_hash"] = content_hash(h5, MAP_LAYOUT)
