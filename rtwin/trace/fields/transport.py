"""Fields along stored paths as arithmetic on arrays, with materials as numbers that come in.

Where a ray meets a face or an edge, only the coefficients depend on materials: directions,
bases, antennas and spreading are the geometry's and are computed once. So a whole
evaluation is one kernel that is recorded once, and the engine's materials are not asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats
from rtwin.channel import InteractionType
from rtwin.scene import Material
from rtwin.trace.chains import PathTable
from rtwin.trace.diffraction import (
    NO_ROW,
    Matrix,
    Slab,
    Wedge,
    edge_matrix,
    rough_slab,
    world_jones,
)
from rtwin.trace.engine import Engine, engine_values, recording
from rtwin.trace.fields.edge_plan import EdgePlan
from rtwin.trace.fields.exact import planes_of
from rtwin.trace.world import World

VALUES = ("relative_permittivity", "conductivity", "thickness", "scattering_coefficient")
Arrays = dict[str, Any]
_LAYOUTS = 64  # recordings that are kept


def material_arrays(world: World, changed: Mapping[str, Material] | None = None) -> Arrays:
    """The values that kernels gather from: for each of VALUES an array [material].

    Args:
        changed: Materials in place of the world's own.
    """
    materials = {**world.materials, **(changed or {})}
    rows = [engine_values(materials[name]) for name in world.material_names]
    return {name: world.engine.opaque([row[name] for row in rows]) for name in VALUES}


def slab(materials: Arrays, index: Any, wavelength: Any) -> Slab:
    """What faces reflect and let through, lane by lane.

    Args:
        materials: See `material_arrays`.
        index: Material of each lane.
    """
    import drjit as dr
    from sionna.rt.utils import complex_relative_permittivity

    found = {name: dr.gather(type(values), values, index) for name, values in materials.items()}
    omega = dr.two_pi * 299792458.0 / wavelength
    eta = complex_relative_permittivity(
        found["relative_permittivity"], found["conductivity"], omega
    )
    return rough_slab(eta, found["thickness"], found["scattering_coefficient"], wavelength)


def edge_jones(
    edges: Arrays, ki: Any, ko: Any, materials: Arrays, wavelength: Any, *, transmits: bool
) -> Any:
    """Jones matrices of edges in the engine's bases: real, imaginary.

    Args:
        edges: See `edge_arrays`.
        ki, ko: Directions before and behind.
    """
    import drjit as dr
    import mitsuba

    mi: Any = mitsuba
    matrix = edge_matrix(
        Wedge(edges["e"], edges["n0"], edges["n"]),
        ki,
        ko,
        dr.two_pi / wavelength,
        edges["before"],
        edges["behind"],
        (slab(materials, edges["first"], wavelength), slab(materials, edges["other"], wavelength)),
        transmits=transmits,
    )
    one, zero = mi.Complex2f(1.0, 0.0), mi.Complex2f(0.0, 0.0)
    knife = edges["knife"]
    matrix = Matrix(
        dr.select(knife, one, matrix.ss),
        dr.select(knife, zero, matrix.sh),
        dr.select(knife, zero, matrix.hs),
        dr.select(knife, one, matrix.hh),
    )
    soft, hard = edges["along"]
    matrix = Matrix(matrix.ss * soft, matrix.sh * soft, matrix.hs * hard, matrix.hh * hard)
    return world_jones(matrix, edges["e"], ki, ko)


def edge_arrays(world: World, plan: EdgePlan, d: int) -> Arrays:
    """The edges that paths meet at one depth, as kernels need them."""
    engine, edges = world.engine, world.triangles.edges
    row = np.where(plan.row[:, d] == NO_ROW, 0, plan.row[:, d])
    material = world.triangles.material[edges.triangle[row]]
    along = np.where((plan.along_at == d)[:, None], plan.along, 1.0).T
    return {
        "e": _vector(engine, edges.direction[row]),
        "n0": _vector(engine, edges.normal[row, 0]),
        "n": _number(engine, edges.turn_rad[row] / np.pi),
        "before": _number(engine, np.maximum(plan.before_m[:, d], 1e-6)),
        "behind": _number(engine, np.maximum(plan.behind_m[:, d], 1e-6)),
        "first": engine.opaque(material[:, 0].astype(np.uint32), "UInt"),
        "other": engine.opaque(material[:, 1].astype(np.uint32), "UInt"),
        "knife": engine.opaque(plan.is_knife[:, d], "Bool"),
        "along": tuple(
            engine.mi.Complex2f(_number(engine, part.real), _number(engine, part.imag))
            for part in along
        ),
    }


@dataclass(frozen=True)
class Ends:
    """Devices at one end of each path."""

    position_m: Floats  # [path, 3]
    orientation_rad: Floats  # [path, 3]
    patterns: list[Any]  # one for each port


class Transport:
    """Powers of stored paths under any materials, in one kernel."""

    def __init__(
        self,
        world: World,
        table: PathTable,
        plan: EdgePlan,
        tx: Ends,
        rx: Ends,
    ) -> None:
        """Compute what materials have no part in.

        Args:
            table: Paths with their final vertices.
            plan: Their edges and spreading.
            tx, rx: Ends of each path.
        """
        import drjit as dr

        engine = world.engine
        self._world = world
        self._transmits = world.recipe.solver.refraction
        ways = _directions(table, tx.position_m, rx.position_m)
        steps = []
        for d in range(table.kind.shape[1]):
            if not (plan.has_edge[d] or plan.has_face[d]):
                break
            ki, ko = (_vector(engine, ways[:, n]) for n in (d, d + 1))
            bends = plan.row[:, d] != NO_ROW
            step: Arrays = {"ki": ki, "ko": ko}
            if plan.has_face[d]:
                step["face"] = _face_arrays(world, table, d, ways[:, d], ki, ko, ~bends)
            if plan.has_edge[d]:
                step["edge"] = edge_arrays(world, plan, d)
                step["bends"] = engine.opaque(bends, "Bool")
            steps.append(step)
        scale = plan.scale * float(world.scene.wavelength[0]) / (4 * np.pi)
        sent = _fields(engine, tx, ways[:, 0], "out")
        self._fixed = {
            "steps": steps,
            "tx": sent,
            "rx": _fields(engine, rx, -ways[:, -1], "in"),
            "gain": _number(engine, np.abs(scale) ** 2 / len(sent)),
            "wavelength": engine.opaque([world.scene.wavelength[0]]),
        }
        dr.eval(self._fixed)

    def power(self, changed: Mapping[str, Material]) -> Floats:
        """Power gain of each path, linear, [path], with some materials of the world changed."""
        materials = material_arrays(self._world, changed)
        with recording():
            found = _recorded(self._transmits)(materials, self._fixed)
        power: Floats = found.numpy().astype(np.float64)
        return power


@cache
def _recorded(transmits: bool) -> Any:
    """The evaluation, recorded for each layout of paths that it meets."""
    import drjit as dr
    import mitsuba

    mi: Any = mitsuba

    def power(materials: Arrays, fixed: Arrays) -> Any:
        total: Any = 0.0
        for sent in fixed["tx"]:
            field = (mi.Complex2f(sent.x, sent.z), mi.Complex2f(sent.y, sent.w))
            for step in fixed["steps"]:
                field = _stepped(step, field, materials, fixed["wavelength"], transmits)
            for heard in fixed["rx"]:
                s, p = mi.Complex2f(heard.x, -heard.z), mi.Complex2f(heard.y, -heard.w)
                total = total + dr.squared_norm(s * field[0] + p * field[1])
        return total * fixed["gain"]

    return dr.freeze(power, limit=_LAYOUTS, warn_after=_LAYOUTS + 1)


def _stepped(step: Arrays, field: Any, materials: Arrays, wavelength: Any, transmits: bool) -> Any:
    """The field (s, p) behind one interaction, in the engine's basis of the way out."""
    import drjit as dr
    import mitsuba

    mi: Any = mitsuba
    s, p = field
    after = field
    if "face" in step:
        face = step["face"]
        te, tm, through_te, through_tm = slab(materials, face["material"], wavelength)(
            face["cosine"]
        )
        te = dr.select(face["reflects"], te, through_te)
        tm = dr.select(face["reflects"], tm, through_tm)
        c, i = face["into"]
        inner = te * (c * s + i * p), tm * (c * p - i * s)
        c, i = face["back"]
        behind = c * inner[0] + i * inner[1], c * inner[1] - i * inner[0]
        after = tuple(dr.select(face["here"], b, a) for b, a in zip(behind, field, strict=True))
    if "edge" in step:
        real, imag = edge_jones(
            step["edge"], step["ki"], step["ko"], materials, wavelength, transmits=transmits
        )
        bent = [
            mi.Complex2f(real[n, 0], imag[n, 0]) * s + mi.Complex2f(real[n, 1], imag[n, 1]) * p
            for n in (0, 1)
        ]
        after = tuple(dr.select(step["bends"], b, a) for b, a in zip(bent, after, strict=True))
    return after


