"""From a recipe to a dataset file: the vertical mapping as one resumable run."""

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.schema import (
    COORDINATES,
    PATHS_FORMAT,
    PATHS_LAYOUT,
    PORT_LABELS,
    RX_VARIABLES,
    SCENE_VARIABLES,
    TX_VARIABLES,
    Variable,
)
from rtwin.dataset.shards import ShardFolder, shard_ranges
from rtwin.dataset.store import (
    RESUME,
    attach_dimensions,
    content_hash,
    create_variable,
    plain_errors,
    prepare_target,
    provenance,
    replace_whole,
    reserve_space,
    write_header,
)
from rtwin.errors import EngineError, OutOfRangeError
from rtwin.scene import Receivers, Recipe, recipe_dict, recipe_from_dict
from rtwin.trace import (
    NO_TRIANGLE,
    TracedPaths,
    Tracer,
    World,
    load_world,
    place,
    remarks,
    start_engine,
)

SHARD_SIZE = 2048
SCATTERED_RAYS_PER_SHARD = 400_000  # rays times receivers; each may become a path
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""


def generate(
    recipe: Recipe,
    file: str | Path,
    *,
    shard_size: int | None = None,
    workers: int = 1,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Path:
    """Trace every link of a recipe into a dataset file.

    The same recipe gives the same content hash whatever the shard size and the
    number of workers. A run that was killed goes on where it stopped when it is
    called again. Memory is bounded by one shard per worker plus the scene.

    Args:
        recipe: What to trace.
        file: Where to; appears whole or not at all.
        shard_size: Receivers per shard; default: 2048, fewer with diffuse
            reflection, where every ray may become a path of every receiver.
        workers: Processes that trace shards, each with its own engine.
        overwrite: Replace a finished file of another recipe.
        progress: Called with stage ("trace", "write"), steps done and in all.
    Returns:
        The path of the file.
    Raises:
        RecipeError, GeometryError: if the recipe cannot be traced.
        StoreError: if the file is of another recipe and overwrite is not set,
            or cannot be written.
    """
    shard_size = default_shard_size(recipe) if shard_size is None else shard_size
    if shard_size < 1 or workers < 1:
        raise OutOfRangeError(
            f"shard_size is {shard_size} and workers is {workers}; both must be 1 or more"
        )
    file = Path(file)
    if file.is_dir() or not file.exists():
        prepare_target(file, PATHS_FORMAT, None, overwrite)  # before the work, not after it
    world = load_world(recipe)
    receivers = place(world)
    request = request_hash(recipe, world.scene_hash, receivers)
    if prepare_target(file, PATHS_FORMAT, request, overwrite):
        ShardFolder(file).remove()
        progress("trace", 1, 1)
        return file
    ranges = shard_ranges(len(receivers), shard_size)
    folder = ShardFolder(file)
    plan = {"request": request, "shard_size": shard_size, "num_receivers": len(receivers)}
    with folder.opened(plan):
        todo = [n for n in range(len(ranges)) if not folder.is_finished(n)]
        per_shard = len(recipe.transmitter)
        steps = _Steps(progress, len(ranges) * per_shard, (len(ranges) - len(todo)) * per_shard)
        if workers == 1 or len(todo) <= 1:
            _trace_here(world, receivers, folder, ranges, todo, steps)
        else:
            _trace_apart(world, receivers, folder, ranges, todo, workers, steps)
        assemble(world, receivers, folder, len(ranges), request, progress)
    folder.remove()
    return file


def default_shard_size(recipe: Recipe) -> int:
    """Receivers per shard that keep a shard within a few hundred MiB."""
    if not recipe.solver.diffuse_reflection:
        return SHARD_SIZE
    return min(SHARD_SIZE, max(1, SCATTERED_RAYS_PER_SHARD // recipe.solver.diffuse_rays))


def request_hash(recipe: Recipe, scene_hash: str, receivers: Receivers | None) -> str:
    """SHA-256 of everything that decides a dataset's content, versions included.

    Receivers count as placed: their positions may come from a file.
    """
    placed = hashlib.sha256()
    if receivers is not None:
        for values in (receivers.position_m, receivers.velocity_m_s, receivers.orientation_rad):
            placed.update(np.ascontiguousarray(values, "<f8").tobytes())
    # What only the other kind of file or a picture depends on does not count.
    unused = {"camera", "radio_map" if receivers is not None else "receivers"}
    request = {
        "recipe": {key: value for key, value in recipe_dict(recipe).items() if key not in unused},
        "scene": scene_hash,
        "receivers": placed.hexdigest(),
        "versions": provenance(),
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


class _Steps:
    """Counts (shard, transmitter) steps for the progress bar."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress, self._total, self._done = progress, total, done
        progress("trace", done, total)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        self._progress("trace", self._done, self._total)


def _trace_here(
    world: World,
    receivers: Receivers,
    folder: ShardFolder,
    ranges: list[tuple[int, int]],
    todo: list[int],
    steps: _Steps,
) -> None:
    tracer = Tracer(world)
    for number in todo:
        shard = trace_shard(tracer, part(receivers, *ranges[number]), steps.advance)
        folder.write(number, shard)


def _trace_apart(
    world: World,
    receivers: Receivers,
    folder: ShardFolder,
    ranges: list[tuple[int, int]],
    todo: list[int],
    workers: int,
    steps: _Steps,
) -> None:
    recipe = world.recipe
    workers = min(workers, len(todo))
    pool = ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(recipe_dict(recipe), recipe.name, str(recipe.folder), workers),
    )
    try:
        with _interrupts_ignored():
            jobs = [pool.submit(_work, folder.target, n, part(receivers, *ranges[n])) for n in todo]
        for job in as_completed(jobs):
            job.result()
            steps.advance(len(recipe.transmitter))
    except BrokenProcessPool as error:
        raise EngineError(
            "a worker process died (out of memory?); finished shards are kept, run the same "
            "command again, with fewer workers"
        ) from error
    except BaseException:
        # Shards appear whole or not at all, so that workers may be stopped anywhere.
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started in here leave Ctrl-C to this one, instead of each telling of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_tracer: Tracer | None = None  # one per worker process


def _start_worker(recipe: dict[str, Any], name: str, folder: str, workers: int) -> None:
    global _tracer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    engine = start_engine()
    engine.dr.set_thread_count(max(1, (os.cpu_count() or 1) // workers))
    _tracer = Tracer(load_world(recipe_from_dict(recipe, name, folder)))


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(target: Path, number: int, receivers: Receivers) -> None:
    assert _tracer is not None
    ShardFolder(target).write(number, trace_shard(_tracer, receivers))


def part(receivers: Receivers, start: int, stop: int) -> Receivers:
    """Some of the receivers, as a batch of their own."""
    rows = slice(start, stop)
    return dataclasses.replace(
        receivers,
        position_m=receivers.position_m[rows],
        velocity_m_s=receivers.velocity_m_s[rows],
        orientation_rad=receivers.orientation_rad[rows],
        time_s=None if receivers.time_s is None else receivers.time_s[rows],
        candidate=receivers.candidate[rows],
    )


def trace_shard(
    tracer: Tracer, receivers: Receivers, transmitter_done: Callable[[], None] = lambda: None
) -> dict[str, NDArray[Any]]:
    """Variables of the links of a batch of receivers."""
    traced = tracer.trace(receivers, transmitter_done)
    dropped = np.zeros(len(traced.num_paths))
    strongest = tracer.world.recipe.solver.strongest_paths
    if strongest is not None:
        traced, dropped = _strongest(traced, strongest, tracer.world.recipe.frequency_hz)
    triangles = tracer.world.triangles
    met = traced.triangle != NO_TRIANGLE
    row = np.where(met, traced.triangle, 0)
    return {
        "num_paths": traced.num_paths.astype(np.int32),
        "dropped_path_gain": dropped,
        **{
            name: getattr(traced, name)
            for name in (
                "a", "delay_s", "aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith",
                "doppler_hz", "interactions", "triangle", "edge", "vertex_m",
            )
        },
        "object": np.where(met, triangles.object[row], -1).astype(np.int32),
        "material": np.where(met, triangles.material[row], -1).astype(np.int16),
    }  # fmt: skip


def _strongest(
    traced: TracedPaths, count: int, frequency_hz: float
) -> tuple[TracedPaths, NDArray[np.float64]]:
    keep, dropped = traced.path_set(frequency_hz).strongest_rows(count)
    fields = {
        field.name: getattr(traced, field.name)[keep]
        for field in dataclasses.fields(traced)
        if field.name != "num_paths"
    }
    return TracedPaths(num_paths=np.minimum(traced.num_paths, count), **fields), dropped


def assemble(
    world: World,
    receivers: Receivers,
    folder: ShardFolder,
    num_shards: int,
    request: str,
    progress: Progress,
) -> None:
    """Make the finished shards one file, and put it in place."""
    recipe = world.recipe
    merged = folder.path / "merged.h5"
    num_tx, num_rx = len(recipe.transmitter), len(receivers)
    progress("write", 0, 1)
    with plain_errors(folder.target, RESUME):
        reserve_space(folder.path, folder.merged_bytes(num_shards))
        with h5py.File(merged, "w") as file:
            write_header(file, PATHS_FORMAT, {
                **scene_attributes(world),
                "request_hash": request,
                "num_candidates": receivers.num_candidates,
                "num_inside": receivers.num_inside,
                "num_underground": receivers.num_underground,
                "num_without_ground": receivers.num_without_ground,
                "featureType": "point",
            })  # fmt: skip
            write_table(file, TX_VARIABLES, transmitter_columns(recipe))
            time_s = receivers.time_s if receivers.time_s is not None else np.full(num_rx, np.nan)
            write_table(file, RX_VARIABLES, {
                "rx_position_m": receivers.position_m,
                "rx_orientation_rad": receivers.orientation_rad,
                "rx_velocity_m_s": receivers.velocity_m_s,
                "rx_time_s": time_s,
                "rx_candidate": receivers.candidate,
            })  # fmt: skip
            link = np.arange(num_rx * num_tx)
            links = {"link_tx": link % num_tx, "link_rx": link // num_tx}
            write_table(file, PATHS_LAYOUT, links)
            write_table(file, SCENE_VARIABLES, _scene_columns(world))
            folder.merge_into(file, num_shards)
            file["num_paths"].attrs["sample_dimension"] = "path"
            attach_dimensions(file, PATHS_LAYOUT, {
                **COORDINATES,
                "tx": [tx.name for tx in recipe.transmitter],
                "tx_pol": PORT_LABELS[recipe.transmitter[0].antenna.polarization],
                "rx_pol": PORT_LABELS[recipe.receivers.antenna.polarization],
            })  # fmt: skip
            file.attrs["content_hash"] = content_hash(file, PATHS_LAYOUT)
        replace_whole(merged, folder.target)
    progress("write", 1, 1)


def scene_attributes(world: World) -> dict[str, Any]:
    """Root attributes that every file of a scene carries."""
    recipe = world.recipe
    return {
        "title": recipe.title,
        "scene": recipe.name,
        "geometry_hash": world.geometry_hash,
        "scene_hash": world.scene_hash,
        "source": recipe.source,
        "licence": recipe.licence,
        "recipe": recipe_dict(recipe),
        "frequency_hz": recipe.frequency_hz,
        "seed": recipe.seed,
        "variant": world.engine.variant,
        "remarks": remarks(world),
    }


def transmitter_columns(recipe: Recipe) -> dict[str, Any]:
    """Values of TX_VARIABLES."""
    transmitters = recipe.transmitter
    return {
        "tx_name": [tx.name for tx in transmitters],
        "tx_position_m": np.array([tx.position_m for tx in transmitters], np.float64),
        "tx_orientation_rad": np.array([tx.orientation_rad for tx in transmitters], np.float64),
        "tx_velocity_m_s": np.array([tx.velocity_m_s for tx in transmitters], np.float64),
        "tx_power_dbm": np.array([tx.power_dbm for tx in transmitters], np.float64),
    }


def _scene_columns(world: World) -> dict[str, Any]:
    materials = [world.materials[name] for name in world.material_names]
    numbers = ("relative_permittivity", "conductivity_s_per_m", "thickness_m",
               "scattering_coefficient", "xpd_coefficient")  # fmt: skip
    return {
        "object_name": list(world.object_names),
        "material_name": list(world.material_names),
        **{name: np.array([getattr(m, name) for m in materials]) for name in numbers},
    }


def write_table(file: h5py.File, layout: tuple[Variable, ...], columns: dict[str, Any]) -> None:
    """Write the variables of a layout for which there are values."""
    for variable in layout:
        if variable.name in columns:
            data = columns[variable.name]
            create_variable(file, variable, np.shape(data), data)
