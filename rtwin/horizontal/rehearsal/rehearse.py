"""Rehearsing: simulate what could happen to a twin while it is idle."""

import json
import multiprocessing
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from rtwin.dataset.store import sole_writer
from rtwin.errors import OutOfRangeError, RtwinError
from rtwin.horizontal.edits import Edits, apply_edits
from rtwin.horizontal.known_change import retraced_maps
from rtwin.horizontal.rehearsal.hypotheses import Enumeration, Hypothesis
from rtwin.horizontal.rehearsal.library import (
    LIBRARY_FILE,
    Library,
    Rehearsed,
    read_library,
    rehearsed,
    write_library,
)
from rtwin.horizontal.twin import TwinState, open_twin
from rtwin.progress import Progress, silent
from rtwin.trace import World, is_inside, world_of_parts

Run = Callable[[Iterator[Hypothesis]], Iterator[Rehearsed | None]]
SAVE_EVERY_S = 30.0
MAX_BYTES = 512 * 2**20


def simulate(
    state: TwinState, hypothesis: Hypothesis, walled_in: Collection[str] = ()
) -> Rehearsed | None:
    """What an edit would change; None where it cannot be.

    It cannot where an edit is refused or a transmitter would stand inside an object.

    Args:
        state: The twin.
        hypothesis: The edit.
        walled_in: Transmitters that stand inside of an object as it is.
    """
    start = time.perf_counter()
    try:
        recipe, parts = apply_edits(Edits(edit=hypothesis.edits), state.recipe, state.parts)
        world = world_of_parts(recipe, parts)
        stands_elsewhere = hypothesis.kind in ("added", "moved", "tx_moved")
        if stands_elsewhere and set(_walled_in(world)) - set(walled_in):
            return None
        after = retraced_maps(state, recipe, parts, world)
    except RtwinError:
        return None
    seconds = time.perf_counter() - start
    names = tuple(device.name for device in recipe.transmitter)
    made = rehearsed(hypothesis, state.maps, after, (state.tx_names, names), seconds)
    return replace(made, hashes=(world.scene_hash, world.geometry_hash))


def _walled_in(world: World) -> list[str]:
    devices = world.recipe.transmitter
    inside = is_inside(world, np.array([tx.position_m for tx in devices]))
    return [device.name for device, is_in in zip(devices, inside, strict=True) if is_in]


def _here(state: TwinState, walled_in: Collection[str]) -> Run:
    return lambda hypotheses: (simulate(state, h, walled_in) for h in hypotheses)


def rehearse_state(
    state: TwinState,
    num_edits: int,
    *,
    library: Library | None = None,
    seconds: float = np.inf,
    seed: int = 0,
    run: Run | None = None,
    save: Callable[[Library], None] = lambda _: None,
    progress: Progress = silent,
) -> Library:
    """Rehearse edits of a twin in memory.

    Args:
        state: The twin.
        num_edits: Entries that the library is to have.
        library: What was rehearsed before; it is continued.
        seconds: Most time to spend [s].
        seed: Of draws.
        run: Simulates hypotheses in their order; default: here, one after the other.
        save: Called with the library every half minute.
        progress: Called with "edits", done and in all.
    """
    cells = state.grid.shape[0] * state.grid.shape[1]
    made = library or Library(state.scene_hash, state.tx_names, cells)
    entries, impossible = list(made.entries), made.num_impossible
    known = {_key(entry.hypothesis) for entry in entries}
    drawn = (h for h in Enumeration(state, seed) if _key(h) not in known)
    start = saved = time.perf_counter()
    if run is None:
        walled_in = _walled_in(world_of_parts(state.recipe, state.parts))
        run = _here(state, walled_in)
    found = run(drawn)
    most_misses = 4 * num_edits + 50
    while len(entries) < num_edits and impossible < most_misses:
        now = time.perf_counter()
        if now - start > seconds:
            break
        try:
            one = next(found)
        except StopIteration:
            break
        if one is None:
            impossible += 1
            continue
        entries.append(one)
        progress("edits", len(entries), num_edits)
        if now - saved > SAVE_EVERY_S:
            save(replace(made, entries=tuple(entries), num_impossible=impossible))
            saved = now
    return replace(made, entries=tuple(entries), num_impossible=impossible)