def _face_arrays(
    world: World, table: PathTable, d: int, ki_world: Floats, ki: Any, ko: Any, straight: Bools
) -> Arrays:
    """The faces that paths meet at one depth: bases, angles and materials."""
    from sionna.rt.utils import implicit_basis_vector
    from sionna.rt.utils.jones import transverse_basis_from_normal

    engine, dr = world.engine, world.engine.dr
    kind = table.kind[:, d]
    here = (kind != 0) & straight
    triangle = np.where(here, table.triangle[:, d], 0).astype(np.int64)
    normal, _ = planes_of(world, triangle)
    # The normal looks to where the wave comes from.
    towards = (normal * ki_world).sum(axis=1)
    normal = np.where(towards[:, None] > 0, -normal, normal)
    across = transverse_basis_from_normal(ki, _vector(engine, normal))

    def turn(k: Any, one: Any, other: Any) -> tuple[Any, Any]:
        return dr.dot(one, other), dr.dot(k, dr.cross(one, other))

    material = world.triangles.material[triangle]
    return {
        "here": engine.opaque(here, "Bool"),
        "reflects": engine.opaque(kind == InteractionType.SPECULAR, "Bool"),
        "material": engine.opaque(material.astype(np.uint32), "UInt"),
        "cosine": _number(engine, np.abs(towards)),
        "into": turn(ki, implicit_basis_vector(ki), across),
        "back": turn(ko, across, implicit_basis_vector(ko)),
    }


