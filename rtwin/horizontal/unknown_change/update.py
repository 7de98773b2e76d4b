"""New measurements of a twin: does it still agree, what may have happened, the map after it."""

import csv
import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.calibration.campaign import (
    Campaign,
    Measurements,
    campaign_from_dict,
    load_campaign,
    read_measurements,
    screened,
)
from rtwin.errors import CampaignError, RtwinError
from rtwin.horizontal.decision import Decision, Drift, Evidence, Rung, decide
from rtwin.horizontal.edits import Edits, apply_edits
from rtwin.horizontal.known_change import retrace
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.twin import (
    PRESERVED,
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
from rtwin.horizontal.unknown_change.correction import Correction, correct
from rtwin.horizontal.unknown_change.residuals import Residuals, residuals
from rtwin.horizontal.unknown_change.synthesis import stored_twin
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.scene.column_names import recognised
from rtwin.units import from_db

QUANTITIES = ("path_gain_db", "path_loss_db", "rss_dbm")
UNCERTAINTY_DB = 2.0  # of one measurement where the file says nothing
_MAX_HEADER = 2**16


@dataclass(frozen=True, eq=False)
class MeasuredUpdate:
    """What new measurements did to a twin."""

    snapshot: Snapshot
    correction: Correction
    found: Residuals
    needs_trace: NDArray[np.bool_]  # [tx, cell_y, cell_x], too uncertain to be left so


def load_twin_measurements(file: str | Path, recipe: Recipe) -> tuple[Measurements, str]:
    """Measurements of a twin and their quantity.

    Args:
        file: A campaign (its folder or .toml), or a .csv with the columns x_m, y_m and one
            of path_gain_db, path_loss_db and rss_dbm; tx, device, z_m and uncertainty_db
            are optional (tx only where the twin has one transmitter). Names that mean the
            same are known as well; lat_deg and lon_deg in a scene with a georeference.
        recipe: The twin's.
    Raises:
        CampaignError: if it cannot be used; one line.
    """
    file = Path(file)
    campaign = _campaign_of(file, recipe) if file.suffix == ".csv" else load_campaign(file)
    data = screened(read_measurements(campaign, recipe.georeference), campaign)
    if not len(data):
        why = ", ".join(f"{count} {reason}" for reason, count in data.set_aside.items())
        raise CampaignError(f"{file}: no measurement can be used ({why or 'it is empty'})")
    return data, campaign.measurements.quantity


def _campaign_of(file: Path, recipe: Recipe) -> Campaign:
    try:
        with open(file, encoding="utf-8", newline="") as text:
            header = next(csv.reader([text.readline(_MAX_HEADER)]), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CampaignError(f"{file}: cannot be read ({reason})") from None
    own_names = [name.strip() for name in header]
    places = ("lat_deg", "lon_deg") if recipe.georeference is not None else ()
    columns = recognised(own_names, ("x_m", "y_m", *places, "z_m", "tx", "device"))
    spelled = dict(zip(columns, own_names, strict=True))
    quantity = [name for name in QUANTITIES if name in columns]
    is_earth = bool(places) and set(places) <= set(columns) and "x_m" not in columns
    missing = [name for name in (places if is_earth else ("x_m", "y_m")) if name not in columns]
    if missing or len(quantity) != 1:
        raise CampaignError(
            f"{file}: has the columns {', '.join(own_names)[:200] or 'of no name'}; it needs x_m, "
            f"y_m and one of {', '.join(QUANTITIES)}, or write a campaign.toml"
        )
    if "tx" not in columns and len(recipe.transmitter) > 1:
        raise CampaignError(
            f"{file}: has no column tx, and the twin has {len(recipe.transmitter)} transmitters; "
            "say which one each row is of"
        )
    optional = {
        key: spelled[name]
        for key, name in (("tx", "tx"), ("device", "device"), ("z", "z_m"))
        if name in columns
    }
    place = (
        {"latitude": spelled["lat_deg"], "longitude": spelled["lon_deg"]}
        if is_earth
        else {"x": spelled["x_m"], "y": spelled["y_m"]}
    )
    own = "uncertainty_db" if "uncertainty_db" in columns else UNCERTAINTY_DB
    return campaign_from_dict(
        {
            "title": file.name,
            "frequency_hz": recipe.frequency_hz,
            "transmitter": [
                {
                    "name": tx.name,
                    "x_m": tx.position_m[0],
                    "y_m": tx.position_m[1],
                    "height_m": tx.position_m[2],
                    "power_dbm": tx.power_dbm,
                    "pattern": "tr38901" if tx.antenna.pattern == "tr38901" else "iso",
                }
                for tx in recipe.transmitter
            ],
            "measurements": {
                "file": file.name,
                "quantity": quantity[0],
                "value": quantity[0],
                **place,
                "uncertainty_db": own,
                **optional,
            },
        },
        file.name,
        file.parent,
    )


def update_measured(
    folder: str | Path,
    measurements: str | Path,
    *,
    scene: str | Path | None = None,
    offsets: bool | None = None,
    num_traces: int = 100,
    seed: int = 0,
    again: bool = False,
    progress: Progress = silent,
) -> MeasuredUpdate:
    """Compare a twin with new measurements and correct its map, as its next snapshot.

    Its world stays as it is known: what may have happened is a guess until somebody
    says so with an edits file.

    Args:
        folder: The twin.
        measurements: See load_twin_measurements.
        scene: The recipe, where its geometry is in files of its own.
        offsets: Whether each transmitter and device has a level of its own; by default
            where received power was measured.
        num_traces: Worlds that are tried; 0 for kriging alone.
        seed: Of draws.
        again: Take measurements once more that the newest snapshot was made of.
        progress: Called with stage ("worlds"), worlds tried and in all.
    Raises:
        CampaignError: if the measurements cannot be used, or the newest snapshot was made
            of them already; measured_before gives that one.
        StoreError: if the twin is broken, or somebody else updates it.
    Checked by tests/horizontal/unknown_change/test_update.py.
    """
    with updating(folder) as parent:
        start = time.perf_counter()
        data, quantity = load_twin_measurements(measurements, parent.recipe)
        request = _request(data, quantity)
        if not again and applied(folder, request):
            raise CampaignError(
                f"{measurements}: is in snapshot {parent.number} already; measurements that are "
                "taken twice would count double"
            )
        before = parent.state(scene)
        twin = stored_twin(before, parent.uncertainty_db)
        found = residuals(twin, data, quantity)
        free = quantity == "rss_dbm" if offsets is None else offsets
        made = correct(
            twin, found, offsets=free, num_traces=num_traces, seed=seed, progress=progress
        )
        shape = parent.decision.shape
        after = replace(before, maps=_maps_after(before, made, shape))
        seconds = time.perf_counter() - start
        note, marked = _note(parent, made, found, Path(measurements).name, seconds)
        snapshot = append_snapshot(parent, before, after, note, request=request)
        return MeasuredUpdate(snapshot, made, found, marked)


def measured_before(folder: str | Path, measurements: str | Path) -> Snapshot | None:
    """The newest snapshot of a twin, if it was made of these measurements.

    Raises:
        CampaignError: if the measurements cannot be used.
        StoreError: if there is no twin, or it is broken.
    """
    data, quantity = load_twin_measurements(measurements, open_twin(folder).recipe)
    return applied(folder, _request(data, quantity))


def _request(data: Measurements, quantity: str) -> str:
    digest = hashlib.sha256(f"{quantity} {[link.name for link in data.transmitters]}".encode())
    for values in (data.position_m, data.level_db, data.uncertainty_db, data.tx, data.device):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _maps_after(before: TwinState, made: Correction, shape: tuple[int, ...]) -> Maps:
    """The corrected gain, and the other maps of the likeliest world where it was updated."""
    gain = made.gain_db.reshape(shape)
    maps = {name: values.copy() for name, values in before.maps.items()}
    kept = made.is_preserved.reshape(shape)
    if made.explanations:
        edits = Edits(edit=made.explanations[0].candidate.edits)
        guess = retrace(before, *apply_edits(edits, before.recipe, before.parts)).state
        order = [guess.tx_names.index(name) for name in before.tx_names]
        for name, values in maps.items():
            values[~kept] = guess.maps[name][order][~kept]
    heard = (maps["num_paths"] > 0) & (maps["path_gain"] > 0) & (gain > FLOOR_DB)
    maps["path_gain"] = np.where(
        kept, before.maps["path_gain"], np.where(heard, from_db(gain), maps["path_gain"])
    )
    return maps


def _note(
    parent: Snapshot, made: Correction, found: Residuals, source: str, seconds: float
) -> tuple[Note, NDArray[np.bool_]]:
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
            if verdicts.get(name, "agrees") in ("agrees", "outlier", "offset", "too few"):
                words += "; what explains the others reaches it"
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
                "says": str(e.candidate),
                "weight": e.weight,
                "edits": [
                    edit.model_dump(mode="json", exclude_none=True) for edit in e.candidate.edits
                ],
            }
            for e in made.explanations
        ],
        "set_aside": found.set_aside,
        "num_traces": made.num_traces,
    }


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


def write_suggestion(snapshot: Snapshot, file: str | Path) -> Path:
    """Write the likeliest explanation of measurements as an edits file for `rtwin update --edit`.

    Args:
        snapshot: What update_measured made of them.
        file: Where to; a file that says the same may be there.
    Raises:
        CampaignError: if nothing explains the measurements.
        RtwinError: if the file cannot be written.
    """
    import tomlkit

    from rtwin.dataset.store import plain_errors, write_whole

    explanations = snapshot.more.get("explanations", [])
    if not explanations:
        raise CampaignError("no single edit explains the measurements; there is none to suggest")
    best = explanations[0]
    document = tomlkit.document()
    share = f"{100 * best['weight']:.0f} %"
    document.add(tomlkit.comment(f"A guess from measurements: {best['says']} ({share})"))
    document["edit"] = best["edits"]
    text, file = tomlkit.dumps(document).encode(), Path(file)
    with plain_errors(file):
        if file.exists() and file.read_bytes() == text:
            return file
        if file.exists():
            raise RtwinError(f"{file}: exists; choose another name")
        write_whole(file, text)
    return file
