"""What diffraction on a path has to do with geometry, frequency and faces met at grazing.

What an edge does to the two polarisations is uniform theory (rtwin.trace.diffraction).
A product of such coefficients fails where one edge stands in the transition zone of
another, which over roofs is the rule. So what several edges do together is the integral
over their openings (rtwin.channel.knife_edges), and each edge adds what its coefficient
has over a knife edge of its own:

    a ~ A / R * prod_m  M_m / (sqrt(L_m) A_m)

with R the length of the way, A of all edges, A_m of each alone. For one edge that is its
coefficient; for edges far apart the product; for small angles the knife edges of ITU-R
P.526. Where a wave runs along a face from one edge to the next (over a flat roof), the
coefficient of either edge vanishes or doubles and means nothing: there, and at edges
that the way leaves below it, the edge is a knife edge and nothing else. What the face
reflects between its edges is then in the integral, for fields along the edges and
across them, so that A is two numbers.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Bytes, Complexes, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType, complex_permittivity, faced_edges, knife_edges
from rtwin.trace.diffraction import NO_ROW, SceneEdges
from rtwin.trace.fields.gaps import GapsOnEngine
from rtwin.trace.world import World

ALONG_FACE_RAD = 0.02
TURNS_BACK_RAD = 0.3


@dataclass(frozen=True)
class EdgePlan:
    """What the edges of some paths have to do with geometry, frequency and grazed faces."""

    row: Ints  # [path, depth], of the scene's edges; NO_ROW where none
    before_m: Floats  # [path, depth], way from the edge before, or from the transmitter
    behind_m: Floats  # [path, depth]
    is_knife: Bools  # [path, depth], edges without a coefficient of their own
    scale: Complexes  # [path], factor of all in place of the spreading [1/m]
    along_at: Ints  # [path], depth of the edge from which a face is run along; -1 where none
    along: Complexes  # [path, 2], what such faces add for fields along the edges and across
    has_edge: tuple[bool, ...]  # [depth], whether any path diffracts there
    has_face: tuple[bool, ...]  # [depth], whether any path does something else there


def edge_rows(
    edges: SceneEdges, vertices_m: Singles, kind: Bytes, triangle: Unsigned, vertex_m: Singles
) -> Ints:
    """Which edge of the scene each diffraction is at, [path, depth]; NO_ROW elsewhere.

    Of the sides of its triangle that which passes nearest to the place.

    Args:
        edges: Of the scene.
        vertices_m: Corners of its triangles [m], [triangle, 3, 3].
        kind, triangle, vertex_m: Of the paths, [path, depth].
    """
    found = np.full(kind.shape, NO_ROW)
    at = np.nonzero(kind == InteractionType.DIFFRACTION)
    if not len(at[0]):
        return found
    met = triangle[at].astype(np.int64)
    corner = vertices_m[met].astype(np.float64)
    place = vertex_m[at].astype(np.float64)[:, None]
    way = np.roll(corner, -1, axis=1) - corner
    size = np.maximum((way**2).sum(axis=2), 1e-12)
    share = np.clip(((place - corner) * way).sum(axis=2) / size, 0.0, 1.0)
    distance = np.linalg.norm(place - corner - share[..., None] * way, axis=2)
    row = edges.row[met]
    distance[row == NO_ROW] = np.inf
    found[at] = row[np.arange(len(met)), distance.argmin(axis=1)]
    return found


def has_own_edges(world: World, kind: Bytes) -> Bools:
    """Which paths [path, depth] the engine's calculator is not asked for, [path]."""
    own = world.recipe.solver.diffraction_model != "sionna"
    found: Bools = (kind == InteractionType.DIFFRACTION).any(axis=1) & own
    return found


