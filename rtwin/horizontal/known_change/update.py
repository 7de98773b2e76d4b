"""Known edits of a twin: the cheapest exact way for each transmitter, as a new snapshot."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.progress import Progress, silent
from rtwin.horizontal.decision import TransmitterDecision
from rtwin.horizontal.edits import Differences, Edits, apply_edits, differences, load_edits
from rtwin.horizontal.known_change.retrace import How, Retraced, retrace
from rtwin.horizontal.levels import UNREACHED_DB, floored_db
from rtwin.horizontal.twin import (
    PRESERVED,
    RETRACED,
    UPDATED,
    Note,
    Snapshot,
    TwinState,
    append_snapshot,
    open_twin,
    updating,
)
from rtwin.trace import Effort, world_of_parts

_DECISION: dict[How, int] = {
    "kept": PRESERVED,
    "evaluated": UPDATED,
    "partial": RETRACED,
    "traced": RETRACED,
}
CHANGED_DB = 1.0


def update_twin(
    folder: str | Path,
    edits: Edits | str | Path,
    *,
    scene: str | Path | None = None,
    progress: Progress = silent,
) -> Snapshot:
    """Bring a twin to the world after some edits, exactly, as its next snapshot.

    Args:
        folder: The twin.
        edits: What changed, or the file that says it.
        scene: The recipe, where its geometry is in files of its own.
        progress: Called with "map", steps done and in all.
    Raises:
        EditError: if the edits are impossible in the twin's world.
        StoreError: if the twin is broken, or somebody else updates it.
    Checked by tests/horizontal/twin/test_folder.py.
    """
    edits = edits if isinstance(edits, Edits) else load_edits(edits)
    with updating(folder) as parent:
        start = time.perf_counter()
        before = parent.state(scene)
        recipe, parts = apply_edits(edits, before.recipe, before.parts)
        world = world_of_parts(recipe, parts)
        load_s = time.perf_counter() - start
        full_s = parent.full_s / max(len(before.tx_names), 1)
        done = retrace(before, recipe, parts, world=world, full_s=full_s, progress=progress)
        seconds = time.perf_counter() - start
        found = differences((before.recipe, before.parts), (recipe, parts))
        note = _note(parent, before, done, found, edits, seconds, load_s)
        return append_snapshot(parent, before, done.state, note, edits)


def _note(
    parent: Snapshot,
    before: TwinState,
    done: Retraced,
    found: Differences,
    edits: Edits,
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
    changed = changed_cells(before, after)
    # What is traced again is known as well as the first build was, whatever was measured since.
    first = parent if parent.number == 0 else open_twin(parent.folder, 0)
    uncertainty = np.full(decision.shape, first.uncertainty_db.max(), np.float32)
    for tx, name in enumerate(names):
        if name in before.tx_names:
            known = parent.uncertainty_db[before.tx_names.index(name)]
            uncertainty[tx] = np.where(decision[tx] == PRESERVED, known, uncertainty[tx])
    boxes = [change.boxes_m.tolist() for change in found.objects]
    return Note(
        news="; ".join(describe(edit) for edit in edits.edit),
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
    return f"{kind} {getattr(what, 'name', what)}"


def _reason(
    how: How, effort: Effort, name: str, found: Differences, choice: TransmitterDecision | None
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


def changed_cells(before: TwinState, after: TwinState) -> NDArray[np.bool_]:
    """Cells whose path gain differs by more than 1 dB, [tx after, cell_y, cell_x]."""
    changed = []
    for tx, name in enumerate(after.tx_names):
        new = floored_db(after.maps["path_gain"][tx], UNREACHED_DB)
        old = np.full_like(new, UNREACHED_DB)
        if name in before.tx_names:
            old = floored_db(before.maps["path_gain"][before.tx_names.index(name)], UNREACHED_DB)
        changed.append(np.abs(new - old) > CHANGED_DB)
    return np.stack(changed)
