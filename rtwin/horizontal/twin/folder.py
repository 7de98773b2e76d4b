"""A twin on disk: a folder of snapshots, each written once and whole.

    munich.twin/000000.h5    the first build
    munich.twin/000001.h5    after the first edit

A snapshot is a radio map file that holds more: what changed and what was decided
and why, what the twin knows of each cell, and the paths of the transmitters whose
paths are new. It names its parent by content hash. Nothing is rewritten: a killed
update leaves the snapshots as they were.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.dataset.generation import check_hands, map_attributes, map_request, write_map
from rtwin.dataset.inspection import open_checked, snapshot_files
from rtwin.dataset.reading import OF_EDITED, darkness
from rtwin.dataset.schema import (
    MAP_FORMAT,
    PATH_MAP_LAYOUT,
    PORT_LABELS,
    TWIN_LAYOUT,
    tx_port_labels,
)
from rtwin.dataset.store import content_hash, plain_errors, prepare_target, sole_writer, write_image
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.files import is_temporary, sweep
from rtwin.horizontal.edits import Edits
from rtwin.horizontal.twin.building import build_state, twin_shards
from rtwin.horizontal.twin.snapshot import (
    DECISIONS,
    MAX_UNCERTAINTY_DB,
    PRESERVED,
    RETRACED,
    UNCERTAINTY_DB,
    Note,
    Snapshot,
    read_snapshot,
)
from rtwin.horizontal.twin.stored_paths import path_columns
from rtwin.horizontal.twin.traced import TwinState
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe, recipe_dict
from rtwin.trace import MapGrid, load_parts, start_engine, world_of_parts


def create_twin(
    recipe: Recipe,
    folder: str | Path,
    *,
    uncertainty_db: float = UNCERTAINTY_DB,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = silent,
) -> Snapshot:
    """Trace a recipe's map cell by cell into a new twin.

    A run that was killed goes on where it stopped when it is called again; what is finished
    of many cells lies beside, in `FOLDER.parts`. Once all is done, a call leaves the twin
    as it is, updates and all.

    Args:
        recipe: What to trace; [radio_map] says which cells, [solver] how.
        folder: Where to; it must not hold anything else.
        uncertainty_db: Standard deviation of path gains against reality [dB], as far as known.
        workers, ray: Who traces, as in rtwin.dataset.generate.
        progress: Called with "map", steps done and in all.
    Returns:
        The first snapshot.
    Raises:
        StoreError: if there is another twin already, or nothing can be written.
        RecipeError, GeometryError: if the recipe cannot be traced.
    """
    folder = Path(folder)
    if not 0 < uncertainty_db <= MAX_UNCERTAINTY_DB:
        raise OutOfRangeError(
            f"uncertainty_db is {uncertainty_db:g}, it must be above 0 and at most "
            f"{MAX_UNCERTAINTY_DB:g}"
        )
    hands = check_hands(workers, ray)
    with _writing(folder, new=True):
        start = datetime.now(UTC)
        parts = load_parts(start_engine(), recipe)
        world = world_of_parts(recipe, parts)
        request = hashlib.sha256(f"{map_request(world)} {uncertainty_db}".encode()).hexdigest()
        if snapshot_files(folder):
            first = open_twin(folder, 0)
            if first.request != request:
                raise StoreError(f"{folder}: holds another twin; choose another name")
            twin_shards(folder).remove()
            progress("map", 1, 1)
            return first
        state = build_state(
            recipe, parts, world, folder, request, workers=hands, ray=ray, progress=progress
        )
        seconds = (datetime.now(UTC) - start).total_seconds()
        num_tx = len(recipe.transmitter)
        shape = (num_tx, *state.grid.shape)
        note = Note(
            news="first build",
            decision=np.full(shape, RETRACED, np.uint8),
            tx_decision=[RETRACED] * num_tx,
            tx_reason=["first build"] * num_tx,
            tx_seconds=[seconds / num_tx] * num_tx,
            uncertainty_db=np.full(shape, uncertainty_db, np.float32),
            seconds=seconds,
            full_s=seconds,
        )
        where = str(recipe.folder.resolve())
        made = _write(
            folder, None, None, state, note, recipe_dict(recipe), [], request, scene_folder=where
        )
        twin_shards(folder).remove()
        return made


@contextmanager
def updating(folder: str | Path) -> Iterator[Snapshot]:
    """The newest snapshot of a twin, kept newest while the block runs: nobody else may append.

    Raises:
        StoreError: if there is no twin, or another process is updating it.
    """
    folder = Path(folder)
    newest = open_twin(folder)
    with _writing(folder, new=False):
        # Another one may have finished between the two lines above.
        yield newest if snapshot_files(folder)[-1] == newest.file else open_twin(folder)


def append_snapshot(
    parent: Snapshot,
    before: TwinState,
    after: TwinState,
    note: Note,
    edits: Edits | None = None,
    request: str = "",
) -> Snapshot:
    """Write the next snapshot of a twin, within `updating`.

    Args:
        parent: The newest snapshot, as `updating` gives it.
        before: Its state. Transmitters whose traces are the very same objects in both
            states refer to the snapshot that has their paths.
        after: The state now.
        note: What was decided.
        edits: What was edited, if anything was.
        request: Hash of what was asked for, by which `applied` knows it again.
    Raises:
        StoreError: if it cannot be written.
    """
    if snapshot_files(parent.folder)[-1] != parent.file:
        raise StoreError(f"{parent.folder}: has a newer snapshot by now; update that one")
    tables = [*parent.edits]
    if edits is not None:
        tables.append(edits.model_dump(mode="json", exclude_none=True))
    base = parent.radio_map.attributes["base_recipe"]
    return _write(parent.folder, parent, before, after, note, base, tables, request)


def applied(folder: str | Path, request: str) -> Snapshot | None:
    """The newest snapshot of a twin, if it was made of this request.

    A process that was killed after its snapshot was in place could not say so; the same
    command does not apply the same change twice.

    Raises:
        StoreError: if there is no twin, or the file is broken or foreign.
    """
    newest = open_twin(folder)
    return newest if newest.number > 0 and newest.request == request else None


def open_twin(folder: str | Path, snapshot: int = -1) -> Snapshot:
    """Read a snapshot of a twin; the newest one if none is named.

    Raises:
        StoreError: if there is no twin, or the file is broken or foreign.
        OutOfRangeError: if there is no such snapshot.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StoreError(f"{folder}: no such twin; `rtwin twin SCENE -o {folder}` makes one")
    files = snapshot_files(folder)
    if not files:
        raise StoreError(f"{folder}: is a folder without snapshots of a twin")
    numbers = [int(file.stem) for file in files]
    wanted = numbers[-1] if snapshot == -1 else snapshot
    if wanted not in numbers:
        raise OutOfRangeError(f"snapshot is {snapshot}, {folder} has {numbers[0]} to {numbers[-1]}")
    return read_snapshot(files[numbers.index(wanted)])


