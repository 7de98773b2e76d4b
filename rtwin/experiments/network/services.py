"""Services that slices carry: how their traffic comes, and what they promise.

A user of a service gets bursts (video frames, segments, files, packets) of a
mean size, either at a fixed beat or at random. Every burst must be through
within the service's latency budget; what is late is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.experiments.network.cells import sums

SMALLEST, LARGEST = 0.5, 1.5  # of the mean size of a burst, where sizes vary


@dataclass(frozen=True)
class Service:
    """What one user of a service sends and needs.

    Attributes:
        name: Name of the service.
        burst_bits: Mean size of a burst [bit].
        interval_s: Mean time between bursts [s].
        is_periodic: Whether bursts come at a fixed beat, from a random phase
            on, or at random (Poisson).
        spread: Standard deviation of the size of a burst over its mean;
            sizes are Gaussian and cut to half to one and a half times the mean.
        latency_s: Budget of a bit from its arrival to its delivery [s].
        reliability: Share of the bits that must be delivered in time.
        recorded: Bursts of a recording, (time [s], bits) each, over a time that begins at 0;
            repeated from a random time on. Where there are some, burst and interval are the
            means that policies plan with.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    name: str
    burst_bits: float
    interval_s: float
    is_periodic: bool
    spread: float
    latency_s: float
    reliability: float
    recorded: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for name in ("burst_bits", "interval_s", "latency_s"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise OutOfRangeError(
                    f"{name} of service {self.name!r} is {getattr(self, name)}; must be above 0"
                )
        if not (0 <= self.spread < 1 and 0 < self.reliability <= 1):
            raise OutOfRangeError(
                f"service {self.name!r} has spread {self.spread} and reliability "
                f"{self.reliability}; they must be in [0, 1) and (0, 1]"
            )

    @property
    def rate_mbps(self) -> float:
        """Mean rate of one user [Mbit/s]."""
        return self.burst_bits / self.interval_s / 1e6

    @property
    def peak_mbps(self) -> float:
        """Rate that brings a mean burst through in its budget [Mbit/s]; at least the mean rate."""
        return max(self.burst_bits / self.latency_s / 1e6, self.rate_mbps)


def _frames(name: str, rate_mbps: float, fps: float, latency_s: float, success: float) -> Service:
    # Sizes of video frames: 3GPP TR 38.838, clause 5.1: std 10.5 %, 50 to 150 %.
    return Service(name, rate_mbps * 1e6 / fps, 1.0 / fps, True, 0.105, latency_s, success)


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        # Segments of one second at 2.5 Mbit/s; the next must be there when one is played.
        Service("short_video", 2.5e6, 1.0, True, 0.3, 1.0, 0.95),
        # 3GPP TR 38.838: virtual reality, 30 Mbit/s at 60 frames a second, 10 ms, 99 %.
        _frames("vr", 30.0, 60.0, 0.010, 0.99),
        # Compressed point clouds, 60 Mbit/s at 30 frames a second: own choice, at the low end
        # of what ITU-T FG NET-2030 names for holographic communication.
        _frames("holographic", 60.0, 30.0, 0.020, 0.99),
        # Files of 0.5 MB at random: 3GPP TR 36.814, FTP model 3; two in a second.
        Service("embb", 4e6, 0.5, False, 0.0, 1.0, 0.95),
        # 3GPP TR 38.824: power distribution, 250 bytes; the beat is ours.
        Service("urllc", 2e3, 0.010, True, 0.0, 0.005, 0.999),
        # Reports of 200 bytes at random; own choice.
        Service("mmtc", 1.6e3, 2.0, False, 0.0, 1.0, 0.99),
    )
}


@dataclass(frozen=True)
class Slice:
    """A share of the network: its service, its users, and what a breach of its promise weighs.

    Raises:
        OutOfRangeError: if there are no users or the weight is negative.
    """

    service: Service
    num_ues: int
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.num_ues < 1 or not (np.isfinite(self.weight) and self.weight >= 0):
            raise OutOfRangeError(
                f"slice {self.service.name!r} has {self.num_ues} users and weight {self.weight}; "
                "there must be at least one user and a weight of 0 or more"
            )


