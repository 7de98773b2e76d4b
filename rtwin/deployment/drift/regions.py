"""Regions whose twins lose touch with the world, and what mappings do about it.

A region's error is a level, 0 to `LEVELS - 1`. It grows by chance, faster while the region is
busy. A mapping costs units of each resource and lowers the level first, then the slot passes.
State s = level + LEVELS * busy.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError

LEVELS = 10
STATES = 2 * LEVELS


@dataclass(frozen=True)
class Mapping:
    """One way to bring a twin up to date.

    Attributes:
        name: none, horizontal, vertical, or a rung of the ladder.
        units: What it costs, of each resource.
        takes_off: Levels that it takes off the error.
        floor: Level below which it cannot bring the error.
    """

    name: str
    units: tuple[int, ...]
    takes_off: int = 0
    floor: int = 0

    def after(self, level: Ints) -> Ints:
        """Levels after the mapping, before the slot passes."""
        return np.minimum(level, np.maximum(level - self.takes_off, self.floor))


# Prototype's figures: an update takes three levels off and never below 1, a rebuild resets.
NONE = Mapping("none", (0,))
HORIZONTAL = Mapping("horizontal", (1,), 3, 1)
VERTICAL = Mapping("vertical", (4,), LEVELS)
MAPPINGS = (NONE, HORIZONTAL, VERTICAL)


@dataclass(frozen=True)
class Region:
    """One region.

    Attributes:
        weight: What an error of it costs; the loss of a slot is weight * level / (LEVELS - 1).
        grows, grows_busy: Chance that the level rises in a slot: by one, while busy by two.
        becomes_busy, becomes_quiet: Chances that a slot ends busy, or quiet.
    """

    weight: float = 1.0
    grows: float = 0.15
    grows_busy: float = 0.7
    becomes_busy: float = 0.1
    becomes_quiet: float = 0.2

    def __post_init__(self) -> None:
        chances = (self.grows, self.grows_busy, self.becomes_busy, self.becomes_quiet)
        if not all(0 <= chance <= 1 for chance in chances) or not 0 <= self.weight < np.inf:
            raise OutOfRangeError(f"{self}: chances are from 0 to 1, and weights 0 or more")

    def loss(self) -> Floats:
        """Of a slot that ends in a state, [state]."""
        level = np.arange(STATES) % LEVELS
        return self.weight * level / (LEVELS - 1)

    def transition(self, mapping: Mapping) -> Floats:
        """Chances [state, next state] of a slot in which a mapping is made."""
        found = np.zeros((STATES, STATES))
        for state in range(STATES):
            busy, level = divmod(state, LEVELS)
            start = int(mapping.after(np.array(level)))
            grows = self.grows_busy if busy else self.grows
            turns = self.becomes_quiet if busy else self.becomes_busy
            for step, chance in ((0, 1 - grows), (1 + busy, grows)):
                end = min(start + step, LEVELS - 1)
                for to, share in ((1 - busy, turns), (busy, 1 - turns)):
                    found[state, end + LEVELS * to] += chance * share
        return found


def drawn_regions(number: int, seed: int = 0) -> tuple[Region, ...]:
    """Regions of unlike weight and drift; weights are from 0.3 to 2."""
    if number < 1:
        raise OutOfRangeError(f"number is {number}, it must be 1 or more")
    rng = np.random.default_rng(seed)
    return tuple(
        Region(
            weight=float(weight),
            grows=float(quiet),
            grows_busy=float(busy),
        )
        for weight, quiet, busy in zip(
            rng.uniform(0.3, 2.0, number),
            rng.uniform(0.05, 0.3, number),
            rng.uniform(0.5, 0.9, number),
            strict=True,
        )
    )


def level_of(state: Ints) -> Ints:
    """Error levels of states."""
    return state % LEVELS


def step(cumulated: Floats, state: Ints, action: Ints, rng: np.random.Generator) -> Ints:
    """States after a slot, drawn.

    Args:
        cumulated: Chances [region, mapping, state, next state], summed over the last.
        state, action: [..., region].
    Returns:
        [..., region].
    """
    rows = cumulated[np.arange(len(cumulated)), action, state]
    return (rng.uniform(size=state.shape)[..., None] > rows[..., :-1]).sum(axis=-1)
