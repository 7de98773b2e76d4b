"""Walking from receivers back to a transmitter along its chains.

All pairs that the images leave over walk at once, one segment of straight line
per step: a pair reaches the next element of its chain, passes through a wall
(one more refraction, while the depth allows it), or dies. The survivors are
candidates; Sionna's image method has the last word on them.
"""

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.scene import Solver
from rtwin.trace.chains import ChainImages, DeviceChains, PathTable, reachable_pairs
from rtwin.trace.paths.walk import Walk
from rtwin.trace.world import World

WALKERS_PER_LAUNCH = 500_000


def connect(
    world: World, groups: list[ChainImages], receivers_m: Floats, solver: Solver
) -> PathTable:
    """Candidate paths from a transmitter to receivers [rx, 3] along all its chains."""
    pairs = [reachable_pairs(world, group, receivers_m) for group in groups]
    return walk_pairs(world, groups, pairs, receivers_m, solver)


def walk_pairs(
    world: World,
    groups: list[ChainImages],
    pairs: list[tuple[Ints, Ints]],
    receivers_m: Floats,
    solver: Solver,
) -> PathTable:
    """Candidate paths of some pairs of chain (row of its group) and receiver."""
    parts = []
    for group, (chain, receiver) in zip(groups, pairs, strict=True):
        chains = DeviceChains(world, group)
        if not (solver.line_of_sight or (solver.refraction and solver.max_depth > 0)):
            direct = group.length[chain] == 0
            chain, receiver = chain[~direct], receiver[~direct]
        for start in range(0, len(chain), WALKERS_PER_LAUNCH):
            block = slice(start, start + WALKERS_PER_LAUNCH)
            table = Walk(chains, chain[block], receiver[block], receivers_m, solver).run()
            # Without line of sight only the paths through walls are wanted.
            if not solver.line_of_sight:
                table = table.take((table.kind != 0).any(axis=1))
            parts.append(table)
    if not parts:
        nobody = np.zeros(0, np.int64)
        return Walk(DeviceChains(world, groups[0]), nobody, nobody, receivers_m, solver).run()
    return PathTable.concatenate(parts)
