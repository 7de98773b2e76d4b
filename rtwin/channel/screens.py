"""Several knife edges one behind the other, by the integral over all of them.

Screens that a wave passes one after the other weaken it by less than the product of
what each does alone where one stands in the transition zone of another: the field at
each is no plane wave. The integral over the openings of all of them (Vogler 1982) takes
that into account. In the transverse coordinate y of each screen, counted from the edge,
and with the way over the edges as the reference of phase,

    A = prod_m sqrt(j k S_m / (2 pi S_(m-1) r_m))
        int_0^inf .. int_0^inf exp(-j k [ sum (y_(m+1) - y_m)^2 / (2 r_m) + sum b_m y_m ]) dy

where r are the ways between the edges, S their running sums and b the bends. On the
lines y = u exp(-j pi / 4) the integrand is a Gaussian without oscillation, so that few
points of Gauss and Legendre are enough, and as each exponent couples neighbours only,
K screens cost K - 1 products of a matrix and a vector.

Where a face leads from one edge to the next, as on a flat roof, what comes from the
opening also comes from its mirror image below the face (Whitteker 1990): the exponent of
y_m + y_(m+1) is added, times what the face reflects at the angle (y_m + y_(m+1)) / r_m.
Screens with nothing between them are the mean of a face that reflects all and of one that
turns all round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats, Ints

_LEAST_POINTS = 32
_MOST_POINTS = 256
_VALUES_AT_ONCE = 100_000  # what the caches of a processor hold
_PATHS_AT_ONCE = 10_000
_DEEP = 40.0  # exponent from which on the integrand is negligible
_BLOCK = 32  # points
_FREE = 5.0  # exponent of a bend below which an edge has no effect


def knife_edges(
    way_m: ArrayLike,
    bend: ArrayLike,
    wavelength_m: float,
    face: ArrayLike | None = None,
    *,
    along: bool = True,
    over: "Over | None" = None,
) -> Complexes:
    """Field behind several knife edges over that of free space along the same way.

    Args:
        way_m: Lengths from the transmitter to the first edge, from edge to edge, and to
            the receiver [m], [path, K + 1].
        bend: How sharply the way bends at each edge, 2 sin(angle / 2), [path, K]; negative
            where the edge lies below the straight line of its neighbours.
        wavelength_m: Wavelength [m].
        face: Complex relative permittivity of a face that leads from an edge to the next,
            [path, K - 1]; infinite for a conductor, NaN where there is none.
        along: Whether the field is along the edges, as faces reflect it otherwise than
            one across them.
        over: Who leads fields from edge to edge; default: over_gap.
    Returns:
        [path], complex, without the phase of the way; 1 for K = 0.
    Source: L. E. Vogler, Radio Science 17 (1982) 1541; one edge is ITU-R P.526, section
    4.1; faces: J. H. Whitteker, Radio Science 25 (1990) 837. Checked by
    tests/physics/test_screens.py and tests/physics/test_thick_screens.py.
    """
    return _fields(way_m, bend, wavelength_m, face, (along,), over or over_gap)[:, 0]


def faced_edges(
    way_m: ArrayLike,
    bend: ArrayLike,
    wavelength_m: float,
    face: ArrayLike,
    *,
    over: "Over | None" = None,
) -> Complexes:
    """knife_edges over faces for fields along the edges and across them at once, [path, 2].

    Args: as knife_edges. Checked by tests/physics/test_thick_screens.py.
    """
    return _fields(way_m, bend, wavelength_m, face, (True, False), over or over_gap)


def _fields(
    way_m: ArrayLike,
    bend: ArrayLike,
    wavelength_m: float,
    face: ArrayLike | None,
    alongs: tuple[bool, ...],
    over: "Over",
) -> Complexes:
    """Fields of knife edges, [path, polarisation]."""
    turn = np.asarray(bend, np.float64)
    way = np.maximum(np.asarray(way_m, np.float64), 1e-3 * wavelength_m)
    result = np.ones((len(way), len(alongs)), np.complex128)
    if not len(way) or not turn.shape[1]:
        return result
    k = 2 * np.pi / wavelength_m
    between = np.full((len(way), turn.shape[1] - 1), np.nan, np.complex128)
    if face is not None:
        between[:] = face
    spread = _spread_m(way, k)
    # What lies further below the way does not weaken it any less.
    turn = np.maximum(turn, -_FREE * np.sqrt(2) / (k * spread))
    reach = _reach_m(spread, turn, k)
    # A kernel narrower than the points are apart is not seen: so near, two edges are one.
    narrow = np.sqrt(np.maximum(way[:, 1:-1], 1e-12) / k)
    wide = np.maximum(reach[:, 1:], reach[:, :-1])
    asked = (_LEAST_POINTS + 2.0 * wide / narrow).max(axis=1, initial=_LEAST_POINTS)
    points = np.minimum(2 ** np.ceil(np.log2(asked)), _MOST_POINTS).astype(int)
    for count in np.unique(points).tolist():
        at_count = np.flatnonzero(points == count)
        least = _least_m(way[at_count], reach[at_count], k, count)
        imaged = _imaged_nodes(reach[at_count], least, between[at_count], k, count)
        for nodes in np.unique(imaged).tolist():
            rows = at_count[imaged == nodes]
            for start in range(0, len(rows), _PATHS_AT_ONCE):
                some = rows[start : start + _PATHS_AT_ONCE]
                screens = _Screens(way[some], turn[some], reach[some], between[some], k)
                result[some] = _integral(screens, alongs, count, nodes, over)
    return result


def _spread_m(way: Floats, k: float) -> Floats:
    """Width of the integrand at each edge without any bends, in u [m], [path, K]."""
    before = np.cumsum(way, axis=1)[:, :-1]
    total = way.sum(axis=1, keepdims=True)
    spread: Floats = np.sqrt(before * (total - before) / (total * k))
    return spread


def _reach_m(spread: Floats, turn: Floats, k: float) -> Floats:
    """Where the integrand of each edge is over, in u [m], [path, K]."""
    rises = (np.maximum(-turn, 0.0) * spread).sum(axis=1, keepdims=True)
    by_width = spread * (6.5 + k * rises / np.sqrt(2))
    falls = k * np.maximum(turn, 1e-300) / np.sqrt(2)
    reach: Floats = np.minimum(by_width, np.where(turn > 0, _DEEP / falls, np.inf))
    return reach


def _least_m(way: Floats, reach: Floats, k: float, count: int) -> Floats:
    """Ways between edges, none so short that its kernel falls between the points."""
    least: Floats = np.maximum(way, k * (2.0 * reach.max(axis=1) / count)[:, None] ** 2)
    return least


def _imaged_nodes(reach: Floats, least: Floats, face: Complexes, k: float, count: int) -> Ints:
    """How many points from the edge on come over a face, [path]; behind them nothing does."""
    node, _ = _legendre(count)
    over = np.sqrt(2.0 * _DEEP * least[:, 1:-1] / k)
    share = over / np.minimum(reach[:, 1:], reach[:, :-1])
    share = np.where(np.isnan(face), 0.0, share).max(axis=1, initial=0.0)
    blocks = -(-np.searchsorted((node + 1.0) / 2.0, share) // _BLOCK)
    return np.minimum(blocks * _BLOCK, count)


@dataclass(frozen=True)
class _Screens:
    """Paths over as many edges each, all arrays as in knife_edges."""

    way: Floats
    turn: Floats
    reach: Floats
    face: Complexes
    k: float


@dataclass(frozen=True)
class Gap:
    """From the openings of some screens to those of the next ones, on points of integration."""

    before: Floats  # [path, point], u of the points of the one [m]
    behind: Floats  # [path, point], u of those of the other [m]
    way: Floats  # [path], between them [m]
    falls: Floats  # [path], what the square of a distance of u is to be times for the exponent
    face: Complexes  # [path], relative permittivity of what leads there; NaN where nothing does
    imaged: int  # points of both from the edge on between which the face counts
    alongs: tuple[bool, ...]  # [polarisation]

    def take(self, rows: slice) -> "Gap":
        """Those of some paths."""
        return Gap(
            self.before[rows],
            self.behind[rows],
            self.way[rows],
            self.falls[rows],
            self.face[rows],
            self.imaged,
            self.alongs,
        )


Over = Callable[[Gap, Complexes], Complexes]


def over_gap(gap: Gap, fields: Complexes) -> Complexes:
    """Fields at the openings behind gaps, of those before them, [path, point, polarisation]."""
    step = max(1, _VALUES_AT_ONCE // gap.before.shape[1] ** 2)
    found = np.empty_like(fields)
    for start in range(0, len(fields), step):
        some = slice(start, start + step)
        found[some] = _over_gap(gap.take(some), fields[some])
    return found


def _over_gap(gap: Gap, fields: Complexes) -> Complexes:
    kernel = gap.behind[:, :, None] - gap.before[:, None, :]
    kernel *= kernel
    kernel *= -gap.falls[:, None, None]
    np.exp(kernel, out=kernel)
    # Real and imaginary parts as columns: the kernel is real.
    found = np.matmul(kernel, fields.view(np.float64)).view(np.complex128)
    some = np.flatnonzero(~np.isnan(gap.face))
    if len(some):
        near = slice(gap.imaged)
        both = gap.behind[some, near, None] + gap.before[some, None, near]
        image = np.exp(-gap.falls[some, None, None] * both**2)
        sine = np.exp(-0.25j * np.pi) * (both / gap.way[some, None, None])
        bounces = reflected(sine, gap.face[some, None, None], gap.alongs)
        for n, bounced in enumerate(bounces):
            bounced *= image
            found[some, near, n] += np.matmul(bounced, fields[some, near, n, None])[..., 0]
    return found


def _integral(
    screens: _Screens, alongs: tuple[bool, ...], count: int, imaged: int, over: Over
) -> Complexes:
    """Fields of some paths by `count` points an edge, [path, polarisation].

    Args:
        imaged: See _imaged_nodes.
    """
    way, turn, reach, k = screens.way, screens.turn, screens.reach, screens.k
    node, weight = _legendre(count)
    u = reach[..., None] * (node + 1.0) / 2.0  # [path, K, point]
    scale = reach[..., None] * weight / 2.0
    spot = np.exp(-k * turn[..., None] * u * np.exp(0.25j * np.pi)) * scale
    least = _least_m(way, reach, k, count)
    field = np.exp(-k * u[:, 0] ** 2 / (2 * way[:, :1])) * spot[:, 0]
    fields = np.repeat(field[..., None], len(alongs), axis=2)  # [path, point, polarisation]
    for m in range(1, turn.shape[1]):
        falls, face = k / (2 * least[:, m]), screens.face[:, m - 1]
        gap = Gap(u[:, m - 1], u[:, m], way[:, m], falls, face, imaged, alongs)
        fields = over(gap, fields) * spot[:, m, :, None]
    last = np.exp(-k * u[:, -1] ** 2 / (2 * way[:, -1:]))
    inner = least.copy()
    inner[:, 0], inner[:, -1] = way[:, 0], way[:, -1]
    total = np.cumsum(inner, axis=1)
    factor = np.sqrt(k * total[:, 1:] / (2 * np.pi * total[:, :-1] * inner[:, 1:])).prod(axis=1)
    result: Complexes = factor[:, None] * (fields * last[..., None]).sum(axis=1)
    return result


@cache
def _legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre; to find them takes as long as to use them once."""
    return np.polynomial.legendre.leggauss(count)


def reflected(
    sine: Complexes, permittivity: Complexes, alongs: tuple[bool, ...]
) -> list[Complexes]:
    """What half-spaces reflect at sines of grazing, complex as the way of integration is.

    Args:
        sine, permittivity: Shapes that go together; the latter infinite for conductors.
    Returns:
        For each of `alongs` an array like `sine`.
    """
    conducts = np.isinf(permittivity)
    finite = np.where(conducts, 1.0, permittivity)
    root = np.sqrt(sine**2 + (finite - 1.0))
    direct = [sine if along else finite * sine for along in alongs]
    below = [one + root for one in direct]
    # One division for both polarisations: it costs ten times as much as a product.
    share = 1.0 / (below[0] if len(below) == 1 else below[0] * below[1])
    found = []
    for n, along in enumerate(alongs):
        result = (direct[n] - root) * share
        if len(below) > 1:
            result *= below[1 - n]
        np.copyto(result, -1.0 if along else 1.0, where=conducts)
        found.append(result)
    return found
