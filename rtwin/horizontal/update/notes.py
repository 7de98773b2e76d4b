"""What a snapshot says of an update from measurements: why, what changed, what to trace again."""

from typing import Any

import numpy as np

from rtwin.arrays import Bools
from rtwin.horizontal.decision import Decision, Drift, Evidence, Rung, decide
from rtwin.horizontal.twin import PRESERVED, UPDATED, Note, Snapshot, open_twin
from rtwin.horizontal.unknown_change import Correction, Residuals

# Verdicts that alone change nothing.
QUIET = ("agrees", "outlier", "offset", "too few")


def note_of(
    parent: Snapshot, made: Correction, found: Residuals, source: str, seconds: float
) -> tuple[Note, Bools]:
    """What a snapshot says of its update, and the cells that ought to be traced.

    Args:
        parent: The snapshot before.
        made: The correction.
        found: Residuals that it was made of.
        source: Name of their file.
        seconds: What it took [s].
    Returns:
        The note, and the marked cells [tx, cell_y, cell_x].
    """
    shape, names = parent.decision.shape, parent.radio_map.tx_name
    kept, sigma = made.is_preserved.reshape(shape), made.sigma_db.reshape(shape)
    drift, marked = _drift(parent), np.zeros(shape, bool)
    says = {verdict.transmitter: str(verdict) for verdict in made.agreements}
    verdicts = {verdict.transmitter: verdict.verdict for verdict in made.agreements}
    reasons = []
    for tx, name in enumerate(names):
        words = says.get(name, f"{name}: not measured").partition(": ")[2]
        touched = ~kept[tx].ravel()
        if touched.any():
            added = np.sqrt(np.maximum(sigma[tx] ** 2 - parent.uncertainty_db[tx] ** 2, 0)).ravel()
            loss = float(np.sqrt(np.mean(np.square(added[touched]))))
            evidence = Evidence(
                name,
                touched,
                np.where(touched, 1.0, 0.0),
                added,
                Drift(drift.variance_db2[tx].ravel(), drift.num_updates[tx].ravel()),
            )
            # The correction is made and paid for; which world to trace nobody knows yet, so
            # that what ought to be traced is marked.
            rungs = (Rung("correction", 0.0, loss, True), Rung("re-trace", parent.full_s))
            chosen = decide(evidence, rungs)
            marked[tx] = (chosen.cells == Decision.RETRACE).reshape(shape[1:])
            if verdicts.get(name, "agrees") in QUIET:
                alone = all(verdict in QUIET for verdict in verdicts.values())
                words += "; what was rehearsed explains it better" if alone else ""
                words += "" if alone else "; what explains the others reaches it"
            words += f"; {loss:.1f} dB expected where updated"
            if marked[tx].any():
                words += f"; {int(marked[tx].sum())} cells marked for re-tracing"
        reasons.append(words)
    changed = ~kept
    note = Note(
        news=f"{len(found)} measured cells of {source}",
        decision=np.where(kept, PRESERVED, UPDATED).astype(np.uint8),
        tx_decision=[UPDATED if changed[tx].any() else PRESERVED for tx in range(len(names))],
        tx_reason=reasons,
        tx_seconds=[seconds / len(names)] * len(names),
        uncertainty_db=np.where(kept, parent.uncertainty_db, sigma).astype(np.float32),
        seconds=seconds,
        full_s=parent.full_s,
        more=_facts(made, found, names, changed, marked),
    )
    return note, marked


def _facts(
    made: Correction, found: Residuals, names: tuple[str, ...], changed: Any, marked: Any
) -> dict[str, Any]:
    return {
        "changed_cells": {n: int(c.sum()) for n, c in zip(names, changed, strict=True)},
        "marked_cells": {n: int(c.sum()) for n, c in zip(names, marked, strict=True)},
        "verdicts": {v.transmitter: v.verdict for v in made.agreements},
        "reasons": list(made.reasons),
        "explanations": [
            {
                "says": e.says,
                "weight": e.weight,
                "edits": [edit.model_dump(mode="json", exclude_none=True) for edit in e.edits],
            }
            for e in made.explanations
        ],
        "set_aside": found.set_aside,
        "num_traces": made.num_traces,
    }


def with_past(parent: Snapshot, trust: dict[str, Any]) -> dict[str, Any]:
    """A trust table whose sources also say what was not believed of them so far.

    Who lies in every campaign stands out, though it be little in each.

    Args:
        parent: The snapshot before.
        trust: From trust_table; `rows_so_far` and `untrusted_so_far` come to its sources.
    """
    before = [
        open_twin(parent.folder, number).more.get("trust", {})
        for number in range(parent.number + 1)
    ]
    made = dict(trust)
    for kind in ("by_transmitter", "by_device"):
        past = [row for table in before for row in table.get(kind, [])]
        made[kind] = [
            row
            | {
                f"{count}_so_far": row[count]
                + sum(old[count] for old in past if old["name"] == row["name"])
                for count in ("rows", "untrusted")
            }
            for row in trust[kind]
        ]
    return made


def _drift(parent: Snapshot) -> Drift:
    """What chained updates have added since each cell was last traced, [tx, cell_y, cell_x]."""
    names = parent.radio_map.tx_name
    total = Drift(np.zeros(parent.decision.shape), np.zeros(parent.decision.shape, np.int64))
    last: Snapshot | None = None
    for number in range(parent.number + 1):
        found = open_twin(parent.folder, number)
        decision, added = np.zeros_like(parent.decision), np.zeros(parent.decision.shape)
        for tx, name in enumerate(names):
            if name not in found.radio_map.tx_name:
                continue
            row = found.radio_map.tx_name.index(name)
            # Fields of stored paths that were evaluated anew are exact: they add nothing.
            is_guess = "verdicts" in found.more
            decision[tx] = np.where(
                (found.decision[row] == UPDATED) & (not is_guess), PRESERVED, found.decision[row]
            )
            if is_guess and last is not None and name in last.radio_map.tx_name:
                old = last.uncertainty_db[last.radio_map.tx_name.index(name)]
                grown = np.maximum(found.uncertainty_db[row] ** 2 - old**2, 0)
                added[tx] = np.sqrt(grown)
        total = total.after(decision, added)
        last = found
    return total
