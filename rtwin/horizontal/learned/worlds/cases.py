"""Cases to learn from and to be judged by: a twin, its library, and what befell it.

    make_cases -> SceneCases --write_cases--> NAME.npz, NAME.h5 --read_cases--> SceneCases

Half of the truths start from a world that is not the twin's: other materials,
meshes a little elsewhere. A scene's files appear whole; a stopped run goes on
with the scene that it was at.
"""

import json
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import RtwinError, StoreError
from rtwin.horizontal.edits import apply_edits, edits_from_dict
from rtwin.horizontal.known_change import retraced_maps
from rtwin.horizontal.learned.worlds.arrays import load_arrays, save_arrays
from rtwin.horizontal.learned.worlds.scenes import TrainingScene, training_scene
from rtwin.horizontal.learned.worlds.truths import Fate, Truth, perturbed_tables
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.rehearsal import Library, read_library, rehearse_state, write_library
from rtwin.horizontal.twin import TwinState, trace_state
from rtwin.progress import Progress, silent
from rtwin.trace import world_of_parts

CASES_VERSION = 1
NUM_EDITS, NUM_TRUTHS = 224, 14


@dataclass(frozen=True, eq=False)
class Case:
    """What befell a world.

    Attributes:
        truth: What happened.
        change_db: True change of the path gain [dB], [tx, cell].
        spread_ns: True change of the delay spread [ns], [tx, cell].
        sight: True change of the line of sight, -1, 0 or 1, [tx, cell].
        of_twin: Whether it started from the twin's own world; otherwise `mismatch_db` is off.
        seconds: Processor time of a full trace of the world after [s].
    """

    truth: Truth
    change_db: Floats
    spread_ns: Floats
    sight: Ints
    of_twin: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class SceneCases:
    """A twin, its library, and what befell it.

    Attributes:
        name: Of the scene.
        cells_m: Middle of each cell [m], [cell, 3].
        cell_size_m: Edge of a cell [m].
        tx_m: Transmitters [m], [tx, 3].
        gain_db: The twin's map [dB], [tx, cell].
        is_inside: Cells inside of objects, [cell].
        mismatch_db: The other world before the change, less the twin [dB], [tx, cell].
        library: The rehearsed edits.
        cases: What befell it.
    """

    name: str
    cells_m: Floats
    cell_size_m: float
    tx_m: Floats
    gain_db: Floats
    is_inside: Bools
    mismatch_db: Floats
    library: Library
    cases: tuple[Case, ...]


def make_cases(
    name: str, num_edits: int, num_truths: int, seed: int = 0, progress: Progress = silent
) -> SceneCases:
    """Trace a scene, rehearse it, and trace what befalls it.

    Args:
        name: As training_scene knows it.
        num_edits: Rehearsed edits.
        num_truths: Changes.
        seed: Of draws.
        progress: Called with "edits" or "truths", done and in all.
    """
    seed = zlib.crc32(f"{name} {seed}".encode())
    scene = training_scene(name)
    state = trace_state(scene.recipe, scene.parts)
    library = rehearse_state(state, num_edits, seed=seed, progress=progress)
    other = _other_world(scene, state, seed)
    fate = Fate(scene, state, seed + 1)
    cases: list[Case] = []
    tries = 0
    while len(cases) < num_truths and tries < 4 * num_truths:
        tries += 1
        before = state if len(cases) % 2 == 0 else other
        made = _case(before, fate.draw(), before is state)
        if made is not None:
            cases.append(made)
            progress("truths", len(cases), num_truths)
    shape = state.maps["path_gain"].shape[0], -1
    return SceneCases(
        name=name,
        cells_m=state.grid.centers_m.reshape(-1, 3),
        cell_size_m=state.grid.cell_size_m,
        tx_m=np.array([device.position_m for device in state.recipe.transmitter]),
        gain_db=_gain_db(state).reshape(shape),
        is_inside=state.is_inside.ravel(),
        mismatch_db=(_gain_db(other) - _gain_db(state)).reshape(shape),
        library=library,
        cases=tuple(cases),
    )


def _gain_db(state: TwinState) -> Floats:
    return floored_db(state.maps["path_gain"])


def _other_world(scene: TrainingScene, state: TwinState, seed: int) -> TwinState:
    recipe, parts = state.recipe, state.parts
    for table in perturbed_tables(scene, state, seed + 2):
        try:
            recipe, parts = apply_edits(edits_from_dict({"edit": [table]}), recipe, parts)
        except RtwinError:
            continue
    return trace_state(recipe, parts, state.grid)


