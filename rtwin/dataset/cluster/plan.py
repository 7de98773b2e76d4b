"""Who may work where. Nothing here needs Ray."""

from dataclasses import dataclass
from typing import Any

# Workers of one CPU trace the most: half of a shard's time is NumPy on one thread.
# But each holds an engine, a scene and a shard.
WORKER_BYTES = 2**30
GPU_CPUS = 4  # at most, beside a GPU


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
