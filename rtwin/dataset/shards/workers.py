"""Shards traced by several processes of this machine, each with its own engine."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from rtwin.dataset.shards.shard_folder import ShardFolder
from rtwin.dataset.shards.shard_queue import Pace, Queue
from rtwin.dataset.shards.work import Work
from rtwin.errors import EngineError, RtwinError
from rtwin.progress import Steps
from rtwin.scene import recipe_dict, recipe_from_dict
from rtwin.trace import Tracer, start_engine, world_of_parts

LOOK_S = 1.0  # between looks at workers that are silent
_log = logging.getLogger(__name__)


def trace_apart(
    work: Work, folder: ShardFolder, todo: list[int], workers: int, steps: Steps
) -> None:
    """Trace shards in processes of their own and write them there.

    A worker that is far behind the pace of the others is ended and its shard done by
    another one; a line of the log says so.

    Raises:
        EngineError: if a worker dies, or a shard is lost again and again.
        RtwinError: what a worker raised.
    """
    crew = _Crew(work, folder, min(workers, len(todo)), Queue(todo))
    try:
        for _ in crew.finished():
            steps.advance(work.steps_per_shard)
    finally:
        # Shards appear whole or not at all, so that workers may be stopped anywhere.
        crew.dismiss()


@dataclass(eq=False)
class _Worker:
    """A process, the line to it, and what it is doing."""

    process: BaseProcess
    line: Connection
    since: float
    shard: int | None = None  # none: it starts
    is_ready: bool = False

    @property
    def step(self) -> str:
        return "trace" if self.is_ready else "start"

    def tell(self, message: Any) -> None:
        """Send a message; one that is larger than the line's buffer waits for its reader."""
        threading.Thread(target=self._send, args=(message,), daemon=True).start()

    def _send(self, message: Any) -> None:
        # That the worker has ended is seen where its answer is awaited.
        with contextlib.suppress(OSError):
            self.line.send(message)


class _Crew:
    """The workers of a run, and which shard each has."""

    def __init__(self, work: Work, folder: ShardFolder, size: int, queue: Queue) -> None:
        self._work, self._folder, self._size, self._queue = work, folder, size, queue
        self._pace = Pace()
        self._workers: list[_Worker] = []

    def finished(self) -> Iterator[int]:
        """Numbers of the shards, as they are written."""
        while self._queue.unfinished:
            while len(self._workers) < min(self._size, self._queue.unfinished):
                self._workers.append(self._start())
            for worker in self._workers:
                if worker.is_ready and worker.shard is None and len(self._queue):
                    worker.shard, worker.since = self._queue.take(), self._pace.now()
                    worker.tell((worker.shard, self._work.batch(worker.shard)))
            by_line: dict[Any, _Worker] = {worker.line: worker for worker in self._workers}
            for line in wait(list(by_line), timeout=LOOK_S):
                done = self._settle(by_line[line])
                if done is not None:
                    self._queue.finished()
                    yield done
            self._end_frozen()

    def dismiss(self) -> None:
        """End all workers; they have nothing to save."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_live, args=(there, self._folder, self._size), daemon=True
        )
        with _interrupts_ignored():
            process.start()
        there.close()
        worker = _Worker(process, here, self._pace.now())
        recipe, work = self._work.world.recipe, self._work
        said = recipe_dict(recipe), recipe.name, str(recipe.folder)
        worker.tell((said, work.parts, work.keep))
        return worker

    def _settle(self, worker: _Worker) -> int | None:
        """Take a worker's answer; the number of the shard, if it was one."""
        try:
            error = worker.line.recv()
        except (EOFError, ConnectionError) as gone:
            raise EngineError(
                "a worker process died (out of memory?); finished shards are kept, run the same "
                "command again, with fewer workers"
            ) from gone
        if error is not None:
            raise error
        self._pace.took(worker.step, self._pace.now() - worker.since)
        done, worker.shard, worker.is_ready = worker.shard, None, True
        return done

    def _end_frozen(self) -> None:
        now = self._pace.now()
        for worker in list(self._workers):
            late = now - worker.since
            if worker.is_ready and worker.shard is None:
                continue
            times = 0 if worker.shard is None else self._queue.times_lost(worker.shard)
            if late <= self._pace.limit_s(worker.step, times):
                continue
            reason = f"worker process {worker.process.pid} has not answered for {late:.0f} s"
            _log.warning("%s; its work is done by another", reason)
            self._workers.remove(worker)
            worker.process.kill()  # a stopped process ends at this, and at nothing else
            worker.process.join()
            if worker.shard is not None:
                self._queue.lost(worker.shard, reason)


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


def _live(line: Connection, folder: ShardFolder, workers: int) -> None:
    """A worker's life: load the scene, then trace what comes along the line."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = start_engine()
        engine.dr.set_thread_count(max(1, (os.cpu_count() or 1) // workers))
        recipe, parts, keep = line.recv()
        tracer = Tracer(world_of_parts(recipe_from_dict(*recipe), parts))
        line.send(None)
        while True:
            number, receivers = line.recv()
            folder.write(number, keep(tracer, receivers, lambda: None))
            line.send(None)
    except RtwinError as error:
        line.send(error)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
