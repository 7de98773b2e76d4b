"""What an edge does to a wave: uniform theory for faces that reflect and let through.

The four terms of Kouyoumjian and Pathak (1974) keep a conductor's field continuous.
Luebbers (1984) weighs the two that belong to the reflected waves with the reflection
coefficients of the faces. Here a shadow that is not dark counts as well: behind a wall
stands what the wall lets through, T, so that only 1 - T of the incident wave vanishes
at its shadow boundary (Burnside and Burgener 1983). In bases fixed to the edge,

    M = (d1 + d2) (1 - T) + d4 R0 + d3 Rn.

R and T are 2 x 2: at oblique incidence the plane of incidence of a face is not that of
the edge. Luebbers takes them at angles that make the coefficient depend on which end
sends. As in later heuristics (El-Sallabi and Vainikainen 2005, Schettino et al. 2007)
the angles here are the same for both directions: of the two angles that incident and
diffracted ray make with a face, the smaller, at most a right angle. At the shadow
boundary of the wave that the face reflects that is the angle of the reflection, so
that the field is continuous; deep in the shadow it is Luebbers' angle.

Bases: a ray of direction k has its hard unit vector along e x k, with e the direction
of the edge, and its soft one along k x (e x k), which is e at normal incidence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Slab = Callable[[Any], tuple[Any, Any, Any, Any]]
"""Reflection TE, TM and transmission TE, TM of a face, given the cosine of incidence."""


@dataclass(frozen=True)
class Matrix:
    """Complex 2 x 2 matrices, one for each lane, of soft and hard components."""

    ss: Any
    sh: Any
    hs: Any
    hh: Any

    def __add__(self, other: "Matrix") -> "Matrix":
        pairs = zip(self._parts, other._parts, strict=True)
        return Matrix(*(a + b for a, b in pairs))

    def __matmul__(self, other: "Matrix") -> "Matrix":
        return Matrix(
            self.ss * other.ss + self.sh * other.hs,
            self.ss * other.sh + self.sh * other.hh,
            self.hs * other.ss + self.hh * other.hs,
            self.hs * other.sh + self.hh * other.hh,
        )

    def times(self, factor: Any) -> "Matrix":
        """Each lane's matrix times its number."""
        return Matrix(*(factor * part for part in self._parts))

    @property
    def _parts(self) -> tuple[Any, Any, Any, Any]:
        return self.ss, self.sh, self.hs, self.hh


@dataclass(frozen=True)
class Wedge:
    """Edges in a right-handed frame: along the first face, its normal, along the edge."""

    e: Any  # unit vector along the edge
    n0: Any  # normal of the face that the angles count from
    n: Any  # exterior angle / pi; 2 for a sheet


def wedge_of_normals(e: Any, n0: Any, nn: Any) -> Wedge:
    """A wedge of its edge and outward normals; n0 x e points along the first face."""
    import drjit as dr

    inside = dr.safe_acos(-dr.dot(n0, nn))
    return Wedge(e=e, n0=n0, n=2.0 - inside / dr.pi)


def edge_angles(wedge: Wedge, ki: Any, ko: Any) -> tuple[Any, Any]:
    """Angles [rad] of the source and of the observer from the first face, in [0, 2 pi)."""
    import drjit as dr

    along = dr.cross(wedge.n0, wedge.e)

    def angle(direction: Any) -> Any:
        found = dr.atan2(dr.dot(direction, wedge.n0), dr.dot(direction, along))
        # Half of a turn is nobody's: what rounds to below the first face stays at it.
        return dr.select(found < -1e-3, found + dr.two_pi, dr.maximum(found, 0.0))

    limit = wedge.n * dr.pi
    return dr.minimum(angle(-ki), limit), dr.minimum(angle(ko), limit)


def edge_matrix(
    wedge: Wedge,
    ki: Any,
    ko: Any,
    wavenumber: Any,
    tx_distance_m: Any,
    rx_distance_m: Any,
    faces: tuple[Slab, Slab],
    *,
    transmits: bool,
) -> Matrix:
    """Diffracted field over incident field at the edge, without spreading and phase [sqrt m].

    The field at distance s behind the edge is `M E sqrt(s' / (s (s + s')))`, times the
    phase of the way.

    Args:
        wedge: The edges.
        ki: Directions of the incident rays.
        ko: Directions of the diffracted rays, on Keller's cones.
        wavenumber: 2 pi / wavelength [1/m].
        tx_distance_m: s', way from the source to the edge [m].
        rx_distance_m: s, way from the edge to the observer [m].
        faces: Of the first face and of the other, as numbers of Slab.
        transmits: Whether waves pass the faces. A sheet is passed once, a wedge's two
            faces are passed one after the other.
    Returns:
        Soft and hard components, in bases fixed to the edge.
    Source: R. G. Kouyoumjian and P. H. Pathak, Proc. IEEE 62 (1974) 1448; R. J. Luebbers,
    IEEE Trans. Antennas Propagat. 32 (1984) 70; see the module. Checked by
    tests/trace/diffraction/test_diffraction.py.
    """
    import drjit as dr
    import mitsuba
    from sionna.rt.utils.electromagnetics import cot_times_f_utd

    mi: Any = mitsuba
    phi_in, phi_out = edge_angles(wedge, ki, ko)
    cos_edge = dr.clip(dr.dot(ki, wedge.e), -1.0, 1.0)
    sin_edge = dr.maximum(dr.sqrt(dr.maximum(1.0 - dr.square(cos_edge), 0.0)), 1e-4)
    way = tx_distance_m * rx_distance_m * dr.rcp(tx_distance_m + rx_distance_m)
    kl = wavenumber * way * dr.square(sin_edge)
    n = wedge.n
    factor = mi.Complex2f(-dr.sqrt(0.5), dr.sqrt(0.5))
    factor *= dr.rcp(2.0 * n * dr.sqrt(dr.two_pi * wavenumber) * sin_edge)

    def term(beta: Any, sign: float) -> Any:
        turn = dr.round((beta + sign * dr.pi) * dr.rcp(dr.two_pi * n))
        a = 2.0 * dr.square(dr.cos(dr.pi * n * turn - 0.5 * beta))
        return factor * cot_times_f_utd((dr.pi + sign * beta) * dr.rcp(2.0 * n), kl * a, n, kl)

    difference, total = phi_out - phi_in, phi_out + phi_in
    incident = term(difference, 1.0) + term(difference, -1.0)
    at_first = _reflection(faces[0], phi_in, phi_out, cos_edge, sin_edge)
    limit = n * dr.pi
    at_other = _reflection(faces[1], limit - phi_in, limit - phi_out, -cos_edge, sin_edge)
    result = at_first.times(term(total, -1.0)) + at_other.times(term(total, 1.0))
    one, zero = mi.Complex2f(1.0, 0.0), mi.Complex2f(0.0, 0.0)
    vanishes = Matrix(one, zero, zero, one)
    if transmits:
        vanishes += _transmission(wedge, phi_in, phi_out, cos_edge, sin_edge, faces).times(-one)
    return result + vanishes.times(incident)


