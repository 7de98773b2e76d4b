"""What slices earn in a tile whose shares are decided on its twin."""

import numpy as np

from rtwin.arrays import Floats
from rtwin.dataset import LinkTrace, SampleSettings, sample_map
from rtwin.deployment.tiles.city import Tile, TileStudy
from rtwin.experiments import (
    Optimised,
    SimulatorSettings,
    SlicedNetwork,
    StaticShares,
    make_slices,
    run_episode,
)
from rtwin.experiments.beliefs import USERS
from rtwin.experiments.network import Policy
from rtwin.experiments.worlds import with_gain
from rtwin.scene import Tracks

_SECONDS, _STEP_S, _EPOCH_S = 5.0, 0.5, 0.5


class Served:
    """Users of a tile in a slot, and what decisions for them earn.

    Args:
        study: What is asked.
        tile: In motion.
        slot: When.
        seed: Of ways and traffic.
    """

    def __init__(self, study: TileStudy, tile: Tile, slot: int, seed: tuple[int, ...]) -> None:
        self.tile, self.seed = tile, seed
        self.tracks = _walk(tile, sum(USERS.values()), np.random.default_rng(seed))
        self.slices = make_slices(USERS)
        self.truth = self._trace(tile.truth(slot))

    def _trace(self, gain: Floats) -> LinkTrace:
        settings = SampleSettings(bandwidth_hz=100e6, line_of_sight=False)
        return sample_map(with_gain(self.tile.template, gain), self.tracks, settings)

    def earned(self, gain: Floats, error_db: float) -> float:
        """Reward of an epoch where shares are decided on a map with an error."""
        return self._run(Optimised(), self._trace(gain), error_db)

    def best(self) -> float:
        """The same where the world itself is known."""
        return self._run(Optimised(), self.truth, 0.0)

    def blind(self) -> float:
        """Reward of constant shares."""
        return self._run(StaticShares(), self.truth, 0.0)

    def _run(self, policy: Policy, trace: LinkTrace, error_db: float) -> float:
        settings = SimulatorSettings(epoch_s=_EPOCH_S)
        network = SlicedNetwork(self.truth, self.slices, settings, trace, error_db)
        return run_episode(network, policy, sum(self.seed)).reward


def _walk(tile: Tile, users: int, rng: np.random.Generator) -> Tracks:
    """Users who go from cell to neighbouring cell outdoors, or stay."""
    open_to = tile.outdoors & (tile.versions[-1] > 0).any(axis=0)
    cells = np.argwhere(open_to)
    steps = round(_SECONDS / _STEP_S) + 1
    at = cells[rng.integers(len(cells), size=users)]
    place = np.empty((steps, users, 3))
    time_s: Floats = np.arange(steps, dtype=np.float64) * _STEP_S
    moves = np.array([(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)])
    for step in range(steps):
        place[step] = tile.template.cell_centers_m[at[:, 0], at[:, 1]]
        to = np.clip(at + moves[rng.integers(len(moves), size=users)], 0, None)
        to = np.minimum(to, np.array(open_to.shape) - 1)
        # A cell takes three seconds at walking pace: every sixth step moves.
        moving = (rng.uniform(size=users) < 1 / 6) & open_to[to[:, 0], to[:, 1]]
        at = np.where(moving[:, None], to, at)
    return Tracks(time_s, tuple(f"ue{n}" for n in range(users)), place)