def history(folder: str | Path) -> list[dict[str, Any]]:
    """The snapshots of a twin in a few facts each, oldest first, ready for JSON.

    Raises:
        StoreError: if there is no twin, or a file is broken, foreign or not the
            child of the one before.
    """
    rows: list[dict[str, Any]] = []
    open_twin(folder)
    for file in snapshot_files(Path(folder)):
        found = read_snapshot(file)
        if found.parent != (rows[-1]["content_hash"] if rows else ""):
            raise StoreError(f"{file}: is not the child of the snapshot before; a file is missing")
        rows.append(
            {
                "snapshot": found.number,
                "created": found.created,
                "news": found.news,
                "decisions": {
                    name: DECISIONS[code]
                    for name, code in zip(found.radio_map.tx_name, found.tx_decision, strict=True)
                },
                "share_changed": float((found.decision != PRESERVED).mean()),
                "seconds": found.seconds,
                "full_s": found.full_s,
                "bytes": file.stat().st_size,
                "dark": _dark(found),
                "content_hash": found.content_hash,
            }
        )
    return rows


def _dark(snapshot: Snapshot) -> str:
    """One line on the outdoor cells that no path reaches, and why that is likely so."""
    gain = np.moveaxis(snapshot.radio_map.path_gain, 0, -1)[~snapshot.is_inside]
    recipe = snapshot.radio_map.attributes["recipe"]
    return darkness(gain <= 0, recipe, "cells of the map", option=False)


