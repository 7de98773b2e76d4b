"""Pairs of maps, before and after an edit: traced, stored by scene, read back.

    make_scene_pairs -> ScenePairs --write_pairs--> scene.h5 --read_pairs--> ScenePairs

The labels are exact paths to the middle of every cell (rtwin.dataset.pathmap):
no Monte Carlo noise. One file holds one scene; it appears whole, and a run that
was stopped goes on with the scene that it was at.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.inspection import DAMAGE, open_checked
from rtwin.dataset.pathmap import standing_at
from rtwin.dataset.store import plain_errors, provenance, write_header, write_image
from rtwin.errors import StoreError
from rtwin.horizontal.edits import apply_edits, differences, edits_from_dict
from rtwin.horizontal.learned.pairs.draws import DrawnEdit, draw_edit
from rtwin.horizontal.learned.pairs.edit_features import edit_features, element_gain_db
from rtwin.horizontal.learned.pairs.observed import ObservedMap, fed_db, observe, statistics
from rtwin.horizontal.learned.pairs.rungs import PhysicsRungs
from rtwin.horizontal.learned.pairs.scenes import TrainingScene, training_scene
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe
from rtwin.trace import SceneParts, Tracer, is_inside, map_grid, world_of_parts

PAIRS_KIND = "rtwin-edit-pairs"
# A change of what the pairs hold or of how they are drawn counts this up.
PAIRS_VERSION = 1
MIN_CELLS = 200
CELL_COLUMNS = (
    "x_m",
    "y_m",
    "z_m",
    "aod_azimuth",
    "aod_zenith",
    "aoa_azimuth",
    "num_paths",
    "element_gain_db",
)
Values = NDArray[Any]
Rungs = Callable[[ObservedMap, Recipe, SceneParts, DrawnEdit], dict[str, tuple[Any, float]]]


@dataclass(frozen=True, eq=False)
class Pair:
    """One edit of a scene and what it did."""

    kind: str  # a key of draws.MIX
    edit: str  # the edit's tables, JSON
    truth: Values  # [cell, 4], observed.STATISTICS after the edit
    valid: NDArray[np.bool_]  # [cell], a place for a receiver before and after
    prior: Values  # [cell, 4], edit_features.edit_features
    geometry: Values  # [cell, 10], edit_features.GEOMETRY
    changed: NDArray[np.bool_]  # [object]
    slab_db: tuple[float, float]
    moved_m: tuple[float, float, float]
    seconds: dict[str, float]  # processor seconds of "prior", "full" and the rungs
    rungs: dict[str, Values] = field(default_factory=dict)  # name: [cell, 4]


@dataclass(frozen=True, eq=False)
class ScenePairs:
    """A scene's map before, its objects, and pairs."""

    name: str
    frequency_hz: float
    tx_m: Values  # [3]
    cell_size_m: float
    shape: tuple[int, int]  # of the grid, [cell_y, cell_x]
    index: NDArray[np.int64]  # [cell], place in the grid, row by row
    cells: Values  # [cell, 8], CELL_COLUMNS
    stale: Values  # [cell, 4], observed.STATISTICS
    object_names: tuple[str, ...]
    object_box_m: Values  # [object, 2, 3]
    object_slab_db: Values  # [object, 2]
    object_is_ground: NDArray[np.bool_]
    reflected: Values  # [cell, object]
    passed: Values  # [cell, object]
    pairs: tuple[Pair, ...]


def make_scene_pairs(name: str, count: int, *, rungs: bool = False, seed: int = 0) -> ScenePairs:
    """Trace a scene and `count` edits of it.

    Args:
        name: As scenes.training_scene has it.
        count: Number of edits.
        rungs: Whether to run the physics baselines on every pair as well.
        seed: Draws other edits of the same scene.
    """
    scene = training_scene(name)
    before, grid, index = _before(scene)
    table = before.objects
    physics = PhysicsRungs(scene, grid, index) if rungs else None
    pairs = tuple(
        _pair(scene, before, np.random.default_rng([seed, number, *name.encode()]), physics)
        for number in range(count)
    )
    return ScenePairs(
        name=name,
        frequency_hz=scene.recipe.frequency_hz,
        tx_m=np.asarray(scene.recipe.transmitter[0].position_m, np.float64),
        cell_size_m=grid.cell_size_m,
        shape=grid.shape,
        index=index,
        cells=_cell_columns(before),
        stale=before.statistics,
        object_names=table.names,
        object_box_m=table.box_m,
        object_slab_db=table.material,
        object_is_ground=table.is_ground,
        reflected=table.reflected,
        passed=table.passed,
        pairs=pairs,
    )


