"""Runs of shards: by this process, by several of this machine, or on a cluster; resumed."""

from typing import Any

from rtwin.dataset.cluster import check_cluster, trace_on_cluster
from rtwin.dataset.shards import ShardFolder, Work, trace_apart
from rtwin.errors import OutOfRangeError
from rtwin.progress import Progress, Steps
from rtwin.trace import Tracer


def check_hands(workers: int | None, ray: str | None) -> int:
    """Number of processes that trace; refuses impossible ones before the work, not after it.

    Raises:
        OutOfRangeError: if both are given, or there are fewer than one worker.
        MissingExtraError, EngineError: if there is no Ray.
    """
    if ray is not None:
        if workers is not None:
            raise OutOfRangeError(
                f"workers is {workers} and ray is {ray!r}; give one of them: processes of this "
                "machine, or the workers of a cluster"
            )
        check_cluster(ray)
    if workers is not None and workers < 1:
        raise OutOfRangeError(f"workers is {workers}, it must be 1 or more")
    return 1 if workers is None else workers


def trace_missing(
    work: Work,
    folder: ShardFolder,
    workers: int,
    ray: str | None,
    progress: Progress,
    stage: str = "trace",
) -> None:
    """Trace the shards that are not finished yet into an opened folder.

    Args:
        workers, ray: As `generate` has them; workers as check_hands gives them.
        progress: Called with the stage, transmitters of shards that are done and in all, and
            with "workers" on a cluster.
    Raises:
        EngineError: if workers die, or the cluster cannot be used.
    """
    todo = [number for number in range(len(work.ranges)) if not folder.is_finished(number)]
    each = work.steps_per_shard
    done = len(work.ranges) - len(todo)
    steps = Steps(progress, len(work.ranges) * each, done * each, stage)
    if ray is not None and todo:
        trace_on_cluster(work, folder, todo, ray, steps, progress)
    elif workers == 1 or len(todo) <= 1:
        tracer = Tracer(work.world)
        for number in todo:
            folder.write(number, work.keep(tracer, work.batch(number), steps.advance))
    else:
        trace_apart(work, folder, todo, workers, steps)


def map_plan(request: str, work: Work) -> dict[str, Any]:
    """What finished shards of a map or a twin are of: of another they are of no use."""
    return {"request": request, "ranges": [work.ranges[0][1], work.ranges[-1][1]]}
