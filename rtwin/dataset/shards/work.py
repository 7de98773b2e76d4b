"""What a run traces shard by shard, whoever traces it: a dataset, a map, a twin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtwin.dataset.shards.links import part
from rtwin.scene import Receivers
from rtwin.trace import SceneParts, Tracer, World

Shard = dict[str, Any]  # values of variables, by name
# What is kept of a batch of receivers; workers are told the function's name, so that it is one
# of a module. It calls back when a transmitter is done.
Keep = Callable[[Tracer, Receivers, Callable[[], None]], Shard]


@dataclass(frozen=True, eq=False)
class Work:
    """A scene, the receivers of all shards, and what is kept of each shard."""

    world: World
    parts: SceneParts  # of the world: workers load it from these
    receivers: Receivers
    ranges: list[tuple[int, int]]  # first and last-plus-one receiver of each shard
    keep: Keep

    @property
    def steps_per_shard(self) -> int:
        """What a progress bar counts: transmitters."""
        return len(self.world.recipe.transmitter)

    def batch(self, number: int) -> Receivers:
        """The receivers of one shard; `candidate` still says which they are."""
        return part(self.receivers, *self.ranges[number])