def _before(scene: TrainingScene) -> tuple[ObservedMap, Any, NDArray[np.int64]]:
    world = scene.world
    grid = map_grid(world)
    cells = grid.centers_m.reshape(-1, 3)
    tx = np.asarray(scene.recipe.transmitter[0].position_m)
    index = np.flatnonzero(~is_inside(world, cells) & (np.linalg.norm(cells - tx, axis=1) > 0.5))
    return observe(world, cells[index]), grid, index


def _cell_columns(before: ObservedMap) -> Values:
    paths, best = before.paths, before.strongest
    columns = [*before.cells_m.T]
    for name in ("aod_azimuth", "aod_zenith", "aoa_azimuth"):
        values = getattr(paths, name)
        columns.append(np.where(best >= 0, values[best] if len(values) else 0.0, 0.0))
    columns += [paths.num_paths, element_gain_db(before.world.recipe, before.cells_m)]
    return np.stack(columns, axis=-1)


def _pair(
    scene: TrainingScene, before: ObservedMap, rng: np.random.Generator, rungs: Rungs | None
) -> Pair:
    drawn = draw_edit(scene, before, rng)
    recipe, parts = edited(scene, drawn)
    start = time.process_time()
    world = world_of_parts(recipe, parts)
    loaded = time.process_time() - start
    found = differences((scene.recipe, scene.parts), (recipe, parts))
    features = edit_features(before, world, found, drawn.power_db)
    middle = time.process_time()
    truth = statistics(_traced(world, before.cells_m))
    seconds = {"prior": middle - start, "full": time.process_time() - middle + loaded}
    truth[:, 0] = fed_db(truth[:, 0], drawn.power_db)
    maps = {}
    for rung, (values, cost) in (rungs(before, recipe, parts, drawn) if rungs else {}).items():
        maps[rung], seconds[rung] = values, cost
    return Pair(
        kind=drawn.kind,
        edit=json.dumps(drawn.tables),
        truth=truth,
        valid=~features.inside,
        prior=features.prior,
        geometry=features.geometry,
        changed=np.array([name in features.changed for name in before.objects.names], bool),
        slab_db=features.slab_db,
        moved_m=(
            float(features.moved_m[0]),
            float(features.moved_m[1]),
            float(features.moved_m[2]),
        ),
        seconds=seconds,
        rungs=maps,
    )


def edited(scene: TrainingScene, drawn: DrawnEdit) -> tuple[Recipe, SceneParts]:
    """The scene after an edit; without one, itself."""
    if not drawn.tables:
        return scene.recipe, scene.parts
    edits = edits_from_dict({"edit": list(drawn.tables)})
    return apply_edits(edits, scene.recipe, scene.parts)


def _traced(world: Any, cells_m: Values) -> Any:
    return Tracer(world).trace(standing_at(cells_m)).path_set(world.recipe.frequency_hz)


# ------------------------------------------------------------------ files


def pairs_request(name: str, count: int, rungs: bool = False, seed: int = 0) -> str:
    """SHA-256 of what decides a scene's pairs, versions included."""
    asked = {
        "name": name,
        "count": count,
        "seed": seed,
        "version": PAIRS_VERSION,
        "with": provenance(),
    }
    if rungs:
        asked["rungs"] = True
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def ensure_pairs(
    folder: Path,
    wanted: Iterable[tuple[str, int]],
    progress: Progress = silent,
    rungs: bool = False,
) -> list[Path]:
    """Files of pairs, made where they are missing or of another request.

    Args:
        folder: Where they are; made if it is not there.
        wanted: Scene names and numbers of edits.
        progress: Told of every scene.
        rungs: Whether with the physics baselines.
    Returns:
        The files, in the order asked.
    """
    jobs = list(wanted)
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = []
    for done, (name, count) in enumerate(jobs):
        progress("pairs", done, len(jobs))
        file = folder / f"{name}.h5"
        request = pairs_request(name, count, rungs)
        if not _is_there(file, request):
            write_pairs(file, make_scene_pairs(name, count, rungs=rungs), request)
        files.append(file)
    progress("pairs", len(jobs), len(jobs))
    return files


def _is_there(file: Path, request: str) -> bool:
    try:
        with open_checked(file, PAIRS_KIND) as h5:
            return bool(h5.attrs.get("request_hash") == request)
    except StoreError:
        return False


