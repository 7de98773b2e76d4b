"""What learning together costs: bytes near and far, wall clock, processor time.

The definition: a station near its cluster's head is on the edge network, heads and the
cloud are on the core network, and all transfers on one network share it. A station works
through `windows_per_s` windows of an epoch a second, times its own speed. Wall clock is
that of the slowest station of each round and of all transfers one after the other;
processor time is that of all stations and of the cloud together.
"""

from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Floats

WEIGHT_BYTES = 4
VALUE_BYTES = 4


@dataclass(frozen=True)
class Network:
    """Rates of the networks and of the stations.

    Attributes:
        edge_bit_s, core_bit_s: Rates [bit/s].
        windows_per_s: Windows that a station of speed 1 learns in a second.
        cloud_factor: How much faster the cloud is.
        spread: Standard deviation of the logarithm of the stations' speeds.
    """

    edge_bit_s: float = 100e6
    core_bit_s: float = 10e6
    windows_per_s: float = 800.0
    cloud_factor: float = 4.0
    spread: float = 0.6

    def speeds(self, count: int, seed: int) -> Floats:
        """Speeds of stations, [station], lognormal about 1."""
        return np.exp(self.spread * np.random.default_rng([seed, 2]).standard_normal(count))


@dataclass
class Cost:
    """A running account; see the module's definition."""

    network: Network = field(default_factory=Network)
    edge_bytes: float = 0.0
    core_bytes: float = 0.0
    wall_s: float = 0.0
    processor_s: float = 0.0

    def send(self, edge: float = 0.0, core: float = 0.0, *, waits: bool = True) -> None:
        """Bytes sent; `waits` if nothing goes on meanwhile."""
        self.edge_bytes += edge
        self.core_bytes += core
        if waits:
            self.wall_s += 8 * (edge / self.network.edge_bit_s + core / self.network.core_bit_s)

    def learn(self, windows: float, speeds: Floats) -> None:
        """Each of some stations learns from so many windows, all at once."""
        seconds = windows / (self.network.windows_per_s * speeds)
        self.wall_s += float(seconds.max(initial=0.0))
        self.processor_s += float(seconds.sum())

    def learn_in_cloud(self, windows: float) -> None:
        """The cloud learns from so many windows."""
        seconds = windows / (self.network.windows_per_s * self.network.cloud_factor)
        self.wall_s += seconds
        self.processor_s += seconds


def model_bytes(num_weights: int, exchanges: float) -> float:
    """Bytes of so many exchanges of a model, down and up."""
    return 2.0 * exchanges * num_weights * WEIGHT_BYTES
