"""New measurements of a twin: does it still agree, what may have happened, the map after it."""

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools
from rtwin.calibration.campaign import Measurements
from rtwin.calibration.statistics import believed, trust_table
from rtwin.errors import CampaignError, RtwinError
from rtwin.horizontal.decision import Drift, Evidence, Rung
from rtwin.horizontal.edits import Edits, apply_edits, edits_from_dict
from rtwin.horizontal.known_change import retrace
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.rehearsal import Hypothesis, library_of
from rtwin.horizontal.twin import (
    Maps,
    Snapshot,
    TwinState,
    append_snapshot,
    applied,
    open_twin,
    updating,
)
from rtwin.horizontal.unknown_change import (
    Correction,
    MapTwin,
    Residuals,
    agreements,
    check_news,
    correct,
    explained,
    load_twin_measurements,
    map_twin,
    residuals,
    stored_twin,
)
from rtwin.horizontal.update.inference import Inferred, kriged, library_ways
from rtwin.horizontal.update.notes import note_of, with_past
from rtwin.horizontal.update.ways import MEASURED, How, Wish, choose
from rtwin.progress import Progress, silent
from rtwin.units import from_db

# Seconds that a world of a search takes, over tracing everything; measured on munich.
_WORLD_SHARE = 0.05
_LEAST_WORLD_S = 0.3
_LIKELY = 16  # rehearsed edits that a search tries first
# Error after a search over that after the library alone: benchmarks/measured_update.py.
_SEARCH_LOSS = 0.9


@dataclass(frozen=True, eq=False)
class MeasuredUpdate:
    """What new measurements did to a twin."""

    snapshot: Snapshot
    correction: Correction
    found: Residuals
    needs_trace: Bools  # [tx, cell_y, cell_x], too uncertain to be left so
    way: How


def update_measured(
    folder: str | Path,
    measurements: str | Path,
    *,
    scene: str | Path | None = None,
    offsets: bool | None = None,
    num_traces: int = 100,
    how: How | None = None,
    within_s: float = np.inf,
    tolerance_db: float = 3.0,
    network: str | Path | None = None,
    seed: int = 0,
    again: bool = False,
    because: str = "",
    progress: Progress = silent,
) -> MeasuredUpdate:
    """Compare a twin with new measurements and correct its map, as its next snapshot.

    Its world stays as it is known: what may have happened is a guess until somebody
    says so with an edits file. The way is chosen by cost, tolerance and trust: nothing
    where the twin agrees, kriging, the library of rehearsed edits, a network that
    reads it, or a search among traced worlds. Rows that the twin and all other rows
    contradict are set aside, unless what may have happened explains them; the snapshot says
    whose they are.

    Args:
        folder: The twin.
        measurements: See load_twin_measurements.
        scene: The recipe, where its geometry is in files that the twin cannot find.
        offsets: Whether each transmitter and device has a level of its own; by default
            where received power was measured.
        num_traces: Worlds that a search tries; 0 for kriging alone.
        how: "preserve", "kriging", "library", "network" or "search"; default: the
            cheapest that is good enough.
        within_s: Most seconds that the way may take, as predicted.
        tolerance_db: Error of an updated cell that is acceptable [dB].
        network: Weights that train_network made, for the decision to choose, too; those that
            come with rtwin are taken with how "network" alone.
        seed: Of draws.
        again: Take measurements once more that the newest snapshot was made of.
        because: Why this twin was chosen now; the snapshot keeps it.
        progress: Called with stage ("worlds"), worlds tried and in all.
    Raises:
        CampaignError: if the measurements cannot be used, or the newest snapshot was made
            of them already; measured_before gives that one.
        MissingExtraError: if a network is given that needs TensorFlow, and it is not installed.
        OutOfRangeError: if the way cannot be taken or nothing is quick enough.
        StoreError: if the twin or the weights are broken, or somebody else updates the twin.
    Checked by tests/horizontal/update/test_measured.py.
    """
    forced: How | None = "kriging" if num_traces == 0 and how is None else how
    weights = None if network is None else Path(network)
    wish = Wish(forced, within_s, tolerance_db, weights)
    wish.check(MEASURED)
    with updating(folder) as parent:
        start = time.perf_counter()
        recipe = parent.recipe
        data, quantity = load_twin_measurements(measurements, recipe)
        request = _request(data, quantity)
        if not again and applied(folder, request):
            raise CampaignError(
                f"{measurements}: is in snapshot {parent.number} already; measurements that are "
                "taken twice would count double"
            )
        twin = map_twin(parent)
        free = quantity == "rss_dbm" if offsets is None else offsets

        def tried(rows: Measurements) -> _Tried:
            found = residuals(twin, rows, quantity)
            return _try(parent, twin, found, free, wish, scene, num_traces, seed, progress)

        done = tried(data)
        is_at_odds = any(v.verdict not in ("agrees", "too few") for v in done.made.agreements)
        trust = check_news(twin, data if is_at_odds else data.take([]))
        if trust.untrusted.any():
            trust = explained(twin, data, trust, done.made.explained_db)
        if trust.untrusted.any():
            done = tried(believed(data, trust))
        made, found, way = done.made, done.found, done.way
        before = parent.without_paths()
        after = replace(before, maps=_maps_after(parent, done.searched, made, done.ways.get(way)))
        seconds = time.perf_counter() - start
        note, marked = note_of(parent, made, found, Path(measurements).name, seconds)
        more = {"way": way, "why": done.reason, "pending": parent.num_pending, **note.more}
        more |= {n: {"seconds": w.seconds, "loss_db": w.loss_db} for n, w in done.ways.items()}
        more["trust"] = with_past(parent, trust_table(data, trust))
        note = replace(note, more=more).said(because=because)
        snapshot = append_snapshot(parent, before, after, note, request=request)
        return MeasuredUpdate(snapshot, made, found, marked, way)