def _case(before: TwinState, truth: Truth, of_twin: bool) -> Case | None:
    """A change traced; None where it cannot be."""
    names, start = before.tx_names, time.process_time()
    try:
        recipe, after = before.recipe, before.maps
        if truth.tables:
            edits = edits_from_dict({"edit": list(truth.tables)})
            recipe, parts = apply_edits(edits, before.recipe, before.parts)
            after = retraced_maps(before, recipe, parts, world_of_parts(recipe, parts))
    except RtwinError:
        return None
    seconds = time.process_time() - start
    rows = [[device.name for device in recipe.transmitter].index(name) for name in names]

    def change(name: str) -> Floats:
        new, old = (np.nan_to_num(m.astype(np.float64)) for m in (after[name], before.maps[name]))
        found: Floats = (new[rows] - old).reshape(len(names), -1)
        return found

    return Case(
        truth,
        (floored_db(after["path_gain"])[rows] - _gain_db(before)).reshape(len(names), -1),
        1e9 * change("rms_delay_spread_s"),
        np.sign(change("line_of_sight")).astype(np.int64),
        of_twin,
        seconds,
    )


def ensure_cases(
    folder: Path,
    names: Iterable[str],
    num_edits: int = NUM_EDITS,
    num_truths: int = NUM_TRUTHS,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Path]:
    """Files of scenes, made where they are missing or of another request.

    Args:
        folder: Where they are.
        names: Scenes.
        num_edits: Rehearsed edits of each.
        num_truths: Changes of each.
        seed: Of draws.
        progress: Called with "scenes", done and in all.
    Returns:
        The .npz file of each scene; its library is the .h5 file beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(names)
    files = []
    for done, name in enumerate(wanted):
        progress("scenes", done, len(wanted))
        request = f"{CASES_VERSION} {name} {num_edits} {num_truths} {seed}"
        file = folder / f"{file_name(name)}.npz"
        if not _is_there(file, request):
            write_cases(file, make_cases(name, num_edits, num_truths, seed), request)
        files.append(file)
    progress("scenes", len(wanted), len(wanted))
    return files


def file_name(scene: str) -> str:
    """A scene's name as the name of a file: of a path its last part."""
    kind, _, seed = scene.rpartition("_")
    last = Path(kind.removeprefix("tile_")).stem
    return f"{'tile_' if kind.startswith('tile_') else ''}{last}_{seed}"


def _is_there(file: Path, request: str) -> bool:
    if not (file.exists() and file.with_suffix(".h5").exists()):
        return False
    _, told = load_arrays(file)
    return bool(told.get("request") == request)


_SCENE = ("cells_m", "tx_m", "gain_db", "is_inside", "mismatch_db")
_CASE = ("change_db", "spread_ns", "sight")


def write_cases(file: Path, scene: SceneCases, request: str = "") -> None:
    """Write a scene's cases and, beside them, its library; the cases appear last."""
    write_library(file.with_suffix(".h5"), scene.library)
    arrays = {name: getattr(scene, name) for name in _SCENE}
    for name in _CASE:
        values = [getattr(case, name) for case in scene.cases]
        dtype = np.int8 if name == "sight" else np.float16
        shape = (0, *scene.gain_db.shape)
        arrays[name] = np.array(values).reshape(-1, *shape[1:]).astype(dtype)
    truths = [[c.truth.kind, c.truth.tables, c.truth.subjects] for c in scene.cases]
    told: dict[str, Any] = {
        "name": scene.name,
        "cell_size_m": scene.cell_size_m,
        "request": request,
        "truths": json.loads(json.dumps(truths)),
        "of_twin": [case.of_twin for case in scene.cases],
        "seconds": [case.seconds for case in scene.cases],
    }
    save_arrays(file, arrays, told)


def read_cases(file: Path) -> SceneCases:
    """Read what write_cases wrote.

    Raises:
        StoreError: if it is broken or foreign.
    """
    arrays, told = load_arrays(file)
    try:
        cases = tuple(
            Case(
                Truth(kind, tuple(tables), tuple(subjects)),
                arrays["change_db"][n].astype(np.float64),
                arrays["spread_ns"][n].astype(np.float64),
                arrays["sight"][n].astype(np.int64),
                bool(told["of_twin"][n]),
                float(told["seconds"][n]),
            )
            for n, (kind, tables, subjects) in enumerate(told["truths"])
        )
        return SceneCases(
            name=str(told["name"]),
            cell_size_m=float(told["cell_size_m"]),
            library=read_library(file.with_suffix(".h5")),
            cases=cases,
            **{name: arrays[name] for name in _SCENE},
        )
    except (KeyError, IndexError, ValueError, TypeError):
        raise StoreError(f"{file}: no cases of a scene; make them again") from None
