"""Stands in for Ray: its actors are objects of this process that fail on request."""

import dataclasses
from types import SimpleNamespace
from typing import Any

from rtwin.dataset.cluster.plan import WORKER_BYTES


def node(name, cpus, gpus=0, alive=True, memory=64 * WORKER_BYTES):
    resources = {key: n for key, n in (("CPU", float(cpus)), ("GPU", float(gpus))) if n}
    resources["memory"] = float(memory)
    return {"NodeID": name, "NodeManagerHostname": name, "Alive": alive, "Resources": resources}


class FakeRay:
    """As much of Ray as a run needs; `script` says what goes wrong.

    Args:
        script: Called with node, method and how often it was called there; may raise.
    """

    class RayError(Exception):
        pass

    class RayTaskError(RayError):
        def __init__(self, cause):
            super().__init__("a traceback\nof many lines")
            self.cause = cause

    def __init__(self, nodes, script=lambda node, method, times: None):
        self._nodes, self._script = nodes, script
        self.frozen, self.head = set(), "127.0.0.1:0"
        self.calls, self.killed, self.in_flight, self.most_in_flight = {}, 0, {}, {}
        self.exceptions = SimpleNamespace(RayError=self.RayError, RayTaskError=self.RayTaskError)
        strategy = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = SimpleNamespace(scheduling_strategies=strategy)

    def is_initialized(self):
        return True

    def get_runtime_context(self):
        return SimpleNamespace(gcs_address=self.head)

    def nodes(self):
        return self._nodes() if callable(self._nodes) else self._nodes

    def put(self, value):
        return value

    def remote(self, kind):
        return SimpleNamespace(
            options=lambda num_cpus, num_gpus, scheduling_strategy: SimpleNamespace(
                remote=lambda: FakeActor(self, kind(), scheduling_strategy)
            )
        )

    def wait(self, references, timeout, fetch_local):
        assert references
        answered = [r for r in references if r.actor.node not in self.frozen]
        return answered[:1], answered[1:]

    def get(self, reference):
        actor, name, arguments = reference.actor, reference.name, reference.arguments
        if name == "trace":
            self.in_flight[actor] -= 1
        times = self.calls[actor.node, name] = self.calls.get((actor.node, name), 0) + 1
        changed = self._script(actor.node, name, times)
        try:
            answer = getattr(actor.worker, name)(*arguments)
        except Exception as error:
            raise self.RayTaskError(error) from error
        return answer if changed is None else changed(answer)

    def kill(self, actor):
        self.killed += 1


@dataclasses.dataclass(eq=False)
class SimpleReference:
    actor: Any
    name: str
    arguments: tuple


class FakeActor:
    def __init__(self, ray, worker, node):
        self.ray, self.worker, self.node = ray, worker, node
        ray.in_flight[self] = 0

    def __getattr__(self, name):
        def remote(*arguments):
            if name == "trace":
                now = self.ray.in_flight[self] = self.ray.in_flight[self] + 1
                self.ray.most_in_flight[self] = max(now, self.ray.most_in_flight.get(self, 0))
            return SimpleReference(self, name, arguments)

        return SimpleNamespace(remote=remote)
