"""Work of studies in several processes, while the next of it is still being made."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_processes(
    work: Callable[..., Result], given: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Results of work(*arguments), as they come; in this process where there is one worker.

    Arguments are made one after the other while workers are busy with those before.
    """
    from threadpoolctl import threadpool_limits

    if workers == 1:
        for arguments in given:
            yield work(*arguments)
        return
    # Forked processes would share the ray tracer's threads.
    context = multiprocessing.get_context("spawn")
    # Small matrices: threads would only wait for each other.
    with ProcessPoolExecutor(workers, context, threadpool_limits, (1,)) as pool:
        jobs: set[Future[Result]] = set()
        for arguments in given:
            jobs.add(pool.submit(work, *arguments))
            ready = {job for job in jobs if job.done()}
            jobs -= ready
            yield from (job.result() for job in ready)
        while jobs:
            ready, jobs = wait(jobs, return_when="FIRST_COMPLETED")
            yield from (job.result() for job in ready)
