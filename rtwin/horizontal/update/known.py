"""Known edits of a twin: rehearsed ones at once, others by the cheapest exact way."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtwin.arrays import Bools
from rtwin.dataset.store import scene_attributes
from rtwin.errors import EditError
from rtwin.horizontal.decision import Drift, Evidence, Rung, TransmitterDecision
from rtwin.horizontal.edits import (
    Differences,
    Edits,
    apply_edits,
    differences,
    edits_from_dict,
    load_edits,
)
from rtwin.horizontal.known_change import Retraced, retrace
from rtwin.horizontal.known_change import Way as TraceWay
from rtwin.horizontal.levels import UNREACHED_DB, floored_db
from rtwin.horizontal.rehearsal import (
    LIBRARY_FILE,
    Rehearsed,
    library_of,
    read_library,
    write_library,
)
from rtwin.horizontal.twin import (
    PRESERVED,
    RETRACED,
    UPDATED,
    Maps,
    Note,
    Snapshot,
    TwinState,
    append_snapshot,
    applied,
    open_twin,
    updating,
)
from rtwin.horizontal.update.ways import KNOWN, ROUNDING_DB, How, Wish, choose
from rtwin.progress import Progress, silent
from rtwin.trace import Effort, world_of_parts
from rtwin.units import from_db

_DECISION: dict[TraceWay, int] = {
    "kept": PRESERVED,
    "evaluated": UPDATED,
    "partial": RETRACED,
    "traced": RETRACED,
}
CHANGED_DB = 1.0
_LIBRARY_S = 0.05  # what writing a rehearsed change takes, maps read
_OF_TRANSMITTERS = ("add_transmitter", "remove_transmitter")
_OF_RECIPES = ("move_transmitter", "set_transmitter", "set_frequency")


def update_twin(
    folder: str | Path,
    edits: Edits | str | Path | None = None,
    *,
    scene: str | Path | None = None,
    how: How | None = None,
    within_s: float = np.inf,
    tolerance_db: float = 3.0,
    again: bool = False,
    because: str = "",
    progress: Progress = silent,
) -> Snapshot:
    """Bring a twin to the world after some edits, as its next snapshot.

    An edit that was rehearsed is at once in the maps; the paths follow with the next
    update that traces. All others are traced, exactly. Where the newest snapshot is already
    what these edits made, it stays the newest.

    Args:
        folder: The twin.
        edits: What changed, or the file that says it; None to trace what is only in the
            maps so far.
        scene: The recipe, where its geometry is in files that the twin cannot find.
        how: "library", "partial" or "full"; default: the cheapest that is good enough.
        within_s: Most seconds that the way may take, as predicted.
        tolerance_db: Error of a changed cell that is acceptable [dB].
        again: Apply the edits once more to the snapshot that they made.
        because: Why this twin was chosen now; the snapshot keeps it.
        progress: Called with "map", steps done and in all.
    Raises:
        EditError: if the edits are impossible in the twin's world.
        OutOfRangeError: if the way does not exist or nothing is quick enough.
        StoreError: if the twin is broken, or somebody else updates it.
    Checked by tests/horizontal/update/test_known.py.
    """
    wish = Wish(how, within_s, tolerance_db)
    wish.check(KNOWN)
    if edits is not None and not isinstance(edits, Edits):
        file, edits = edits, load_edits(edits)
        try:
            return update_twin(
                folder,
                edits,
                scene=scene,
                how=how,
                within_s=within_s,
                tolerance_db=tolerance_db,
                again=again,
                because=because,
                progress=progress,
            )
        except EditError as error:
            raise EditError(f"{file}: {error}") from None
    with updating(folder) as parent:
        if edits is not None and not again and applied(folder, edits_request(edits)):
            if how not in ("partial", "full") or not parent.num_pending:
                progress("map", 1, 1)
                return parent
            edits = None  # in the maps they are already
        if edits is None and not parent.num_pending:
            raise EditError(f"{folder}: nothing is to be traced again; give edits")
        known = None if edits is None else rehearsed_edit(parent, edits)
        chosen = _way(parent, known, wish)
        if chosen.rung is not None and chosen.rung.name == "library" and known is not None:
            assert edits is not None
            return _from_library(parent, edits, known, chosen, scene, because)
        return _traced(parent, edits, wish, scene, because, progress)


def edits_request(edits: Edits) -> str:
    """SHA-256 of edits, however their file is written."""
    table = edits.model_dump(mode="json", exclude_none=True)
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def _way(parent: Snapshot, known: Rehearsed | None, wish: Wish) -> TransmitterDecision:
    """Library or tracing; what tracing costs is known better when the edit is loaded."""
    cells = parent.decision[0].size
    evidence = Evidence(
        "all", np.ones(cells, bool), np.ones(cells), np.zeros(cells), Drift.none(cells)
    )
    rungs = [Rung("full", parent.full_s), Rung("partial", 0.999 * parent.full_s)]
    if known is not None:
        rungs.append(Rung("library", _LIBRARY_S, ROUNDING_DB))
        rungs[1] = Rung("partial", known.seconds)
    if wish.how == "library" and known is None:
        raise EditError("this edit was not rehearsed; `rtwin rehearse` does, or leave out --how")
    return choose(evidence, rungs, wish)


def rehearsed_edit(parent: Snapshot, edits: Edits) -> Rehearsed | None:
    """The library's entry of these very edits, or None."""
    library = library_of(parent.folder, parent.scene_hash)
    if library is None or edits.materials or parent.num_pending:
        return None
    wanted = edits.model_dump(mode="json", exclude_none=True)["edit"]
    if any(table["kind"] in _OF_TRANSMITTERS for table in wanted):
        return None
    for entry in library.entries:
        told = Edits(edit=entry.hypothesis.edits).model_dump(mode="json", exclude_none=True)
        if told["edit"] == wanted:
            return entry
    return None