def _fields(engine: Engine, ends: Ends, way: Floats, direction: str) -> list[Any]:
    """What each port sends or hears along some ways, in the engine's bases."""
    from sionna.rt.antenna_pattern import antenna_pattern_to_world_implicit
    from sionna.rt.utils import rotation_matrix

    turned = rotation_matrix(engine.mi.Point3f(_vector(engine, ends.orientation_rad)))
    k = _vector(engine, way)
    return [
        antenna_pattern_to_world_implicit(pattern, turned, k, direction=direction)
        for pattern in ends.patterns
    ]


def _directions(table: PathTable, tx_m: Floats, rx_m: Floats) -> Floats:
    """Unit vectors of the pieces of paths, [path, depth + 1, 3]; the last one fills up."""
    num, depth = table.kind.shape
    way = np.empty((num, depth + 1, 3))
    count = np.count_nonzero(table.kind, axis=1)
    before = np.asarray(tx_m, np.float64)
    for d in range(depth + 1):
        to = rx_m
        if d < depth:
            to = np.where((d < count)[:, None], table.vertex[:, d].astype(np.float64), rx_m)
        piece = to - before
        size = np.linalg.norm(piece, axis=1, keepdims=True)
        unit = np.divide(piece, size, out=np.zeros_like(piece), where=size > 0)
        way[:, d] = unit if d == 0 else np.where((d <= count)[:, None], unit, way[:, d - 1])
        before = to
    return way


def _vector(engine: Engine, values: Floats) -> Any:
    columns = (np.ascontiguousarray(column, np.float32) for column in values.T)
    return engine.mi.Vector3f(*(engine.opaque(column) for column in columns))


def _number(engine: Engine, values: NDArray[Any]) -> Any:
    return engine.opaque(np.ascontiguousarray(values, np.float32))
