"""Who may work where, and which shard is to be done again. Nothing here needs Ray."""

from dataclasses import dataclass
from typing import Any

from rtwin.errors import EngineError

# Workers of one CPU trace the most: half of a shard's time is NumPy on one thread.
# But each holds an engine, a scene and a shard.
WORKER_BYTES = 2**30
GPU_CPUS = 4  # at most, beside a GPU
LOST_AT_MOST = 3  # times that a shard goes to another worker
KEPT = "finished shards are kept, run the same command again to go on"


class Queue:
    """Which shards are still to be given out, and how often each was lost."""

    def __init__(self, todo: list[int]) -> None:
        self._waiting = list(reversed(todo))
        self._lost: dict[int, int] = {}
        self.unfinished = len(todo)

    def __len__(self) -> int:
        """Shards that nobody works on."""
        return len(self._waiting)

    def take(self) -> int:
        return self._waiting.pop()

    def finished(self) -> None:
        self.unfinished -= 1

    def give_back(self, number: int) -> None:
        """A shard that no fault of its own brought back."""
        self._waiting.append(number)

    def lost(self, number: int, reason: str) -> None:
        """A shard whose worker was lost over it; it is done again.

        Raises:
            EngineError: if that happened too often.
        """
        times = self._lost[number] = self._lost.get(number, 0) + 1
        if times > LOST_AT_MOST:
            raise EngineError(
                f"shard {number} was lost {times} times, the last time because {reason}; {KEPT}, "
                "with a smaller shard size if memory is short"
            )
        self.give_back(number)


@dataclass(frozen=True)
class Slot:
    """Room for one worker on a machine of the cluster."""

    node: str
    host: str
    index: int
    num_cpus: int
    num_gpus: int


def slots(nodes: list[dict[str, Any]], *, gpu: bool) -> list[Slot]:
    """Room for workers on the machines of a cluster, the first of every machine first.

    Args:
        nodes: As ray.nodes() tells.
        gpu: One worker per GPU; else one per CPU, or per group of CPUs where
            memory is short.
    """
    found = []
    for node in nodes:
        if not node["Alive"]:
            continue
        cpus = int(node["Resources"].get("CPU", 0))
        gpus = int(node["Resources"].get("GPU", 0))
        memory = node["Resources"].get("memory", cpus * WORKER_BYTES)
        count = gpus if gpu else min(cpus, max(1, int(memory // WORKER_BYTES)))
        for index in range(count):
            share = min(GPU_CPUS, cpus // count) if gpu else cpus // count
            host = node["NodeManagerHostname"]
            found.append(Slot(node["NodeID"], host, index, share, 1 if gpu else 0))
    return sorted(found, key=lambda slot: (slot.index, slot.node))
