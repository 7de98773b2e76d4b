"""Finished shards become one file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

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
    ChunkThreads,
    attach_dimensions,
    blocks,
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
            folder.create_merged(file, num_shards)
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
            with ChunkThreads() as threads:
                merging = _Merging(folder, num_shards, threads, progress)
                file.attrs["content_hash"] = content_hash(file, layout, merging.rows)
            merging.finished()
        replace_whole(merged, folder.target)


class _Merging:
    """Fills the shards' variables while they are hashed: all is read and packed once."""

    def __init__(
        self, folder: ShardFolder, num_shards: int, threads: ChunkThreads, progress: Progress
    ) -> None:
        self._folder, self._num_shards, self._threads = folder, num_shards, threads
        self._left, self._progress = {variable.name for variable in folder.layout}, progress
        self._total = len(self._left)

    def rows(self, dataset: h5py.Dataset) -> Iterable[NDArray[Any]]:
        """The rows of a variable of the file, as content_hash asks for them."""
        name = dataset.name.lstrip("/")
        if name not in self._left:
            return blocks(dataset)
        self._progress("write", self._total - len(self._left), self._total)
        self._left.discard(name)
        found = self._folder.merged_rows(name, self._num_shards, self._threads)
        return self._threads.copied(dataset, found)

    def finished(self) -> None:
        """Make sure that nothing was left out."""
        assert not self._left, f"not in the layout: {self._left}"
        self._progress("write", self._total, self._total)


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