_SCENE_ARRAYS = (
    "tx_m",
    "index",
    "cells",
    "stale",
    "object_box_m",
    "object_slab_db",
    "object_is_ground",
    "reflected",
    "passed",
)
_PAIR_ARRAYS = ("truth", "valid", "prior", "geometry", "changed")


def write_pairs(file: Path, scene: ScenePairs, request: str = "") -> None:
    """Store a scene's pairs; the file appears whole."""

    def build(h5: h5py.File) -> None:
        write_header(
            h5,
            PAIRS_KIND,
            {
                "request_hash": request,
                "scene": scene.name,
                "frequency_hz": scene.frequency_hz,
                "cell_size_m": scene.cell_size_m,
                "shape": np.array(scene.shape),
                "object_names": json.dumps(scene.object_names),
                "content_hash": content_of(scene),
            },
        )
        for name in _SCENE_ARRAYS:
            _put(h5, name, getattr(scene, name))
        for number, pair in enumerate(scene.pairs):
            group = h5.create_group(f"pair_{number:03d}")
            for name in _PAIR_ARRAYS:
                _put(group, name, getattr(pair, name))
            for name, values in pair.rungs.items():
                _put(group, f"rung_{name}", values)
            told = {
                "kind": pair.kind,
                "edit": pair.edit,
                "slab_db": pair.slab_db,
                "moved_m": pair.moved_m,
                "seconds": json.dumps(pair.seconds),
            }
            for name, value in told.items():
                group.attrs[name] = value

    with plain_errors(file):
        write_image(file, build)


def _put(group: Any, name: str, values: Any) -> None:
    array = np.asarray(values)
    if array.dtype == np.float64 and name not in ("tx_m", "cells"):
        array = array.astype(np.float32)
    group.create_dataset(
        name, data=array, compression="gzip", shuffle=True
    ) if array.size > 64 else group.create_dataset(name, data=array)


def read_pairs(file: str | Path) -> ScenePairs:
    """Pairs of a scene from a file of write_pairs.

    Raises:
        StoreError: if it is no such file.
    """
    try:
        return _read_pairs(file)
    except StoreError:
        raise
    except DAMAGE as error:
        raise StoreError(
            f"{file}: pairs that are damaged ({' '.join(str(error).split())[:80]}); make them again"
        ) from None


def _read_pairs(file: str | Path) -> ScenePairs:
    with open_checked(file, PAIRS_KIND) as h5:
        numbers = sorted(name for name in h5 if name.startswith("pair_"))
        return ScenePairs(
            name=str(h5.attrs["scene"]),
            frequency_hz=float(h5.attrs["frequency_hz"]),
            cell_size_m=float(h5.attrs["cell_size_m"]),
            shape=(int(h5.attrs["shape"][0]), int(h5.attrs["shape"][1])),
            object_names=tuple(json.loads(h5.attrs["object_names"])),
            pairs=tuple(_read_pair(h5[number]) for number in numbers),
            **{name: h5[name][...] for name in _SCENE_ARRAYS},
        )


def _read_pair(group: Any) -> Pair:
    slab, moved = group.attrs["slab_db"], group.attrs["moved_m"]
    return Pair(
        kind=str(group.attrs["kind"]),
        edit=str(group.attrs["edit"]),
        slab_db=(float(slab[0]), float(slab[1])),
        moved_m=(float(moved[0]), float(moved[1]), float(moved[2])),
        seconds=json.loads(group.attrs["seconds"]),
        rungs={n.removeprefix("rung_"): group[n][...] for n in group if n.startswith("rung_")},
        **{name: group[name][...] for name in _PAIR_ARRAYS},
    )


def content_of(scene: ScenePairs) -> str:
    """SHA-256 of a scene's pairs: everything but the seconds."""
    digest = hashlib.sha256(scene.name.encode())
    for name in _SCENE_ARRAYS:
        digest.update(_bytes(getattr(scene, name)))
    for pair in scene.pairs:
        told = {"kind": pair.kind, "edit": pair.edit}
        digest.update(json.dumps(told, sort_keys=True).encode())
        for name in _PAIR_ARRAYS:
            digest.update(_bytes(getattr(pair, name)))
    return digest.hexdigest()


def _bytes(values: Any) -> bytes:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        array = array.astype("<f4")
    return np.ascontiguousarray(array).tobytes()


def data_hash(files: Iterable[Path]) -> str:
    """SHA-256 of the contents of files of pairs, in their order."""
    digest = hashlib.sha256()
    for file in files:
        with open_checked(file, PAIRS_KIND) as h5:
            digest.update(str(h5.attrs["content_hash"]).encode())
    return digest.hexdigest()
