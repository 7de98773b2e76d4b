"""The door to path tracing: transmitters are discovered once, receivers connected in any batch.

    discover chains -> images -> connect receivers -> refine -> evaluate fields

A batch of receivers gives the same bits as its receivers one by one: every
(chain, receiver) pair is computed by itself, there is no shared table to run
full, and paths leave in an order that depends on their geometry alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import PathSet
from rtwin.scene import Receivers
from rtwin.trace.chains import ChainTable, discover
from rtwin.trace.connect import connect
from rtwin.trace.fields import End, coefficients, receiver_end, refine, transmitter_ends
from rtwin.trace.foliage import attenuated, vegetation_loss_db
from rtwin.trace.images import ChainImages, chain_images
from rtwin.trace.scatter import ScatteredRays, scattered_paths, shoot_scattered
from rtwin.trace.table import PathTable
from rtwin.trace.wedges import edges_of_wedges
from rtwin.trace.world import World
from rtwin.units import SPEED_OF_LIGHT_M_S, azimuth_zenith, wavelength_m

SAME_PATH_M = 0.01


@dataclass(frozen=True)
class TracedPaths:
    """Paths of a batch of receivers, sorted by receiver, transmitter, delay.

    Depth counts from the transmitter; unused depths hold 0 in `interactions`,
    NO_TRIANGLE in `triangle` and NaN in `vertex_m`.
    """

    num_paths: NDArray[np.int64]  # [link], link = receiver * num_tx + transmitter
    a: NDArray[np.complex64]  # [path, rx_pol, tx_pol], without the carrier phase
    delay_s: NDArray[np.float64]  # [path]
    aod_azimuth: NDArray[np.float64]  # [path] rad
    aod_zenith: NDArray[np.float64]
    aoa_azimuth: NDArray[np.float64]
    aoa_zenith: NDArray[np.float64]
    doppler_hz: NDArray[np.float64]  # [path]
    interactions: NDArray[np.uint8]  # [path, depth]
    triangle: NDArray[np.uint32]  # [path, depth]
    edge: NDArray[np.uint8]  # [path], which edge of its triangle diffracts; NO_EDGE
    vertex_m: NDArray[np.float32]  # [path, depth, 3]
    vegetation_loss_db: NDArray[np.float64]  # [path], part of `a`

    def path_set(self, frequency_hz: float) -> PathSet:
        """What channels are computed from."""
        shared = [field.name for field in fields(PathSet) if field.name != "frequency_hz"]
        return PathSet(**{n: getattr(self, n) for n in shared}, frequency_hz=frequency_hz)


@dataclass(frozen=True)
class Tracer:
    """A world with everything that its transmitters can be asked before receivers are known."""

    world: World

    @cached_property
    def transmitters(self) -> list[End]:
        return transmitter_ends(self.world.recipe)

    @cached_property
    def chains(self) -> list[ChainTable]:
        """Chains of each transmitter."""
        recipe = self.world.recipe
        return [
            discover(self.world, end.position_m[0], recipe.solver, recipe.seed)
            for end in self.transmitters
        ]

    @cached_property
    def images(self) -> list[list[ChainImages]]:
        return [
            chain_images(self.world, chains, end.position_m[0])
            for chains, end in zip(self.chains, self.transmitters, strict=True)
        ]

    @cached_property
    def scattered_rays(self) -> list[ScatteredRays]:
        recipe = self.world.recipe
        return [
            shoot_scattered(self.world, end.position_m[0], recipe.solver, recipe.seed)
            for end in self.transmitters
        ]

    def trace(
        self, receivers: Receivers, transmitter_done: Callable[[], None] = lambda: None
    ) -> TracedPaths:
        """All paths between every transmitter and a batch of receivers."""
        recipe, solver = self.world.recipe, self.world.recipe.solver
        rx_end = receiver_end(recipe, receivers)
        batches = []
        for number, tx in enumerate(self.transmitters):
            source = tx.position_m[0]
            table = connect(self.world, self.images[number], receivers.position_m, solver)
            table = refine(self.world, table, source, receivers.position_m, solver)
            table = _without_repeats(table)
            a, doppler = coefficients(self.world, table, tx, rx_end, diffraction=solver.diffraction)
            batches.append((number, table, a, doppler))
            if solver.diffuse_reflection:
                table = scattered_paths(
                    self.world, self.scattered_rays[number], receivers.position_m
                )
                a, doppler = coefficients(
                    self.world, table, tx, rx_end, diffraction=False,
                    samples_per_source=solver.diffuse_rays,
                )  # fmt: skip
                batches.append((number, table, a, doppler))
            transmitter_done()
        return self._sorted(batches, receivers)

    def _sorted(
        self,
        batches: list[tuple[int, PathTable, NDArray[np.complex64], NDArray[np.float32]]],
        receivers: Receivers,
    ) -> TracedPaths:
        num_tx = len(self.transmitters)
        tx = np.concatenate([np.full(len(table), number) for number, table, _, _ in batches])
        rx = np.concatenate([table.receiver for _, table, _, _ in batches])
        kind = np.concatenate([table.kind for _, table, _, _ in batches])
        triangle = np.concatenate([table.triangle for _, table, _, _ in batches])
        vertex = np.concatenate([table.vertex for _, table, _, _ in batches])
        edge = np.concatenate([edges_of_wedges(self.world, t.wedge) for _, t, _, _ in batches])
        a = np.concatenate([a for _, _, a, _ in batches])
        moving = np.concatenate([doppler for _, _, _, doppler in batches])
        vertex = np.where((kind != 0)[..., None], vertex, np.float32(np.nan))

        tx_m = np.concatenate([end.position_m for end in self.transmitters])[tx]
        rx_m = receivers.position_m[rx]
        length, departure, arrival = path_ends(kind, vertex, tx_m, rx_m)
        specs = self.world.recipe.transmitter
        tx_velocity = np.array([spec.velocity_m_s for spec in specs], np.float64)[tx]
        rx_velocity = receivers.velocity_m_s[rx]
        shift = shift_by_ends_hz(
            departure, arrival, tx_velocity, rx_velocity, self.world.recipe.frequency_hz
        )
        loss = vegetation_loss_db(self.world, kind, vertex, tx_m, rx_m)
        aod_azimuth, aod_zenith = azimuth_zenith(departure)
        aoa_azimuth, aoa_zenith = azimuth_zenith(arrival)

        link = rx * num_tx + tx
        order = np.lexsort((*triangle.T[::-1], *kind.T[::-1], length, link))
        return TracedPaths(
            num_paths=np.bincount(link, minlength=len(receivers.position_m) * num_tx),
            a=attenuated(a, loss)[order],
            delay_s=(length / SPEED_OF_LIGHT_M_S)[order],
            aod_azimuth=aod_azimuth[order],
            aod_zenith=aod_zenith[order],
            aoa_azimuth=aoa_azimuth[order],
            aoa_zenith=aoa_zenith[order],
            doppler_hz=(shift + moving)[order],
            interactions=kind[order],
            triangle=triangle[order],
            edge=edge[order],
            vertex_m=vertex[order],
            vegetation_loss_db=loss[order],
        )


def shift_by_ends_hz(
    departure: NDArray[np.float64],
    arrival: NDArray[np.float64],
    tx_velocity_m_s: NDArray[np.float64],
    rx_velocity_m_s: NDArray[np.float64],
    frequency_hz: float,
) -> NDArray[np.float64]:
    """Doppler shift [Hz] that moving ends cause, [path]; all directions point away from the end."""
    closing = np.einsum("pi,pi->p", departure, tx_velocity_m_s)
    closing += np.einsum("pi,pi->p", arrival, rx_velocity_m_s)
    return closing / wavelength_m(frequency_hz)


def path_ends(
    kind: NDArray[np.uint8],
    vertex: NDArray[np.float32],
    tx_m: NDArray[np.float64],
    rx_m: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
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


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _without_repeats(table: PathTable) -> PathTable:
    """The table with each path once.

    Two chains lead to one path where a plane has two numbers (rounding, faces
    that lie on each other). Paths of a link are the same if they do the same
    things at the same places; of those the one with the lowest triangles stays.
    """
    if len(table) == 0:
        return table
    first = np.where(table.kind[:, 0] != 0, table.vertex[:, 0].astype(np.float64).sum(axis=1), 0.0)
    order = np.lexsort((*table.triangle.T[::-1], first, *table.kind.T[::-1], table.receiver))
    table = table.take(order)
    filled = (table.kind != 0)[..., None]
    place = np.where(filled, table.vertex, np.float32(0))
    repeat = np.zeros(len(table), bool)
    # Neighbours in this order; a path may lie between two that are the same.
    for step in (1, 2, 3):
        same = (
            (table.receiver[step:] == table.receiver[:-step])
            & (table.kind[step:] == table.kind[:-step]).all(axis=1)
            & (np.abs(place[step:] - place[:-step]) < SAME_PATH_M).all(axis=(1, 2))
        )
        repeat[step:] |= same & ~repeat[:-step]
    return table.take(np.flatnonzero(~repeat))
