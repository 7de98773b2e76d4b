"""What a trace of one transmitter found, in numbers that outlive the engine.

Sionna's numbers of shapes and wedges are gone when a scene is; rtwin's triangles
and edges stay. Paths that were found twice are kept and marked, so that a trace
can go on from here (rtwin.trace.paths.partial) as if it had never stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Bytes, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType, PathSet
from rtwin.scene import Receivers, Recipe
from rtwin.trace.chains.chain_table import ChainTable
from rtwin.trace.chains.wedges import edges_of_wedges, first_faces
from rtwin.trace.world import World
from rtwin.units import SPEED_OF_LIGHT_M_S, azimuth_zenith, wavelength_m

SAME_PATH_M = 0.01
NO_CHAIN = -1  # of scattered paths


@dataclass(frozen=True)
class TracedPaths:
    """Paths of a batch of receivers, sorted by receiver, transmitter, delay.

    Depth counts from the transmitter; unused depths hold 0 in `interactions`,
    NO_TRIANGLE in `triangle` and NaN in `vertex_m`.
    """

    num_paths: Ints  # [link], link = receiver * num_tx + transmitter
    a: NDArray[np.complex64]  # [path, rx_pol, tx_pol], without the carrier phase
    delay_s: Floats  # [path]
    aod_azimuth: Floats  # [path] rad
    aod_zenith: Floats
    aoa_azimuth: Floats
    aoa_zenith: Floats
    doppler_hz: Floats  # [path]
    interactions: Bytes  # [path, depth]
    triangle: Unsigned  # [path, depth]
    edge: Bytes  # [path], which edge of its triangle diffracts; NO_EDGE
    vertex_m: Singles  # [path, depth, 3]
    vegetation_loss_db: Floats  # [path], part of `a`

    def path_set(self, frequency_hz: float) -> PathSet:
        """What channels are computed from."""
        shared = [field.name for field in fields(PathSet) if field.name != "frequency_hz"]
        return PathSet(**{n: getattr(self, n) for n in shared}, frequency_hz=frequency_hz)


@dataclass(frozen=True)
class StoredChains:
    """A ChainTable without the engine's numbers; row 0 is the empty chain."""

    parent: Ints  # [chain], always an earlier row; -1 for row 0
    length: Ints  # [chain]
    triangle: Unsigned  # [chain], of the last element; of an edge its first face
    edge: Bytes  # [chain], as wedges.edges_of_wedges names it; NO_EDGE for planes

    def __len__(self) -> int:
        return len(self.parent)


def stored_chains(world: World, chains: ChainTable) -> StoredChains:
    """The chains of a world in numbers that outlive the engine."""
    is_edge = chains.kind == InteractionType.DIFFRACTION
    first = first_faces(world, chains.wedge)
    return StoredChains(
        parent=chains.parent,
        length=chains.length,
        triangle=np.where(is_edge, first, chains.triangle).astype(np.uint32),
        edge=edges_of_wedges(world, chains.wedge),
    )


@dataclass(frozen=True)
class TransmitterTrace:
    """Chains of one transmitter and all its paths to the receivers of a list.

    Sorted by receiver; `triangle` and `vertex_m` as in TracedPaths.
    """

    chains: StoredChains
    receiver: Ints  # [path], row of the receivers
    chain: Ints  # [path], row of the chains; NO_CHAIN of scattered paths
    interactions: Bytes  # [path, depth]
    triangle: Unsigned  # [path, depth]
    edge: Bytes  # [path]
    vertex_m: Singles  # [path, depth, 3]
    is_repeat: Bools  # [path], found by another chain as well: counts once
    a: NDArray[np.complex64]  # [path, rx_pol, tx_pol]; 0 for repeats
    doppler_hz: Floats  # [path]
    vegetation_loss_db: Floats  # [path], part of `a`

    def __len__(self) -> int:
        return len(self.receiver)

    def take(self, rows: NDArray[Any] | slice) -> "TransmitterTrace":
        """Some of the paths; all chains."""
        return replace(self, **{n: getattr(self, n)[rows] for n in PATH_COLUMNS})

    @staticmethod
    def concatenate(traces: "Sequence[TransmitterTrace]") -> "TransmitterTrace":
        """Paths of several traces of the same chains."""
        columns = {n: np.concatenate([getattr(t, n) for t in traces]) for n in PATH_COLUMNS}
        return TransmitterTrace(traces[0].chains, **columns)


PATH_COLUMNS = tuple(f.name for f in fields(TransmitterTrace) if f.name != "chains")