def edge_plan(
    world: World, kind: Bytes, triangle: Unsigned, vertex_m: Singles, tx_m: Floats, rx_m: Floats
) -> EdgePlan:
    """The plan of paths [path, depth] between ends [path, 3] m."""
    edges = world.triangles.edges
    row = edge_rows(edges, world.triangles.vertices, kind, triangle, vertex_m)
    bends = row != NO_ROW
    num, depth = kind.shape
    count = np.count_nonzero(kind, axis=1)
    corner = np.empty((num, depth + 2, 3))
    corner[:, 0] = tx_m
    for d in range(depth + 1):
        there = (d < count)[:, None]
        some = vertex_m[:, d].astype(np.float64) if d < depth else rx_m
        corner[:, d + 1] = np.where(there, some, rx_m)
    step = np.diff(corner, axis=1)
    length = np.linalg.norm(step, axis=2)  # [path, depth + 1]
    total = length.sum(axis=1)
    # Ways between diffractions, through all mirrors and walls on them.
    before, behind = np.zeros((num, depth)), np.zeros((num, depth))
    run = np.zeros(num)
    for d in range(depth):
        run = run + length[:, d]
        before[:, d] = run
        run = np.where(bends[:, d], 0.0, run)
    run = length[:, depth].copy()
    for d in reversed(range(depth)):
        behind[:, d] = run
        run = np.where(bends[:, d], 0.0, run) + length[:, d]
    angles = _angles(edges, row, step)
    turn = np.abs(angles.phi_out - angles.phi_in) - np.pi
    bend = 2.0 * np.sin(0.5 * turn) * angles.sin_edge
    leaves, arrives = _near_faces(angles, bends, edges, row)
    grazes = np.zeros(bends.shape, bool)
    grazes[:, :-1] |= leaves | arrives
    grazes[:, 1:] |= leaves | arrives
    several = bends.sum(axis=1) > 1
    is_knife = bends & several[:, None] & (grazes | (turn < 0))
    face = _faces(world, edges, row, angles, leaves & arrives)
    # A way that turns back at an edge does not pass over it, and its integral has no value.
    turns_back = (bends & several[:, None] & (turn < -TURNS_BACK_RAD)).any(axis=1)
    passes = bends & ~turns_back[:, None]
    scale, along = _factor(world, passes, is_knife, before, behind, bend, total, face)
    scale[turns_back] = 0.0
    runs = np.zeros(bends.shape, bool)
    runs[:, :-1] = ~np.isnan(face)
    return EdgePlan(
        row=row,
        before_m=before,
        behind_m=behind,
        is_knife=is_knife,
        scale=scale,
        along_at=np.where(runs.any(axis=1), runs.argmax(axis=1), -1),
        along=along,
        has_edge=tuple(bool(x) for x in bends.any(axis=0)),
        has_face=tuple(bool(x) for x in ((kind != 0) & ~bends).any(axis=0)),
    )


@dataclass(frozen=True)
class _Angles:
    """Of the ways at edges; 0 where a path meets none."""

    phi_in: Floats  # [path, depth]
    phi_out: Floats
    sin_edge: Floats


def _angles(edges: SceneEdges, row: Ints, step: Floats) -> _Angles:
    at = path, depth = np.nonzero(row != NO_ROW)
    some = row[at]
    e, n0 = edges.direction[some], edges.normal[some, 0]
    along = np.cross(n0, e)

    def unit(way: Floats) -> Floats:
        size = np.linalg.norm(way, axis=1, keepdims=True)
        found: Floats = way / np.maximum(size, 1e-12)
        return found

    def angle(k: Floats) -> Floats:
        found = np.arctan2((k * n0).sum(axis=1), (k * along).sum(axis=1))
        found = np.where(found < -1e-3, found + 2 * np.pi, np.maximum(found, 0.0))
        limited: Floats = np.minimum(found, edges.turn_rad[some])
        return limited

    def everywhere(values: Floats) -> Floats:
        found = np.zeros(row.shape)
        found[at] = values
        return found

    arrives, leaves = unit(step[path, depth]), unit(step[path, depth + 1])
    cosine = (leaves * e).sum(axis=1)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 1e-8))
    return _Angles(everywhere(angle(-arrives)), everywhere(angle(leaves)), everywhere(sine))


def _near_faces(angles: _Angles, bends: Bools, edges: SceneEdges, row: Ints) -> tuple[Bools, Bools]:
    """Ways from edge to edge that leave along a face, and that arrive so, [path, depth - 1]."""
    both = bends[:, 1:] & bends[:, :-1]
    if not len(edges):
        return both, both
    limit = edges.turn_rad[np.where(row == NO_ROW, 0, row)]

    def near(phi: Floats) -> Bools:
        found: Bools = np.minimum(phi, limit - phi) < ALONG_FACE_RAD
        return found

    return both & near(angles.phi_out)[:, :-1], both & near(angles.phi_in)[:, 1:]


