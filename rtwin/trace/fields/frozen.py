"""Fields of stored paths again and again: the same geometry under other materials.

What the geometry says is computed once and stays on the device; materials come in as
arrays, so that every evaluation after the first runs compiled code without recording it
again. Powers equal those of `evaluate_paths` with the same materials. Slopes are
differences of powers: Dr.Jit's backward pass through three edges takes a quarter of an
hour to compile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import InteractionType
from rtwin.errors import OutOfRangeError
from rtwin.scene import Material, Receivers
from rtwin.trace.chains import PathTable, TracedPaths, wedges_of_edges
from rtwin.trace.fields.coefficients import (
    End,
    antenna_patterns,
    coefficients,
    receiver_end,
    transmitter_ends,
)
from rtwin.trace.fields.edge_plan import edge_plan, has_own_edges, other_materials
from rtwin.trace.fields.evaluate import without_gaps
from rtwin.trace.fields.exact import with_exact_vertices
from rtwin.trace.fields.transport import Ends, Transport
from rtwin.trace.world import World, set_values
from rtwin.units import from_db

MATERIAL_PARAMETERS = (
    "relative_permittivity",
    "conductivity_s_per_m",
    "thickness_m",
    "scattering_coefficient",
    "xpd_coefficient",
)
Changed = Mapping[str, Material]  # materials in place of the world's own
Values = Mapping[str, Mapping[str, float]]  # material: parameter: value


@dataclass(eq=False)
class FrozenPaths:
    """Stored paths of one transmitter, ready to be evaluated for other materials.

    Make it with `freeze_paths`. The world's materials stay as they are.
    """

    world: World
    num_paths: int
    materials: Bools  # [path, material], which materials each path touches
    foliage: Floats  # [path], share of the power that vegetation leaves
    _power: Callable[[Changed], Floats]  # [path]

    def power(self, values: Values | None = None) -> Floats:
        """Power gain of each path, linear, [path], under some materials.

        Args:
            values: Parameters by material; what is not named has the recipe's value.
        Raises:
            OutOfRangeError: if the scene has no such material, or that no such parameter.
        """
        if not self.num_paths:
            return np.zeros(0)
        changed = {
            name: _changed(self.world, name, parameters)
            for name, parameters in (values or {}).items()
        }
        return self._power(changed) * self.foliage


def _changed(world: World, name: str, parameters: Mapping[str, float]) -> Material:
    unknown = [key for key in parameters if key not in MATERIAL_PARAMETERS]
    if name not in world.materials or unknown:
        which = ".".join([name, *unknown[:1]])
        raise OutOfRangeError(
            f"'{which}' is no material parameter of this scene; materials are "
            f"{', '.join(world.material_names)}, parameters {', '.join(MATERIAL_PARAMETERS)}"
        )
    values: dict[str, Any] = dict(parameters)
    return replace(world.materials[name], **values)


def freeze_paths(
    world: World, receivers: Receivers, paths: TracedPaths, transmitter: int, rows: Ints
) -> FrozenPaths:
    """Bring some stored paths of one transmitter onto the device.

    Args:
        world: The scene they were traced in.
        receivers: The receivers they were traced to.
        paths: What the tracer found; no scattered ones.
        transmitter: Row of the transmitter in the world's recipe.
        rows: Rows of `paths`, all of that transmitter.
    """
    recipe = world.recipe
    num_tx = len(recipe.transmitter)
    link = np.repeat(np.arange(len(paths.num_paths)), paths.num_paths)[rows]
    if (link % num_tx != transmitter).any():
        raise OutOfRangeError(f"rows hold paths of other transmitters than number {transmitter}")
    kind, triangle = paths.interactions[rows], paths.triangle[rows]
    if (kind == InteractionType.DIFFUSE).any():
        raise OutOfRangeError("scattered paths cannot be frozen: materials decide which exist")
    diffracts = kind == InteractionType.DIFFRACTION
    first = np.take_along_axis(triangle, diffracts.argmax(axis=1)[:, None], axis=1)[:, 0]
    first = np.where(diffracts.any(axis=1), first, 0).astype(np.uint32)
    table = PathTable(
        receiver=link // num_tx,
        kind=kind,
        triangle=triangle,
        vertex=without_gaps(kind, paths.vertex_m[rows]),
        wedge=wedges_of_edges(world, first, paths.edge[rows]),
    )
    end, rx_end = transmitter_ends(recipe)[transmitter], receiver_end(recipe, receivers)
    source_m = np.broadcast_to(end.position_m, (len(table), 3))
    table = with_exact_vertices(world, table, source_m, rx_end.position_m)
    used = kind != 0
    material = world.triangles.material[np.where(used, triangle, 0)]
    touches = np.zeros((len(rows), len(world.material_names)), bool)
    for depth in range(kind.shape[1]):
        hit = np.flatnonzero(used[:, depth])
        touches[hit, material[hit, depth]] = True
    if not len(rows):
        power: Callable[[Changed], Floats] = _nothing
    elif diffracts.any() and not has_own_edges(world, kind).any():
        power = partial(_engine_power, world, table, end, rx_end)
    else:
        tx_m = np.broadcast_to(end.position_m, (len(rows), 3))
        rx_m = rx_end.position_m[table.receiver]
        plan = edge_plan(world, kind, triangle, table.vertex, tx_m, rx_m)
        other = other_materials(world, plan)
        path, place, face = np.nonzero(other >= 0)
        touches[path, other[path, place, face]] = True
        turned = np.broadcast_to(end.orientation_rad, (len(rows), 3))
        power = Transport(
            world,
            table,
            plan,
            Ends(tx_m, turned, antenna_patterns(world, end.antenna)),
            Ends(
                rx_m,
                rx_end.orientation_rad[table.receiver],
                antenna_patterns(world, rx_end.antenna),
            ),
        ).power
    return FrozenPaths(
        world=world,
        num_paths=len(rows),
        materials=touches,
        foliage=from_db(-paths.vegetation_loss_db[rows].astype(np.float64)),
        _power=power,
    )


def _nothing(_: Changed) -> Floats:
    return np.zeros(0)


def _engine_power(world: World, table: PathTable, tx: End, rx: End, changed: Changed) -> Floats:
    """Powers as the engine's own coefficient of edges has them, through its materials."""
    for name, material in changed.items():
        set_values(world.engine, world.radio_materials[name], material)
    try:
        a, _ = coefficients(world, table, tx, rx, diffraction=True)
    finally:
        for name in changed:
            set_values(world.engine, world.radio_materials[name], world.materials[name])
    power: Floats = (np.abs(a.astype(np.complex128)) ** 2).sum(axis=1).mean(axis=1)
    return power