def write_snapshot_map(
    folder: str | Path, file: str | Path, snapshot: int = -1, *, overwrite: bool = False
) -> Path:
    """Write the map of a snapshot as a radio map file of its own.

    Raises:
        StoreError, OutOfRangeError: as open_twin; if the file exists and holds
            something else and overwrite is not set, or cannot be written.
    """
    found, file = open_twin(folder, snapshot), Path(file)
    request = f"snapshot-{found.content_hash}"
    if prepare_target(file, MAP_FORMAT, request, overwrite):
        return file
    attributes = {k: v for k, v in found.radio_map.attributes.items() if k not in _OF_TWIN}
    recipe = found.recipe
    left_out = [] if recipe.has_files else ["scene_folder"]
    for name in [*left_out, *(() if found.edits else OF_EDITED)]:
        attributes.pop(name, None)
    with open_checked(found.file, MAP_FORMAT) as h5:
        corner_z_m = h5["corner_z_m"][...]
    low = found.radio_map.attributes["low_m"]
    grid = MapGrid(
        (low[0], low[1]), float(attributes["cell_size_m"]), found.is_inside.shape, corner_z_m
    )
    columns = found.maps | {"path_gain_standard_error": found.radio_map.path_gain_standard_error}

    def build(h5: h5py.File) -> None:
        write_map(
            h5, PATH_MAP_LAYOUT, recipe, grid, columns, attributes | {"request_hash": request}
        )
        h5.attrs["content_hash"] = content_hash(h5, PATH_MAP_LAYOUT)

    with plain_errors(file):
        write_image(file, build)
    return file


_OF_TWIN = (
    "snapshot",
    "parent",
    "created",
    "news",
    "seconds",
    "full_s",
    "more",
    "low_m",
    "request_hash",
    "content_hash",
    "hash_version",
    "format",
    "format_version",
    "Conventions",
    "versions",
)


@contextmanager
def _writing(folder: Path, *, new: bool) -> Iterator[None]:
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        names = {file.name for file in folder.iterdir() if not is_temporary(file)} - {"lock"}
        if new and names and not snapshot_files(folder):
            raise StoreError(f"{folder}: exists and is not empty; choose another name")
    with sole_writer(folder, folder):
        yield


def _write(
    folder: Path,
    parent: Snapshot | None,
    before: TwinState | None,
    state: TwinState,
    note: Note,
    base_recipe: dict[str, Any],
    edits: list[dict[str, Any]],
    request: str,
    scene_folder: str | None = None,
) -> Snapshot:
    number = 0 if parent is None else parent.number + 1
    if parent is not None:
        scene_folder = parent.radio_map.attributes.get("scene_folder")
    target = folder / f"{number:06d}.h5"
    recipe = state.recipe
    rows = {} if before is None else {id(t): row for row, t in enumerate(before.traces)}
    new = [tx for tx, trace in enumerate(state.traces) if id(trace) not in rows]
    path_snapshot = np.full(len(state.traces), number)
    traced = np.full(note.decision.shape, number)
    if parent is not None:
        with open_checked(parent.file, MAP_FORMAT) as h5:
            stored_in = h5["path_snapshot"][...]
        for tx, trace in enumerate(state.traces):
            if id(trace) in rows:
                path_snapshot[tx] = stored_in[rows[id(trace)]]
            if state.tx_names[tx] in parent.radio_map.tx_name:
                old = parent.traced_snapshot[parent.radio_map.tx_name.index(state.tx_names[tx])]
                traced[tx] = np.where(note.decision[tx] == PRESERVED, old, number)
    columns = {
        **state.maps,
        "path_gain_standard_error": np.zeros_like(state.maps["path_gain"]),
        "corner_z_m": state.grid.corner_z_m,
        "is_inside": state.is_inside,
        "uncertainty_db": note.uncertainty_db,
        "traced_snapshot": traced,
        "decision": note.decision,
        "tx_decision": np.asarray(note.tx_decision, np.uint8),
        "tx_reason": [str(reason) for reason in note.tx_reason],
        "tx_seconds": np.asarray(note.tx_seconds, np.float64),
        "path_snapshot": path_snapshot,
        **path_columns(recipe, [(state.tx_names[tx], state.traces[tx]) for tx in new]),
    }
    attributes = {
        **state.attributes,
        "base_recipe": base_recipe,
        "edits": edits,
        "request_hash": request,
        "snapshot": number,
        "parent": "" if parent is None else parent.content_hash,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "news": note.news,
        "seconds": note.seconds,
        "full_s": note.full_s,
        "more": dict(note.more),
        "low_m": list(state.grid.low_m),
        **({} if scene_folder is None else {"scene_folder": scene_folder}),
        "rays": recipe.solver.rays,
        **map_attributes(recipe, state.grid, "paths"),
    }
    labels = {
        "tx_pol": tx_port_labels(recipe),
        "rx_pol": PORT_LABELS["VH"],
    }

    def build(h5: h5py.File) -> None:
        write_map(h5, TWIN_LAYOUT, recipe, state.grid, columns, attributes, labels)
        digest = content_hash(h5, TWIN_LAYOUT)
        h5.attrs["content_hash"] = digest

    with plain_errors(target):
        write_image(target, build)
    return read_snapshot(target)
