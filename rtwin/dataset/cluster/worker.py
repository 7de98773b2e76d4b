"""The worker of a cluster: what it gets, what it says of itself, what it does."""

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.shards import DATASET_LAYOUT, Keep, Layout, shard_image, trace_shard
from rtwin.dataset.store import provenance
from rtwin.errors import EngineError
from rtwin.scene import Receivers, recipe_from_dict
from rtwin.trace import GPU_VARIANT, SceneParts, Tracer, World, start_engine, world_of_parts


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know of a run."""

    recipe: dict[str, Any]
    name: str
    variant: str
    scene: SceneParts
    probe: Receivers
    keep: Keep = trace_shard  # what is kept of a batch
    layout: Layout = DATASET_LAYOUT  # of a shard


@dataclass(frozen=True)
class Credentials:
    """What a loaded scene says of itself and of the machine that it is on."""

    variant: str
    scene_hash: str
    processor: str
    probe: str  # SHA-256 of the links of a few receivers, to the bit


class ClusterWorker:
    """A Ray actor with an engine of its own and the loaded scene."""

    def __init__(self) -> None:
        self._tracer: Tracer | None = None
        self._job: Job | None = None

    def versions(self) -> dict[str, str]:
        """Asked first: nothing else is passed between different versions."""
        return provenance()

    def load(self, job: Job, num_cpus: int) -> Credentials:
        """Load the scene and discover its chains."""
        os.environ["RTWIN_VARIANT"] = job.variant.partition("_")[0]
        engine = start_engine()
        if engine.variant != GPU_VARIANT:
            engine.dr.set_thread_count(max(1, num_cpus))
        # The folder is never looked into: the recipe's files came along as parts.
        recipe = recipe_from_dict(job.recipe, job.name, Path())
        self._tracer = Tracer(world_of_parts(recipe, job.scene))
        self._job = job
        return credentials(self._tracer, job.probe)

    def trace(self, receivers: Receivers) -> bytes:
        """The file of a shard."""
        assert self._tracer is not None
        assert self._job is not None
        kept = self._job.keep(self._tracer, receivers, lambda: None)
        return shard_image(kept, self._job.layout)


def credentials(tracer: Tracer, probe: Receivers) -> Credentials:
    """What a worker and the machine that started the run must agree upon."""
    world = tracer.world
    return Credentials(
        world.engine.variant, world.scene_hash, _processor(world), _hash(trace_shard(tracer, probe))
    )


def check_versions(here: Mapping[str, str], there: Mapping[str, str], host: str) -> None:
    """Refuse a worker of other versions.

    Raises:
        EngineError: one line with the first that differs.
    """
    for name in sorted({*here, *there}, key=lambda n: (n != "rtwin", n)):
        mine, other = here.get(name, "absent"), there.get(name, "absent")
        if mine != other:
            raise EngineError(
                f"the worker on {host} has {name} {other}, this machine has {mine}; numbers could "
                "depend on who traced what: install the same versions everywhere"
            )


def check_credentials(here: Credentials, there: Credentials, host: str) -> None:
    """Refuse a worker that would compute other bits.

    Raises:
        EngineError: one line with what differs.
    """
    if here.variant != there.variant:
        raise EngineError(
            f"the worker on {host} runs {there.variant}, this machine {here.variant}; start rtwin "
            "on a machine like the workers, or set RTWIN_VARIANT"
        )
    if here.scene_hash != there.scene_hash:
        raise EngineError(
            f"the worker on {host} loaded scene {there.scene_hash[:12]}, this machine "
            f"{here.scene_hash[:12]}; do not change the scene's files during the run"
        )
    if here.probe != there.probe:
        raise EngineError(
            f"the worker on {host} ({there.processor}) computes other bits than this machine "
            f"({here.processor}); the dataset would depend on who traced what: use machines of "
            "one kind, and start rtwin on one of them"
        )


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name}\0{arrays[name].shape}\0".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _processor(world: World) -> str:
    """The chip that computes, as its maker calls it."""
    if world.engine.variant == GPU_VARIANT:
        return "a GPU"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
