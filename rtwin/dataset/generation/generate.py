"""From a recipe to a dataset file: the vertical mapping as one resumable run."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.dataset.generation.shard_runs import check_hands, trace_missing
from rtwin.dataset.schema import PATHS_FORMAT
from rtwin.dataset.shards import ShardFolder, Work, assemble, shard_ranges, trace_shard
from rtwin.dataset.store import prepare_place, prepare_target, provenance
from rtwin.errors import OutOfRangeError
from rtwin.progress import Progress, silent
from rtwin.scene import Receivers, Recipe, recipe_dict, resolve_file
from rtwin.trace import load_parts, place, start_engine, world_of_parts

SHARD_SIZE = 2048
SCATTERED_RAYS_PER_SHARD = 400_000  # rays times receivers; each may become a path


def generate(
    recipe: Recipe,
    file: str | Path,
    *,
    shard_size: int | None = None,
    workers: int | None = None,
    ray: str | None = None,
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
        workers: Processes of this machine that trace shards, each with its own
            engine; default: 1.
        ray: A Ray cluster that traces shards instead: "auto" for the one at
            RAY_ADDRESS or on this machine, else one is started for this run;
            "local" to start one; or HOST:PORT of its head. See docs/scale.md.
        overwrite: Replace a finished file of another recipe.
        progress: Called with stage ("trace", "write"; "workers" on a cluster), steps
            done and in all.
    Returns:
        The path of the file.
    Raises:
        RecipeError, GeometryError: if the recipe cannot be traced.
        StoreError: if the file is of another recipe and overwrite is not set,
            or cannot be written.
        MissingExtraError: if ray is given and not installed.
        EngineError: if workers die, or the cluster cannot be used.
    """
    workers = check_hands(workers, ray)
    shard_size = default_shard_size(recipe) if shard_size is None else shard_size
    if shard_size < 1:
        raise OutOfRangeError(f"shard_size is {shard_size}, it must be 1 or more")
    file = Path(file)
    prepare_place(file, PATHS_FORMAT, overwrite)
    parts = load_parts(start_engine(), recipe)
    world = world_of_parts(recipe, parts)
    receivers = place(world)
    request = request_hash(recipe, world.scene_hash, receivers)
    if prepare_target(file, PATHS_FORMAT, request, overwrite):
        ShardFolder(file).remove()
        progress("trace", 1, 1)
        return file
    ranges = shard_ranges(len(receivers), shard_size)
    folder, work = ShardFolder(file), Work(world, parts, receivers, ranges, trace_shard)
    plan = {"request": request, "shard_size": shard_size, "num_receivers": len(receivers)}
    with folder.opened(plan):
        trace_missing(work, folder, workers, ray, progress)
        assemble([world], receivers, folder, len(ranges), request, progress)
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
    request: dict[str, Any] = {
        "recipe": {key: value for key, value in recipe_dict(recipe).items() if key not in unused},
        "scene": scene_hash,
        "receivers": placed.hexdigest(),
        "versions": provenance(),
    }
    antennas = [recipe.receivers.antenna, *(tx.antenna for tx in recipe.transmitter)]
    files = sorted({antenna.pattern for antenna in antennas if antenna.is_file})
    if files:
        contents = [resolve_file(recipe.folder, name).read_bytes() for name in files]
        request["patterns"] = [hashlib.sha256(content).hexdigest() for content in contents]
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
