"""The run on a cluster: starting workers, giving out shards, taking them back."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rtwin.dataset.cluster.door import check_head, connected, interrupts
from rtwin.dataset.cluster.plan import Slot, slots
from rtwin.dataset.cluster.worker import (
    ClusterWorker,
    Credentials,
    Job,
    check_credentials,
    check_versions,
    credentials,
)
from rtwin.dataset.shards import KEPT, Layout, Pace, Queue, ShardFolder, Work, part
from rtwin.dataset.store import provenance
from rtwin.errors import EngineError, RtwinError
from rtwin.progress import Progress, Steps
from rtwin.scene import recipe_dict
from rtwin.trace import GPU_VARIANT, Tracer

_log = logging.getLogger(__name__)
IN_FLIGHT = 2  # shards per worker: one is traced while the one before is written
STARTS_AT_MOST = 3  # workers that may fail to start in one place, one after the other
PAUSE_S = 5.0  # before a worker is started again where one failed
PATIENCE_S = 60.0  # without any worker
LOOK_S = 2.0  # between looks at the cluster's machines
NUM_PROBES = 4


def trace_on_cluster(
    work: Work,
    folder: ShardFolder,
    todo: list[int],
    address: str,
    steps: Steps,
    progress: Progress,
) -> None:
    """Trace shards on a Ray cluster and write them here.

    In memory and under way are at most IN_FLIGHT shards per worker; this process
    holds one of them at a time.

    Raises:
        MissingExtraError: if Ray is not installed.
        EngineError: if there is no cluster at the address or no worker on it, a
            worker would compute other bits, or a shard is lost again and again.
    """
    with connected(address) as ray, interrupts() as interrupted:
        crew = _Crew(ray, work, folder.layout, todo, progress)
        try:
            for number, image in crew.shards():
                folder.write_image(number, image)
                steps.advance(work.steps_per_shard)
                if interrupted.is_set():
                    raise KeyboardInterrupt
        finally:
            crew.dismiss()


@dataclass(eq=False)
class _Seat:
    """A slot of the cluster and the worker on it."""

    slot: Slot
    actor: Any = None
    ready: bool = False
    load: int = 0  # shards that the worker has
    since: float = 0.0  # when it began with the step that it is at
    failed_starts: int = 0
    start_after: float = 0.0


class _Crew:
    """The workers of a run, and which shard each has."""

    def __init__(
        self,
        ray: ModuleType,
        work: Work,
        layout: Layout,
        todo: list[int],
        progress: Progress,
    ) -> None:
        self._ray, self._work, self._progress = ray, work, progress
        self._world, self._queue = work.world, Queue(todo)
        self._wanted = len(todo)
        self._seats: dict[tuple[str, int], _Seat] = {}
        # What is awaited: from whom, and which shard or which step of starting.
        self._awaited: dict[Any, tuple[_Seat, int | str]] = {}
        self._reason = "its machines offer no GPU" if self._gpu else "its machines offer no CPU"
        self._hopeless = False
        self._pace = Pace()
        self._here: Credentials | None = None
        num = len(work.receivers)
        self._probe = part(work.receivers, 0, num, max(1, num // NUM_PROBES))
        recipe, variant = work.world.recipe, work.world.engine.variant
        said = recipe_dict(recipe), recipe.name, variant
        self._job = ray.put(Job(*said, work.parts, self._probe, work.keep, layout))
        self._actor_class = ray.remote(ClusterWorker)

    @property
    def _gpu(self) -> bool:
        return bool(self._world.engine.variant == GPU_VARIANT)

    def shards(self) -> Iterator[tuple[int, bytes]]:
        """Number and file of every shard, as they come back."""
        looked = float("-inf")
        manned = time.monotonic()
        while self._queue.unfinished:
            now = time.monotonic()
            if now - looked >= LOOK_S:
                self._look(now)
                looked = now
            if self._here is None:
                # While the workers start.
                self._here = credentials(Tracer(self._world), self._probe)
            self._hand_out()
            if self._awaited:
                manned = now
                done, _ = self._ray.wait(list(self._awaited), timeout=LOOK_S, fetch_local=False)
                for reference in done:
                    seat, task = self._awaited.pop(reference)
                    image = self._settle(reference, seat, task)
                    if image is not None and isinstance(task, int):
                        yield task, image
                        self._queue.finished()
                self._lose_frozen()
            elif not self._seats or self._hopeless or now - manned > PATIENCE_S:
                raise EngineError(f"the Ray cluster has no worker: {self._reason}; {KEPT}")
            else:
                time.sleep(LOOK_S / 10)

    def dismiss(self) -> None:
        """Stop all workers, as far as there is a cluster left to do it."""
        with suppress(EngineError):
            check_head(self._ray)
            for seat in self._seats.values():
                self._stop(seat)

    def _look(self, now: float) -> None:
        """Start workers wherever the cluster has room for more."""
        check_head(self._ray)
        found = slots(self._ray.nodes(), gpu=self._gpu)[: self._wanted]
        seats = [self._seats.setdefault((s.node, s.index), _Seat(s)) for s in found]
        usable = [seat for seat in seats if seat.failed_starts < STARTS_AT_MOST]
        self._hopeless = bool(found) and not usable
        for seat in usable:
            if seat.actor is None and now > seat.start_after:
                self._start(seat)
        ready = sum(seat.ready for seat in self._seats.values())
        self._progress("workers", ready, max(ready, len(found)))

    def _start(self, seat: _Seat) -> None:
        slot = seat.slot
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        seat.actor = self._actor_class.options(
            num_cpus=slot.num_cpus,
            num_gpus=slot.num_gpus,
            scheduling_strategy=here(slot.node, soft=False),
        ).remote()
        self._awaited[seat.actor.versions.remote()] = (seat, "versions")

    def _hand_out(self) -> None:
        """Give shards to workers that have few; a second one only where enough are left."""
        ready = [seat for seat in self._seats.values() if seat.ready]
        for load in range(IN_FLIGHT):
            for seat in ready:
                left = len(self._queue)
                if left == 0 or (load > 0 and left <= len(self._seats)):
                    return
                if seat.load == load:
                    if load == 0:
                        seat.since = self._pace.now()
                    number = self._queue.take()
                    batch = self._work.batch(number)
                    self._awaited[seat.actor.trace.remote(batch)] = (seat, number)
                    seat.load += 1

    def _settle(self, reference: Any, seat: _Seat, task: int | str) -> bytes | None:
        """Take what came back; the file, if it was a shard and came whole."""
        errors = self._ray.exceptions
        host = seat.slot.host
        answer = None
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, RtwinError):
                raise type(cause)(f"on {host}: {cause}") from error
            reason = f"the worker on {host} failed ({_one_line(cause)})"
            if task == "versions":
                # Not even rtwin could be imported there.
                raise EngineError(
                    f"{reason}; install rtwin {provenance()['rtwin']} on every machine"
                ) from error
            self._lose(seat, task, reason)
        except errors.RayError as error:
            self._lose(seat, task, f"the worker on {host} died ({_one_line(error)})")
        else:
            self._take(seat, task, answer)
        return answer if isinstance(task, int) else None

    def _take(self, seat: _Seat, task: int | str, answer: Any) -> None:
        if task == "versions":
            check_versions(provenance(), answer, seat.slot.host)
            loaded = seat.actor.load.remote(self._job, seat.slot.num_cpus)
            self._awaited[loaded] = (seat, "load")
            seat.since = self._pace.now()
        elif task == "load":
            assert self._here is not None
            check_credentials(self._here, answer, seat.slot.host)
            seat.ready, seat.failed_starts = True, 0
            self._pace.took("load", self._pace.now() - seat.since)
        else:
            seat.load -= 1
            self._pace.took("trace", self._pace.now() - seat.since)
            seat.since = self._pace.now()

    def _lose_frozen(self) -> None:
        """Give up workers that are far behind the pace of the others."""
        now = self._pace.now()
        # A worker has its shards one after the other.
        first = dict(reversed(self._awaited.values()))
        for seat, task in first.items():
            is_shard = isinstance(task, int)
            times = self._queue.times_lost(task) if isinstance(task, int) else 0
            late = now - seat.since
            # Before "load" it may be waiting for room on its machine.
            if task == "versions" or late <= self._pace.limit_s(
                "trace" if is_shard else "load", times
            ):
                continue
            reason = f"the worker on {seat.slot.host} has not answered for {late:.0f} s"
            _log.warning("%s; its work is done elsewhere", reason)
            self._lose(seat, task, reason)
            # It may go on holding what it was given; nobody is started in its place.
            seat.failed_starts = STARTS_AT_MOST

    def _lose(self, seat: _Seat, task: int | str, reason: str) -> None:
        """A worker is lost, and with it what it had."""
        self._reason = reason
        if isinstance(task, str):
            seat.failed_starts += 1
            seat.start_after = time.monotonic() + PAUSE_S
        had = [(r, t) for r, (s, t) in self._awaited.items() if s is seat]
        for reference, other in had:
            del self._awaited[reference]
            if isinstance(other, int) and other != task:
                self._queue.give_back(other)  # it waited behind the other one
        self._stop(seat)
        if isinstance(task, int):
            self._queue.lost(task, reason)

    def _stop(self, seat: _Seat) -> None:
        if seat.actor is not None:
            self._ray.kill(seat.actor)
        seat.actor, seat.ready, seat.load = None, False, 0


def _one_line(error: BaseException) -> str:
    """The first sentence of an error; Ray's go on for pages."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.split(". ")[0][:200]
