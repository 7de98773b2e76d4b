"""The whole study, seed by seed, on several processes."""

import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rtwin.caching.caches import LeastRecentlyUsed, run_textbook
from rtwin.caching.demand import read_gateway
from rtwin.caching.study.drifting import draw_drift, run_drifting
from rtwin.caching.study.rows import Run, of_textbook
from rtwin.caching.study.settings import CachingStudy
from rtwin.caching.study.walking import Ground, draw_world, prepare, run_walking, surprises
from rtwin.errors import MissingExtraError
from rtwin.progress import Progress, silent


@dataclass
class Findings:
    """What the study found.

    Attributes:
        study: What was asked for.
        runs: All rows of all seeds.
        log_loss: Surprise of each forecast [nat], by name, one number for each seed.
        facts: Of each seed: hashes, share of requests with two stations, handovers.
        gateway: Hit rates on a log of a gateway, if one is given.
    """

    study: CachingStudy
    runs: list[Run] = field(default_factory=list)
    log_loss: dict[str, list[float]] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)
    gateway: dict[str, float] = field(default_factory=dict)


def run_caching(study: CachingStudy, progress: Progress = silent) -> Findings:
    """Run the study.

    Args:
        study: What is compared.
        progress: Called with stage ("experiment"), seeds done and in all.
    Returns:
        The findings; the same study gives the same ones, whatever the number of workers.
    Raises:
        StoreError, RecipeError, OutOfRangeError: if a file cannot be used.
        MissingExtraError: if MaskablePPO is asked for and not installed.
    Checked by tests/caching/study.
    """
    found = Findings(study)
    if study.ppo_steps and find_spec("sb3_contrib") is None:
        raise MissingExtraError("MaskablePPO needs sb3-contrib; pip install 'rtwin[rl]'")
    if study.requests is not None:
        found.gateway = _gateway(study)
    progress("experiment", 0, study.seeds)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name:
        ground = prepare(study, Path(name))
        parts: dict[int, Any] = {}
        for seed, part in _seeds(study, ground):
            parts[seed] = part
            progress("experiment", len(parts), study.seeds)
    for seed in range(study.seeds):
        runs, losses, facts = parts[seed]
        found.runs += runs
        found.facts.append(facts)
        for forecast, loss in losses.items():
            found.log_loss.setdefault(forecast, []).append(loss)
    return found


def _seeds(study: CachingStudy, ground: Ground) -> Iterator[tuple[int, Any]]:
    workers = min(study.workers, study.seeds)
    if workers == 1:
        for seed in range(study.seeds):
            yield seed, one_seed(study, ground, seed)
        return
    # Forked processes would share the ray tracer's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        jobs = {pool.submit(one_seed, study, ground, seed): seed for seed in range(study.seeds)}
        for job in as_completed(jobs):
            yield jobs[job], job.result()


def one_seed(
    study: CachingStudy, ground: Ground, seed: int
) -> tuple[list[Run], dict[str, float], dict[str, Any]]:
    """Rows, log losses and facts of a seed."""
    world = draw_world(study, ground, seed)
    runs = list(run_walking(study, world, seed))
    facts: dict[str, Any] = {
        "seed": seed,
        "requests_hash": world.requests.hash,
        "catalogue_hash": world.requests.catalogue.hash,
        "link_trace_hash": world.reach.trace_hash,
        "users": world.reach.num_users,
        "stations": list(world.reach.station_name),
        "share_with_two": world.requests.share_with_two,
        "requests_between_moves": _between_moves(world.requests),
    }
    if study.control:
        drift = draw_drift(study, seed)
        runs += run_drifting(study, drift, seed)
        facts["drift_hash"] = drift.hash
        facts["drift_share_with_two"] = drift.share_with_two
    return runs, surprises(study, world), facts


def _between_moves(trace: Any) -> float:
    """Own requests of a user between two changes of station, on average."""
    moves = int((trace.place[1:] != trace.place[:-1]).sum())
    return len(trace) / max(moves, 1)


def _gateway(study: CachingStudy) -> dict[str, float]:
    """What a log of a gateway gives at five stations, and its most wanted videos alone."""
    assert study.requests is not None
    found: dict[str, float] = {}
    for label, most in (("all videos", None), ("1000 most wanted", 1000)):
        trace = read_gateway(study.requests, 5, most)
        found[f"requests, {label}"] = float(len(trace))
        for name, out in of_textbook(trace, study.slots).items():
            found[f"{name}, {label}"] = float(out.hit.mean())
        room = [LeastRecentlyUsed(trace.catalogue.num_items + 1) for _ in range(5)]
        found[f"room for all, {label}"] = float(run_textbook(room, trace).hit.mean())
    return found
