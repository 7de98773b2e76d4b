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
    tx_port_labels,
)
from rtwin.dataset.shards.shard_folder import ShardFolder
from rtwin.dataset.store import (
    RESUME,
    attach_dimensions,
    content_hash,
    plain_errors,
    reserve_space,
    scene_attributes,
    transmitter_columns,
    write_header,
    write_table,
)
from rtwin.files import replace_whole
from rtwin.progress import Progress
from rtwin.scene import Receivers
from rtwin.trace import World, link_remarks


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