def _from_library(
    parent: Snapshot,
    edits: Edits,
    known: Rehearsed,
    chosen: TransmitterDecision,
    scene: str | Path | None,
    because: str,
) -> Snapshot:
    start = time.perf_counter()
    before = parent.without_paths()
    maps = rehearsed_maps(parent.maps, known)
    after = replace(before, maps=maps)
    if known.hashes and not any(edit.kind in _OF_RECIPES for edit in edits.edit):
        hashes = dict(zip(("scene_hash", "geometry_hash"), known.hashes, strict=True))
        after = replace(after, attributes=before.attributes | hashes)
    else:
        recipe, parts = apply_edits(edits, *parent.world(scene))
        attributes = before.attributes | scene_attributes(world_of_parts(recipe, parts))
        after = replace(after, recipe=recipe, attributes=attributes)
    touched: Bools = np.zeros(parent.decision.shape, bool)
    touched.ravel()[known.cell] = True
    names = parent.radio_map.tx_name
    changed = changed_cells(parent.maps, names, maps, names)
    seconds = time.perf_counter() - start
    note = Note(
        news="; ".join(describe(edit) for edit in edits.edit),
        decision=np.where(touched, UPDATED, PRESERVED).astype(np.uint8),
        tx_decision=[UPDATED if touched[tx].any() else PRESERVED for tx in range(len(names))],
        tx_reason=[f"{chosen.reason}; it was rehearsed"] * len(names),
        tx_seconds=[seconds / len(names)] * len(names),
        uncertainty_db=parent.uncertainty_db,
        seconds=seconds,
        full_s=parent.full_s,
        more={
            "way": "library",
            "pending": parent.num_pending + 1,
            "changed_cells": {n: int(c.sum()) for n, c in zip(names, changed, strict=True)},
        },
    )
    note = note.said(because=because)
    made = append_snapshot(parent, before, after, note, edits, edits_request(edits))
    _keep_library(made, touched.reshape(len(names), -1), edits)
    return made


def rehearsed_maps(maps: Maps, known: Rehearsed) -> Maps:
    """Maps after a rehearsed edit: gain, delay spread and line of sight; others stay."""
    found = {name: values.copy() for name, values in maps.items()}
    gain = found["path_gain"].ravel()
    level = floored_db(gain[known.cell]) + known.gain_db
    gain[known.cell] = np.where(level > UNREACHED_DB + 25, from_db(level), 0.0)
    spread = found["rms_delay_spread_s"].ravel()
    moved = np.nan_to_num(spread[known.cell]) + 1e-9 * known.spread_ns
    spread[known.cell] = np.maximum(moved, 0.0)
    sight = found["line_of_sight"].ravel()
    sight[known.cell] = np.clip(sight[known.cell].astype(int) + known.sight, 0, 1)
    return found


def _traced(
    parent: Snapshot,
    edits: Edits | None,
    wish: Wish,
    scene: str | Path | None,
    because: str,
    progress: Progress,
) -> Snapshot:
    start = time.perf_counter()
    before = parent.state(scene)
    recipe, parts = before.recipe, before.parts
    pending = [edits_from_dict(table) for table in parent.pending_edits]
    every = [*pending, *([] if edits is None else [edits])]
    for each in every:
        recipe, parts = apply_edits(each, recipe, parts)
    world = world_of_parts(recipe, parts)
    load_s = time.perf_counter() - start
    done = retrace(
        before,
        recipe,
        parts,
        world=world,
        full_s=parent.full_s / max(len(before.tx_names), 1),
        how=None if wish.how == "library" else wish.how,  # type: ignore[arg-type]
        progress=progress,
    )
    seconds = time.perf_counter() - start
    found = differences((before.recipe, before.parts), (recipe, parts))
    note = _note(parent, before, done, found, every, seconds, load_s)
    request = "" if edits is None else edits_request(edits)
    made = append_snapshot(parent, before, done.state, note.said(because=because), edits, request)
    touched = done.is_touched.reshape(len(done.state.tx_names), -1)
    _keep_library(made, touched, *every)
    return made