def _key(hypothesis: Hypothesis) -> str:
    told = hypothesis.kind, hypothesis.subject, hypothesis.values, hypothesis.detail
    return json.dumps(told, sort_keys=True)


def rehearse(
    folder: str | Path,
    *,
    num_edits: int | None = None,
    seconds: float | None = None,
    scene: str | Path | None = None,
    workers: int = 1,
    max_bytes: int = MAX_BYTES,
    seed: int = 0,
    progress: Progress = silent,
) -> Library:
    """Rehearse edits of a twin and keep them beside its snapshots; a stopped run goes on.

    Args:
        folder: The twin.
        num_edits: Entries that the library is to have in the end.
        seconds: Time to spend [s]; one of the two must be given.
        scene: The recipe, where its geometry is in files that the twin cannot find.
        workers: Processes that simulate.
        max_bytes: Memory budget of the library; what changes least per byte is left out.
        seed: Of draws.
        progress: Called with "edits", done and in all.
    Raises:
        OutOfRangeError: if a number is impossible.
        StoreError: if the twin is broken, or somebody else works on it.
    Checked by tests/horizontal/rehearsal/test_rehearse.py.
    """
    if num_edits is None and seconds is None:
        raise OutOfRangeError("nothing says how much to rehearse; give edits or seconds")
    for name, value in (("edits", num_edits), ("seconds", seconds), ("workers", workers)):
        if value is not None and value <= 0:
            raise OutOfRangeError(f"{name} is {value:g}; it must be above 0")
    folder = Path(folder)
    snapshot = open_twin(folder)
    with sole_writer(folder, folder):
        state = snapshot.state(scene)
        file = folder / LIBRARY_FILE
        known = read_library(file) if file.exists() else None
        if known is not None and (known.scene_hash, known.tx_names) != (
            state.scene_hash,
            state.tx_names,
        ):
            known = None

        def save(library: Library) -> None:
            write_library(file, library.pruned(max_bytes))

        wanted = 10**6 if num_edits is None else num_edits
        options = {"library": known, "seconds": np.inf if seconds is None else seconds}
        if workers == 1:
            made = rehearse_state(
                state,
                wanted,
                seed=seed,
                save=save,
                progress=progress,
                **options,  # type: ignore[arg-type]
            )
        else:
            with _pool(folder, scene, workers) as pool:
                run = _in_turns(pool, workers)
                made = rehearse_state(
                    state,
                    wanted,
                    seed=seed,
                    run=run,
                    save=save,
                    progress=progress,
                    **options,  # type: ignore[arg-type]
                )
        made = made.pruned(max_bytes)
        write_library(file, made)
        return made


def library_of(folder: str | Path, scene_hash: str) -> Library | None:
    """The library of a twin, or None where there is none of this world."""
    file = Path(folder) / LIBRARY_FILE
    if not file.exists():
        return None
    found = read_library(file)
    return found if found.scene_hash == scene_hash and len(found) else None


_STATE: list[tuple[TwinState, list[str]]] = []  # of a worker


def _open_state(folder: Path, scene: str | Path | None) -> None:
    state = open_twin(folder).state(scene)
    _STATE[:] = [(state, _walled_in(world_of_parts(state.recipe, state.parts)))]


def _simulate(hypothesis: Hypothesis) -> Rehearsed | None:
    state, walled_in = _STATE[0]
    return simulate(state, hypothesis, walled_in)


def _pool(folder: Path, scene: str | Path | None, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _open_state, (folder, scene))


def _in_turns(pool: ProcessPoolExecutor, workers: int) -> Run:
    """Simulate in several processes, results in the order of what was asked."""

    def run(hypotheses: Iterator[Hypothesis]) -> Iterator[Rehearsed | None]:
        waiting = [pool.submit(_simulate, h) for h in islice(hypotheses, 3 * workers)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(_simulate, h) for h in islice(hypotheses, 1)]

    return run
