"""Finished shards become one file."""

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from rtwin.dataset.schema import (
    COORDINATES,
    PATHS_FORMAT,
    PATHS_LAYOUT,
    PORT_LABELS,
    SCENE_VARIABLES,
    SWEEP_FORMAT,
    SWEEP_LAYOUT,
    Variable,
    tx_port_labels,
)
from rtwin.dataset.shards import ShardFolder
from rtwin.dataset.store import (
    RESUME,
    attach_dimensions,
    content_hash,
    create_variable,
    plain_errors,
    reserve_space,
    write_header,
)
from rtwin.files import replace_whole
from rtwin.progress import Progress
from rtwin.scene import Receivers, Recipe, recipe_dict
from rtwin.trace import World, link_remarks, remarks


def assemble(
    worlds: Sequence[World],
    receivers: Receivers,
    folder: ShardFolder,
    num_shards: int,
    request: str,
    progress: Progress,
    *,
    sweep: bool = False,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Make the finished shards one file, and put it in place.

    Args:
        worlds: The world; for a sweep the world at each frequency.
        attributes: More root attributes.
    """
    world = worlds[0]
    recipe = world.recipe
    kind, layout = (SWEEP_FORMAT, SWEEP_LAYOUT) if sweep else (PATHS_FORMAT, PATHS_LAYOUT)
    merged = folder.path / "merged.h5"
    num_tx, num_rx = len(recipe.transmitter), len(receivers)
    progress("write", 0, 1)
    with plain_errors(folder.target, RESUME):
        reserve_space(folder.path, folder.merged_bytes(num_shards))
        with h5py.File(merged, "w") as file:
            of_scene = scene_attributes(world, *link_remarks(world, receivers))
            if sweep:
                del of_scene["frequency_hz"]
            write_header(
                file,
                kind,
                {
                    **of_scene,
                    **(attributes or {}),
                    "request_hash": request,
                    "num_candidates": receivers.num_candidates,
                    "num_inside": receivers.num_inside,
                    "num_underground": receivers.num_underground,
                    "num_without_ground": receivers.num_without_ground,
                    "featureType": "point",
                },
            )
            time_s = receivers.time_s if receivers.time_s is not None else np.full(num_rx, np.nan)
            link = np.arange(num_rx * num_tx)
            frequencies_hz = np.array([w.recipe.frequency_hz for w in worlds], np.float64)
            write_table(
                file,
                layout,
                {
                    **transmitter_columns(recipe),
                    "rx_position_m": receivers.position_m,
                    "rx_orientation_rad": receivers.orientation_rad,
                    "rx_velocity_m_s": receivers.velocity_m_s,
                    "rx_time_s": time_s,
                    "rx_candidate": receivers.candidate,
                    "link_tx": link % num_tx,
                    "link_rx": link // num_tx,
                    "frequency_hz": frequencies_hz,
                    **_scene_columns(worlds, sweep),
                },
            )
            folder.merge_into(file, num_shards)
            file["num_paths"].attrs["sample_dimension"] = "path"
            attach_dimensions(
                file,
                layout,
                {
                    **COORDINATES,
                    "frequency": frequencies_hz,
                    "tx": [tx.name for tx in recipe.transmitter],
                    "tx_pol": tx_port_labels(recipe),
                    "rx_pol": PORT_LABELS[recipe.receivers.antenna.polarization],
                },
            )
            file.attrs["content_hash"] = content_hash(file, layout)
        replace_whole(merged, folder.target)
    progress("write", 1, 1)


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


def _scene_columns(worlds: Sequence[World], sweep: bool) -> dict[str, Any]:
    names = worlds[0].material_names
    numbers = [v.name for v in SCENE_VARIABLES if v.dims == ("material_id",) and v.dtype != "str"]
    columns: dict[str, Any] = {
        "object_name": list(worlds[0].object_names),
        "material_name": list(names),
    }
    swept = {v.name for v in SWEEP_LAYOUT if "frequency" in v.dims}
    for number in numbers:
        each = np.array([[getattr(w.materials[n], number) for w in worlds] for n in names])
        columns[number] = each if sweep and number in swept else each[:, 0]
    return columns


def write_table(file: h5py.File, layout: tuple[Variable, ...], columns: dict[str, Any]) -> None:
    """Write the variables of a layout for which there are values."""
    for variable in layout:
        if variable.name in columns:
            data = columns[variable.name]
            create_variable(file, variable, np.shape(data), data)