def _reflection(face: Slab, phi_in: Any, phi_out: Any, cos_edge: Any, sin_edge: Any) -> Matrix:
    """What the face that the angles count from reflects, in the bases of the edge."""
    import drjit as dr

    small = dr.minimum(dr.minimum(phi_in, phi_out), 0.5 * dr.pi)
    s, c = dr.sincos(small)
    c = dr.select(phi_in <= phi_out, c, -c)
    te, tm, _, _ = face(sin_edge * s)
    soft, hard, cross = _shares(c, s, cos_edge, sin_edge)
    mixed = (te + tm) * cross
    return Matrix(te * soft - tm * hard, mixed, -mixed, tm * soft - te * hard)


def _transmission(
    wedge: Wedge,
    phi_in: Any,
    phi_out: Any,
    cos_edge: Any,
    sin_edge: Any,
    faces: tuple[Slab, Slab],
) -> Matrix:
    """What passes beside the edge: through a sheet once, through both faces of a wedge."""
    import drjit as dr

    # From the end nearer to the first face to the other: the same for both directions.
    turned = phi_in > phi_out
    low, high = dr.minimum(phi_in, phi_out), dr.maximum(phi_in, phi_out)
    cos_way = dr.select(turned, -cos_edge, cos_edge)
    # The sheet is met at one angle before it and at another behind: their mean.
    once = _passed(faces[0], 0.5 * (low + high - dr.pi), cos_way, sin_edge)
    first = _passed(faces[0], low, cos_way, sin_edge)
    second = _passed(faces[1], wedge.n * dr.pi - high + dr.pi, -cos_way, sin_edge)
    both = second @ first
    is_sheet = wedge.n > 1.9999

    def choose(a: Any, b: Any) -> Any:
        return dr.select(is_sheet, a, b)

    sh, hs = choose(once.sh, both.sh), choose(once.hs, both.hs)
    return Matrix(
        choose(once.ss, both.ss),
        dr.select(turned, -hs, sh),
        dr.select(turned, -sh, hs),
        choose(once.hh, both.hh),
    )


def _passed(face: Slab, phi: Any, cos_edge: Any, sin_edge: Any) -> Matrix:
    import drjit as dr

    s, c = dr.sincos(phi)
    _, _, te, tm = face(sin_edge * dr.abs(s))
    soft, hard, cross = _shares(c, s, cos_edge, sin_edge)
    mixed = (te - tm) * cross
    return Matrix(te * soft + tm * hard, mixed, mixed, tm * soft + te * hard)


def _shares(c: Any, s: Any, cos_edge: Any, sin_edge: Any) -> tuple[Any, Any, Any]:
    """Squares and product of what the face's TE direction has of the edge's two."""
    import drjit as dr

    size = dr.square(cos_edge) + dr.square(sin_edge * c)
    upright = size < 1e-10  # straight onto the face: any direction is TE, take the edge's
    inverse = dr.rcp(dr.maximum(size, 1e-10))
    soft = dr.select(upright, 1.0, dr.square(c) * inverse)
    hard = dr.select(upright, 0.0, dr.square(cos_edge * s) * inverse)
    return soft, hard, dr.select(upright, 0.0, c * s * cos_edge * inverse)


def world_jones(matrix: Matrix, e: Any, ki: Any, ko: Any) -> tuple[Any, Any]:
    """The matrix in the engine's bases of the two rays: real and imaginary part, 2 x 2."""
    import drjit as dr
    import mitsuba as mi
    from sionna.rt.utils import implicit_basis_vector, jones_matrix_rotator

    def soft(k: Any) -> Any:
        return dr.normalize(e - dr.dot(e, k) * k)

    # A pair of bases counts s, then k x s, which is minus the hard direction.
    into = jones_matrix_rotator(ki, implicit_basis_vector(ki), soft(ki))
    back = jones_matrix_rotator(ko, soft(ko), implicit_basis_vector(ko))
    parts = []
    for part in (dr.real, dr.imag):
        inner = mi.Matrix2f(part(matrix.ss), -part(matrix.sh), -part(matrix.hs), part(matrix.hh))
        parts.append(back @ inner @ into)
    return parts[0], parts[1]