def _faces(world: World, edges: SceneEdges, row: Ints, angles: _Angles, runs: Bools) -> Complexes:
    """Permittivity of faces that ways run along, complex, [path, depth - 1]; NaN elsewhere."""
    found = np.full(runs.shape, np.nan, np.complex128)
    at = np.nonzero(runs)
    if not len(at[0]):
        return found
    materials = [world.materials[name] for name in world.material_names]
    permittivity = complex_permittivity(
        [m.relative_permittivity for m in materials],
        [m.conductivity_s_per_m for m in materials],
        world.recipe.frequency_hz,
    )

    def of_edge(depth: Ints, phi: Floats) -> Complexes:
        some = row[at[0], depth]
        is_other = phi[at[0], depth] > 0.5 * edges.turn_rad[some]
        met = edges.triangle[some, is_other.astype(int)]
        return np.asarray(permittivity[world.triangles.material[met]])

    # The mean of both ends, as a roof may be of two meshes and either end may send.
    found[at] = 0.5 * (of_edge(at[1], angles.phi_out) + of_edge(at[1] + 1, angles.phi_in))
    return found


def _factor(
    world: World,
    bends: Bools,
    is_knife: Bools,
    before: Floats,
    behind: Floats,
    bend: Floats,
    total: Floats,
    face: Complexes,
) -> tuple[Complexes, Complexes]:
    """A / R over what is to be taken out for the coefficients that come in.

    And what faces add to it, [path, 2].
    """
    wavelength = float(world.scene.wavelength[0])
    scale = (1.0 / np.maximum(total, 1e-12)).astype(np.complex128)
    along = np.ones((len(scale), 2), np.complex128)
    number = bends.sum(axis=1)
    over = GapsOnEngine(world.engine)
    for count in np.unique(number[number > 0]):
        rows = np.flatnonzero(number == count)
        place = np.nonzero(bends[rows])[1].reshape(len(rows), count)
        pick = (rows[:, None], place)
        s, t = behind[pick], before[pick]
        own = ~is_knife[pick]
        each = np.where(own, np.sqrt((s + t) / np.maximum(s * t, 1e-12)), 1.0)
        scale[rows] *= each.prod(axis=1)
        if count == 1:
            continue
        way = np.concatenate([t, s[:, -1:]], axis=1)
        screens = knife_edges(way, bend[pick], wavelength, over=over)
        alone = knife_edges(
            np.stack([t.ravel(), s.ravel()], axis=1), bend[pick].reshape(-1, 1), wavelength
        ).reshape(len(rows), count)
        scale[rows] *= screens / np.where(own, alone, 1.0).prod(axis=1)
        between = face[rows[:, None], place[:, :-1]]
        some = np.flatnonzero(~np.isnan(between).all(axis=1))
        faced = faced_edges(way[some], bend[pick][some], wavelength, between[some], over=over)
        along[rows[some]] = faced / screens[some, None]
    return scale, along


def touches_faces(
    world: World, kind: Bytes, triangle: Unsigned, vertex_m: Singles, is_asked: Bools
) -> Bools:
    """Whether paths [path, depth] touch any of some triangles, both faces of edges counted.

    Args:
        is_asked: [triangle].
    """
    there = kind != 0
    found: Bools = (is_asked[np.where(there, triangle, 0)] & there).any(axis=1)
    rows = np.flatnonzero(has_own_edges(world, kind))
    if len(rows):
        edges = world.triangles.edges
        row = edge_rows(edges, world.triangles.vertices, kind[rows], triangle[rows], vertex_m[rows])
        both = is_asked[edges.triangle[np.where(row == NO_ROW, 0, row)]].any(axis=-1)
        found[rows] |= (both & (row != NO_ROW)).any(axis=1)
    return found


def other_materials(world: World, plan: EdgePlan) -> Ints:
    """Material of the second face of each edge of the paths, [path, depth]; -1 where none."""
    edges = world.triangles.edges
    row = np.where(plan.row == NO_ROW, 0, plan.row)
    if not len(edges):
        return np.full(plan.row.shape, -1)
    both = world.triangles.material[edges.triangle[row]].astype(np.int64)
    return np.where((plan.row == NO_ROW)[..., None], -1, both)