def _keep_library(made: Snapshot, touched: Bools, *edits: Edits) -> None:
    """What was rehearsed and stays valid is kept beside the new snapshot."""
    file = made.folder / LIBRARY_FILE
    if not file.exists():
        return
    named = []
    for each in edits:
        for edit in each.edit:
            what = getattr(edit, "object", None) or getattr(edit, "transmitter", "")
            named.append(str(getattr(what, "name", what)))
    library = read_library(file)
    names = made.radio_map.tx_name
    write_library(file, library.after_update(made.scene_hash, names, touched, named))


def _note(
    parent: Snapshot,
    before: TwinState,
    done: Retraced,
    found: Differences,
    edits: Sequence[Edits],
    seconds: float,
    load_s: float,
) -> Note:
    after, names = done.state, done.state.tx_names
    decision = np.stack(
        [
            np.where(touched, _DECISION[how], PRESERVED).astype(np.uint8)
            for how, touched in zip(done.how, done.is_touched, strict=True)
        ]
    )
    changed = changed_cells(before.maps, before.tx_names, after.maps, names)
    # What is traced again is known as well as the first build was, whatever was measured since.
    first = parent if parent.number == 0 else open_twin(parent.folder, 0)
    uncertainty = np.full(decision.shape, first.uncertainty_db.max(), np.float32)
    for tx, name in enumerate(names):
        if name in before.tx_names:
            known = parent.uncertainty_db[before.tx_names.index(name)]
            uncertainty[tx] = np.where(decision[tx] == PRESERVED, known, uncertainty[tx])
    boxes = [change.boxes_m.tolist() for change in found.objects]
    return Note(
        news="; ".join(describe(edit) for each in edits for edit in each.edit),
        decision=decision,
        tx_decision=[_DECISION[how] for how in done.how],
        tx_reason=[
            _reason(how, effort, name, found, choice)
            for how, effort, name, choice in zip(
                done.how, done.effort, names, done.decisions, strict=True
            )
        ],
        tx_seconds=done.seconds,
        uncertainty_db=uncertainty,
        seconds=seconds,
        full_s=parent.full_s,
        more={
            "way": "full" if set(done.how) == {"traced"} else "partial",
            "load_s": load_s,
            "changed_cells": {n: int(c.sum()) for n, c in zip(names, changed, strict=True)},
            "num_pairs": {n: e.num_pairs for n, e in zip(names, done.effort, strict=True)},
            "boxes_m": {c.name: b for c, b in zip(found.objects, boxes, strict=True)},
        },
    )


def describe(edit: object) -> str:
    """An edit in a few words."""
    kind = str(getattr(edit, "kind", "edit")).replace("_", " ")
    what = getattr(edit, "object", None) or getattr(edit, "transmitter", "")
    if hasattr(edit, "frequency_hz"):
        what = f"{edit.frequency_hz / 1e9:g} GHz"
    return f"{kind} {getattr(what, 'name', what)}"


def _reason(
    how: TraceWay, effort: Effort, name: str, found: Differences, choice: TransmitterDecision | None
) -> str:
    mine = next((change for change in found.transmitters if change.name == name), None)
    if how == "kept":
        return "nothing on its paths differs" if mine is None else "its power alone differs"
    if how == "evaluated":
        return f"its paths stand; {effort.num_evaluated} fields were computed anew"
    if how == "partial":
        return (
            f"{effort.num_kept} paths kept, {effort.num_dropped} dropped, {effort.num_found} "
            f"found; {effort.num_pairs} pairs of {effort.num_chains} chains and the cells walked"
        )
    if choice is not None:
        return choice.reason
    if mine is not None and mine.kind == "moved":
        return f"it moved by {mine.distance_m:.3g} m: none of its paths stands"
    return "it is new"


def changed_cells(
    before: Maps, names_before: Sequence[str], after: Maps, names_after: Sequence[str]
) -> Bools:
    """Cells whose path gain differs by more than 1 dB, [tx after, cell_y, cell_x]."""
    changed = []
    for tx, name in enumerate(names_after):
        new = floored_db(after["path_gain"][tx], UNREACHED_DB)
        old = np.full_like(new, UNREACHED_DB)
        if name in names_before:
            row = list(names_before).index(name)
            old = floored_db(before["path_gain"][row], UNREACHED_DB)
        changed.append(np.abs(new - old) > CHANGED_DB)
    return np.stack(changed)