@dataclass(frozen=True, eq=False)
class _Tried:
    """What some measurements would make of a twin."""

    found: Residuals
    made: Correction
    way: How
    reason: str
    ways: dict[How, Inferred]
    searched: TwinState | None = None


def _try(
    parent: Snapshot,
    twin: MapTwin,
    found: Residuals,
    free: bool,
    wish: Wish,
    scene: str | Path | None,
    num_traces: int,
    seed: int,
    progress: Progress,
) -> _Tried:
    library = library_of(parent.folder, parent.scene_hash)
    ways: dict[How, Inferred] = {}
    if library is not None and wish.how in (None, "library", "network", "search"):
        ways = library_ways(twin, found, library, free, wish)
    if wish.how == "kriging" or (wish.how is None and np.isfinite(wish.within_s)):
        ways["kriging"] = kriged(twin, found, free, seed)
    way, reason = _choose(parent, twin, ways, wish, num_traces)
    if way == "preserve":
        verdicts = agreements(twin, found, offsets=free, seed=seed)
        made = Correction.nothing(twin, verdicts, "preserved, as asked for")
    elif way != "search":
        made = ways[way].correction
    else:
        searched = _caught_up(parent, scene)
        made = correct(
            stored_twin(searched, parent.uncertainty_db, parent.maps["path_gain"]),
            found,
            offsets=free,
            num_traces=num_traces,
            likely=_likely(ways),
            seed=seed,
            progress=progress,
        )
        return _Tried(found, made, way, reason, ways, searched)
    return _Tried(found, made, way, reason, ways)


def _likely(ways: dict[How, Inferred]) -> list[Hypothesis]:
    """Where a search begins: with what was rehearsed and is likely."""
    known = next((way.posterior for way in ways.values() if way.posterior is not None), None)
    return [] if known is None else known.likely(_LIKELY)


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


def _caught_up(parent: Snapshot, scene: str | Path | None) -> TwinState:
    """The state with pending edits traced, in memory."""
    state = parent.state(scene)
    if not parent.num_pending:
        return state
    recipe, parts = state.recipe, state.parts
    for table in parent.pending_edits:
        recipe, parts = apply_edits(edits_from_dict(table), recipe, parts)
    return retrace(state, recipe, parts).state


def _choose(
    parent: Snapshot, twin: MapTwin, ways: dict[How, Inferred], wish: Wish, num_traces: int
) -> tuple[How, str]:
    """The way to go, and why. Which world to trace is not known: "re-trace" is not among them."""
    if wish.how is not None:
        return wish.how, f"{wish.how}: as asked for"
    if not ways:
        return "search", "search: nothing was rehearsed"
    best: How = next(way for way in ("network", "library", "kriging") if way in ways)
    made, posterior = ways[best].correction, ways[best].posterior
    if made.is_preserved.all():
        return best, "the twin agrees"
    trusted = {**ways}
    if posterior is not None and posterior.p_none > 0.5:
        # What was rehearsed says nothing of this change.
        trusted = {way: one for way, one in ways.items() if way == "kriging"}
    per_world = max(_WORLD_SHARE * parent.full_s, _LEAST_WORLD_S)
    loss = _SEARCH_LOSS * min(one.loss_db for one in ways.values())
    rungs = [Rung("search", num_traces * per_world, loss, True)]
    rungs += [Rung(way, one.seconds, one.loss_db, True) for way, one in trusted.items()]
    touched = ~made.is_preserved.ravel()
    added = np.square(made.sigma_db) - np.square(twin.sigma_db)
    sigma = np.sqrt(np.maximum(added, 0)).ravel()
    drift = Drift.none(touched.size)
    evidence = Evidence("all", touched, touched.astype(float), sigma, drift)
    chosen = choose(evidence, rungs, wish)
    assert chosen.rung is not None
    name: Any = chosen.rung.name
    return name, chosen.reason


def _maps_after(
    parent: Snapshot, searched: TwinState | None, made: Correction, inferred: Inferred | None
) -> Maps:
    """The corrected gain, and what is known of the other maps where it was updated."""
    shape, before = parent.decision.shape, parent.maps
    gain, kept = made.gain_db.reshape(shape), made.is_preserved.reshape(shape)
    maps = {name: values.copy() for name, values in before.items()}
    if searched is not None and made.explanations:
        edits = Edits(edit=made.explanations[0].edits)
        guess = retrace(searched, *apply_edits(edits, searched.recipe, searched.parts)).state
        order = [guess.tx_names.index(name) for name in searched.tx_names]
        for name, values in maps.items():
            values[~kept] = guess.maps[name][order][~kept]
    heard = (maps["num_paths"] > 0) & (maps["path_gain"] > 0) & (gain > FLOOR_DB)
    if inferred is not None and inferred.mean is not None and inferred.posterior is not None:
        library = inferred.posterior.library
        spread = maps["rms_delay_spread_s"]
        added = 1e-9 * inferred.mean(library.spread_ns).reshape(shape)
        maps["rms_delay_spread_s"] = np.where(kept, spread, np.maximum(spread + added, 0.0))
        sight, clear = inferred.mean(library.sight).reshape(shape), maps["line_of_sight"]
        flipped = np.where(sight > 0.5, 1, np.where(sight < -0.5, 0, clear))
        maps["line_of_sight"] = np.where(kept, clear, flipped).astype(clear.dtype)
        heard = gain > FLOOR_DB
    new = np.where(heard, from_db(gain), maps["path_gain"])
    maps["path_gain"] = np.where(kept, before["path_gain"], new)
    return maps


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