def traced_paths(
    recipe: Recipe,
    receivers: Receivers,
    traces: Sequence[TransmitterTrace],
    transmitters: Sequence[int] | None = None,
) -> TracedPaths:
    """The paths of all transmitters, each once, sorted by receiver, transmitter, delay.

    Args:
        receivers: Those that the traces count.
        traces: One for each transmitter asked for.
        transmitters: Their rows in the recipe; default: all.
    """
    asked = range(len(recipe.transmitter)) if transmitters is None else transmitters
    devices = [recipe.transmitter[number] for number in asked]
    once = [trace.take(~trace.is_repeat) for trace in traces]
    columns = {n: np.concatenate([getattr(t, n) for t in once]) for n in PATH_COLUMNS}
    tx = np.repeat(np.arange(len(once)), [len(trace) for trace in once])
    rx, kind, triangle = columns["receiver"], columns["interactions"], columns["triangle"]
    tx_m = np.array([device.position_m for device in devices], np.float64)[tx]
    length, departure, arrival = path_ends(
        kind, columns["vertex_m"], tx_m, receivers.position_m[rx]
    )
    aod_azimuth, aod_zenith = azimuth_zenith(departure)
    aoa_azimuth, aoa_zenith = azimuth_zenith(arrival)
    link = rx * len(once) + tx
    order = np.lexsort((*triangle.T[::-1], *kind.T[::-1], length, link))
    names = (
        "a",
        "doppler_hz",
        "interactions",
        "triangle",
        "edge",
        "vertex_m",
        "vegetation_loss_db",
    )
    return TracedPaths(
        num_paths=np.bincount(link, minlength=len(receivers.position_m) * len(once)),
        delay_s=(length / SPEED_OF_LIGHT_M_S)[order],
        aod_azimuth=aod_azimuth[order],
        aod_zenith=aod_zenith[order],
        aoa_azimuth=aoa_azimuth[order],
        aoa_zenith=aoa_zenith[order],
        **{name: columns[name][order] for name in names},
    )


def shift_by_ends_hz(
    departure: Floats,
    arrival: Floats,
    tx_velocity_m_s: Floats,
    rx_velocity_m_s: Floats,
    frequency_hz: float,
) -> Floats:
    """Doppler shift [Hz] that moving ends cause, [path]; all directions point away from the end."""
    closing = np.einsum("pi,pi->p", departure, tx_velocity_m_s)
    closing += np.einsum("pi,pi->p", arrival, rx_velocity_m_s)
    return closing / wavelength_m(frequency_hz)


def path_ends(
    kind: Bytes, vertex: Singles, tx_m: Floats, rx_m: Floats
) -> tuple[Floats, Floats, Floats]:
    """Length [m] of each path, and unit vectors of departure and of arrival (looking back).

    In double precision: at 28 GHz a kilometre in single precision is off by
    several degrees of carrier phase.
    """
    count = np.count_nonzero(kind, axis=1)
    length = np.zeros(len(kind))
    current = tx_m
    departure = rx_m - tx_m
    for depth in range(kind.shape[1]):
        on = depth < count
        following = np.where(on[:, None], vertex[:, depth].astype(np.float64), current)
        if depth == 0:
            departure = np.where(on[:, None], following - tx_m, departure)
        length += np.linalg.norm(following - current, axis=1)
        current = following
    arrival = current - rx_m
    length += np.linalg.norm(arrival, axis=1)
    return length, _unit(departure), _unit(arrival)


def _unit(vector: Floats) -> Floats:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def sorted_repeats(
    receiver: Ints, kind: Bytes, triangle: Unsigned, vertex_m: Singles
) -> tuple[Ints, Bools]:
    """Paths in order of receiver and kind, and which of them, in this order, are repeats.

    Two chains lead to one path where a plane has two numbers (rounding, faces
    that lie on each other). Paths of a link are the same if they do the same
    things at the same places; of those the one with the lowest triangles stays.
    """
    place = np.where((kind != 0)[..., None], vertex_m, np.float32(0))
    first = place[:, 0].astype(np.float64).sum(axis=1)
    order = np.lexsort((*triangle.T[::-1], first, *kind.T[::-1], receiver))
    receiver, kind, place = receiver[order], kind[order], place[order]
    repeat = np.zeros(len(order), bool)
    # Neighbours in this order; a path may lie between two that are the same.
    for step in (1, 2, 3):
        same = (
            (receiver[step:] == receiver[:-step])
            & (kind[step:] == kind[:-step]).all(axis=1)
            & (np.abs(place[step:] - place[:-step]) < SAME_PATH_M).all(axis=(1, 2))
        )
        repeat[step:] |= same & ~repeat[:-step]
    return order, repeat