def make_slices(
    users: Mapping[str, int], services: Mapping[str, Service] | None = None
) -> tuple[Slice, ...]:
    """Slices from names of services and their numbers of users, in that order.

    Args:
        users: Number of users of each service.
        services: Further services by name; one of SERVICES' names replaces it.
    Raises:
        OutOfRangeError: if there is no service of a name; the known ones are listed.
    """
    known = SERVICES | dict(services or {})
    for name in users:
        if name not in known:
            raise OutOfRangeError(f"service is {name!r}; there are {', '.join(known)}")
    return tuple(Slice(known[name], count) for name, count in users.items())


class Traffic:
    """Arrivals of all users, piece by piece.

    Args:
        services: Service of each user, [ue].
        slot_s: Length of a slot [s].
        rng: Draws phases, times and sizes.
    Checked by tests/experiments/network/test_services.py.
    """

    def __init__(self, services: Sequence[Service], slot_s: float, rng: np.random.Generator):
        self._rng = rng
        self._slot_s = slot_s
        self._interval = np.array([s.interval_s for s in services]) / slot_s
        self._bits = np.array([s.burst_bits for s in services])
        self._spread = np.array([s.spread for s in services])
        self._periodic = np.array([s.is_periodic for s in services])
        # Time of the next beat, in slots from the start of the next piece.
        self._next = rng.random(len(services)) * self._interval
        self._recorded = {
            ue: _Recording(service, slot_s, float(rng.random()))
            for ue, service in enumerate(services)
            if service.recorded
        }
        self._drawn = np.array([not service.recorded for service in services])

    def arrivals(self, num_slots: int) -> Floats:
        """Whole bits that arrive in each of the next slots, [slot, ue]."""
        found = np.zeros((num_slots, len(self._interval)))
        beats = np.where(
            self._periodic & self._drawn, np.ceil((num_slots - self._next) / self._interval), 0.0
        )
        beats = np.maximum(beats, 0.0).astype(np.int64)
        ue = np.repeat(np.arange(len(beats)), beats)
        rank = np.arange(len(ue)) - np.repeat(np.cumsum(beats) - beats, beats)
        slot = (self._next[ue] + rank * self._interval[ue]).astype(np.int64)
        np.add.at(found, (np.minimum(slot, num_slots - 1), ue), self._sizes(ue))
        self._next += beats * self._interval - np.where(self._periodic, num_slots, 0.0)
        chance = np.flatnonzero(~self._periodic & self._drawn)
        counts = self._rng.poisson(1.0 / self._interval[chance], (num_slots, len(chance)))
        slots, column = np.nonzero(counts)
        times = counts[slots, column]
        slots, ue = np.repeat(slots, times), np.repeat(chance[column], times)
        np.add.at(found, (slots, ue), self._sizes(ue))
        for row, recording in self._recorded.items():
            found[:, row] = recording.arrivals(num_slots)
        return found

    def _sizes(self, ue: Ints) -> Floats:
        share = 1.0 + self._spread[ue] * self._rng.standard_normal(len(ue))
        return np.rint(self._bits[ue] * np.clip(share, SMALLEST, LARGEST))


class _Recording:
    """Recorded bursts of one user, over and over, from some time on."""

    def __init__(self, service: Service, slot_s: float, start: float) -> None:
        time_s, bits = np.array(service.recorded, np.float64).T
        # A recording lasts as long as its bursts at the mean interval do.
        self._size = max(1, round(len(time_s) * service.interval_s / slot_s))
        slot = np.minimum((time_s / slot_s).astype(np.int64), self._size - 1)
        self._bits = np.rint(sums(slot, bits, self._size))
        self._at = int(start * self._size)

    def arrivals(self, num_slots: int) -> Floats:
        rows = (self._at + np.arange(num_slots)) % self._size
        self._at = (self._at + num_slots) % self._size
        return self._bits[rows]
