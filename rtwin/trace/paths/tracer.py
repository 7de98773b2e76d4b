"""The door to path tracing: transmitters are discovered once, receivers connected in any batch.

    discover chains -> images -> connect receivers -> refine -> evaluate fields

A batch of receivers gives the same bits as its receivers one by one: every
(chain, receiver) pair is computed by itself, there is no shared table to run
full, and paths leave in an order that depends on their geometry alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.scene import Receivers
from rtwin.trace.chains import (
    NO_CHAIN,
    ChainImages,
    ChainTable,
    PathTable,
    StoredChains,
    TracedPaths,
    TransmitterTrace,
    chain_images,
    discover,
    edges_of_wedges,
    path_ends,
    shift_by_ends_hz,
    sorted_repeats,
    stored_chains,
    traced_paths,
)
from rtwin.trace.fields import (
    End,
    attenuated,
    coefficients,
    receiver_end,
    refine,
    transmitter_ends,
    vegetation_loss_db,
)
from rtwin.trace.paths.connect import connect
from rtwin.trace.paths.scatter import ScatteredRays, scattered_paths, shoot_scattered
from rtwin.trace.paths.strings import paths_over_edges
from rtwin.trace.world import World


@dataclass(frozen=True)
class Source:
    """A transmitter (row of the recipe) with everything that it can be asked before receivers."""

    world: World
    number: int

    @cached_property
    def end(self) -> End:
        return transmitter_ends(self.world.recipe)[self.number]

    @property
    def position_m(self) -> Floats:
        """Where it stands [m], [3]."""
        return self.end.position_m[0]

    @cached_property
    def chains(self) -> ChainTable:
        recipe = self.world.recipe
        return discover(self.world, self.position_m, recipe.solver, recipe.seed)

    @cached_property
    def stored_chains(self) -> StoredChains:
        """The chains in numbers that outlive the engine."""
        return stored_chains(self.world, self.chains)

    @cached_property
    def images(self) -> list[ChainImages]:
        return chain_images(self.world, self.chains, self.position_m)

    @cached_property
    def scattered_rays(self) -> ScatteredRays:
        recipe = self.world.recipe
        return shoot_scattered(self.world, self.position_m, recipe.solver, recipe.seed)


@dataclass(frozen=True)
class Tracer:
    """A world and its transmitters, ready for any receivers."""

    world: World

    @cached_property
    def sources(self) -> list[Source]:
        """The transmitters in the order of the recipe."""
        return [Source(self.world, n) for n in range(len(self.world.recipe.transmitter))]

    def trace(
        self, receivers: Receivers, transmitter_done: Callable[[], None] = lambda: None
    ) -> TracedPaths:
        """All paths between every transmitter and a batch of receivers."""
        traces = []
        for number in range(len(self.sources)):
            traces.append(self.trace_transmitter(number, receivers))
            transmitter_done()
        return traced_paths(self.world.recipe, receivers, traces)

    def trace_transmitter(self, number: int, receivers: Receivers) -> TransmitterTrace:
        """All paths between one transmitter (row of the recipe) and a batch of receivers."""
        solver, source = self.world.recipe.solver, self.sources[number]
        table = connect(self.world, source.images, receivers.position_m, solver)
        table = refine(self.world, table, source.position_m, receivers.position_m, solver)
        table = PathTable.concatenate([table, self.over_edges(number, receivers)])
        order, repeat = sorted_repeats(table.receiver, table.kind, table.triangle, table.vertex)
        found = self.evaluated(
            number, receivers, table.take(order), repeat, diffraction=solver.diffraction
        )
        if not solver.diffuse_reflection:
            return found
        return TransmitterTrace.concatenate([found, self.scattered(number, receivers)])

    def over_edges(self, number: int, receivers: Receivers) -> PathTable:
        """Paths of one transmitter over all that stands between it and its receivers."""
        source, solver = self.sources[number], self.world.recipe.solver
        return paths_over_edges(self.world, source.position_m, receivers.position_m, solver)

    def scattered(self, number: int, receivers: Receivers) -> TransmitterTrace:
        """Paths of one transmitter that end in a diffuse reflection."""
        table = scattered_paths(
            self.world, self.sources[number].scattered_rays, receivers.position_m
        )
        samples = self.world.recipe.solver.diffuse_rays
        once = np.zeros(len(table), bool)
        return self.evaluated(number, receivers, table, once, diffraction=False, samples=samples)

    def evaluated(
        self,
        number: int,
        receivers: Receivers,
        table: PathTable,
        is_repeat: Bools,
        *,
        diffraction: bool,
        samples: int = 1,
    ) -> TransmitterTrace:
        """Paths of final geometry with their fields; repeats have none."""
        recipe, source = self.world.recipe, self.sources[number]
        found = self.unevaluated(number, table)
        once = np.flatnonzero(~is_repeat)
        some, some_doppler = coefficients(
            self.world,
            table.take(once),
            source.end,
            receiver_end(recipe, receivers),
            diffraction=diffraction,
            samples_per_source=samples,
        )
        kind, vertex = found.interactions[once], found.vertex_m[once]
        tx_m = np.broadcast_to(source.position_m, (len(once), 3))
        rx_m = receivers.position_m[table.receiver[once]]
        _, departure, arrival = path_ends(kind, vertex, tx_m, rx_m)
        velocity = np.array(recipe.transmitter[number].velocity_m_s, np.float64)
        shift = shift_by_ends_hz(
            departure,
            arrival,
            np.broadcast_to(velocity, (len(once), 3)),
            receivers.velocity_m_s[table.receiver[once]],
            recipe.frequency_hz,
        )
        loss = vegetation_loss_db(self.world, kind, vertex, tx_m, rx_m)
        found.a[once] = attenuated(some, loss)
        found.doppler_hz[once] = shift + some_doppler
        found.vegetation_loss_db[once] = loss
        return replace(found, is_repeat=is_repeat)

    def unevaluated(self, number: int, table: PathTable) -> TransmitterTrace:
        """Paths of final geometry, all marked as repeats: they have no fields yet."""
        num, source = len(table), self.sources[number]
        receiver = self.world.recipe.receivers.antenna
        return TransmitterTrace(
            chains=source.stored_chains,
            receiver=table.receiver,
            chain=np.full(num, NO_CHAIN) if table.chain is None else table.chain,
            interactions=table.kind,
            triangle=table.triangle,
            edge=edges_of_wedges(self.world, table.wedge),
            vertex_m=np.where((table.kind != 0)[..., None], table.vertex, np.nan).astype(
                np.float32
            ),
            is_repeat=np.ones(num, bool),
            a=np.zeros((num, receiver.num_ports, source.end.antenna.num_ports), np.complex64),
            doppler_hz=np.zeros(num),
            vegetation_loss_db=np.zeros(num),
        )
