"""Shards traced by several processes of this machine, each with its own engine."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from rtwin.dataset.links import part, trace_shard
from rtwin.dataset.shards import ShardFolder
from rtwin.errors import EngineError
from rtwin.progress import Steps
from rtwin.scene import Receivers, recipe_dict, recipe_from_dict
from rtwin.trace import Tracer, World, load_world, start_engine


def trace_apart(
    world: World,
    receivers: Receivers,
    folder: ShardFolder,
    ranges: list[tuple[int, int]],
    todo: list[int],
    workers: int,
    steps: Steps,
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
