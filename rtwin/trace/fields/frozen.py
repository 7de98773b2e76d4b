"""Fields of stored paths again and again: the same geometry under other materials.

The paths stay on the device and kernels read materials from arrays, so that
every evaluation after the first runs compiled code. Powers equal those of
`evaluate_paths` with the same materials. Slopes are differences of powers: Dr.Jit's
backward pass through three edges takes a quarter of an hour to compile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import InteractionType
from rtwin.errors import OutOfRangeError
from rtwin.scene import Receivers
from rtwin.trace.chains import PathTable, TracedPaths, wedges_of_edges
from rtwin.trace.fields.coefficients import (
    antenna_patterns,
    receiver_end,
    to_buffer,
    transmitter_ends,
)
from rtwin.trace.fields.edge_fields import edge_calculator
from rtwin.trace.fields.edge_plan import EdgePlan, edge_plan, has_own_edges, other_materials
from rtwin.trace.fields.evaluate import without_gaps
from rtwin.trace.fields.exact import with_exact_vertices
from rtwin.trace.world import World, set_values
from rtwin.units import from_db

MATERIAL_PARAMETERS = {
    "relative_permittivity": "relative_permittivity",
    "conductivity_s_per_m": "conductivity",
    "thickness_m": "thickness",
    "scattering_coefficient": "scattering_coefficient",
    "xpd_coefficient": "xpd_coefficient",
}
Values = Mapping[str, Mapping[str, float]]  # material: parameter: value


@dataclass(eq=False)
class FrozenPaths:
    """Stored paths of one transmitter, ready to be evaluated for other materials.

    Make it with `freeze_paths`. The world's materials are left as the last
    evaluation set them; `restore` brings the recipe's back.
    """

    world: World
    num_paths: int
    materials: Bools  # [path, material], which materials each path touches
    foliage: Floats  # [path], share of the power that vegetation leaves
    _buffer: Any
    _arguments: dict[str, Any]
    _plan: EdgePlan | None = None  # where rtwin's edges are asked for

    def power(self, values: Values | None = None) -> Floats:
        """Power gain of each path, linear, [path], under some materials.

        Args:
            values: Parameters by material; what is not named keeps its last value.
        """
        if not self.num_paths:
            return np.zeros(0)
        for material, parameters in (values or {}).items():
            for name, value in parameters.items():
                self._set(material, name, self.world.engine.opaque([value]))
        power = self._evaluate()
        return power.numpy().astype(np.float64) * self.foliage

    def restore(self) -> None:
        """Give the materials of the world's recipe their values back."""
        restore_materials(self.world)

    def _set(self, material: str, name: str, value: Any) -> None:
        _set_material(self.world, material, name, value)

    def _evaluate(self) -> Any:
        from sionna.rt.path_solvers.field_calculator import FieldCalculator

        engine, buffer = self.world.engine, self._buffer
        calculator = FieldCalculator()
        if self._plan is not None:
            calculator = edge_calculator(self.world, self._plan)
        buffer._valid = engine.opaque(np.full(self.num_paths, True), "Bool")
        calculator(paths=buffer, **self._arguments)
        ports = len(self._arguments["src_antenna_patterns"])
        total: Any = 0.0
        for row in buffer.a:
            for value in row:
                total = total + engine.dr.squared_norm(value) / ports
        engine.dr.eval(total)
        return total


def restore_materials(world: World) -> None:
    """Give the materials of a world the values that its recipe has.

    Evaluations of frozen paths leave others behind, which would guide the rays of
    the next trace.
    """
    for material, found in world.materials.items():
        made = world.radio_materials[material]
        set_values(world.engine, made, found)


def _set_material(world: World, material: str, name: str, value: Any) -> None:
    if material not in world.materials or name not in MATERIAL_PARAMETERS:
        raise OutOfRangeError(
            f"'{material}.{name}' is no material parameter of this scene; materials are "
            f"{', '.join(world.material_names)}, parameters {', '.join(MATERIAL_PARAMETERS)}"
        )
    number = sorted(world.materials).index(material)
    made = world.scene.radio_materials[f"material-{number}"]
    setattr(made, MATERIAL_PARAMETERS[name], value)


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
    plan = None
    if has_own_edges(world, kind).any():
        tx_m = np.broadcast_to(end.position_m, (len(rows), 3))
        plan = edge_plan(
            world, kind, triangle, table.vertex, tx_m, rx_end.position_m[table.receiver]
        )
        other = other_materials(world, plan)
        path, place, face = np.nonzero(other >= 0)
        touches[path, other[path, place, face]] = True
    diffraction = bool(diffracts.any()) and plan is None
    return FrozenPaths(
        world=world,
        num_paths=len(rows),
        materials=touches,
        foliage=from_db(-paths.vegetation_loss_db[rows].astype(np.float64)),
        _buffer=to_buffer(world, table, diffraction, valid=True) if len(rows) else None,
        _arguments={
            "wavelength": world.engine.opaque([world.scene.wavelength[0]]),
            "samples_per_src": 1,
            "diffraction": diffraction,
            "src_positions": world.places(end.position_m),
            "tgt_positions": world.places(rx_end.position_m),
            "src_orientations": world.points(end.orientation_rad),
            "tgt_orientations": world.points(rx_end.orientation_rad),
            "src_antenna_patterns": antenna_patterns(world, end.antenna),
            "tgt_antenna_patterns": antenna_patterns(world, rx_end.antenna),
        },
        _plan=plan,
    )
