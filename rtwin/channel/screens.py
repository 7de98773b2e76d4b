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

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats

_LEAST_POINTS = 32
_MOST_POINTS = 256
_VALUES_AT_ONCE = 100_000  # what the caches of a processor hold
_DEEP = 40.0  # exponent from which on the integrand is negligible
_FREE = 5.0  # exponent of a bend below which an edge has no effect


def knife_edges(
    way_m: ArrayLike,
    bend: ArrayLike,
    wavelength_m: float,
    face: ArrayLike | None = None,
    *,
    along: bool = True,
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
    Returns:
        [path], complex, without the phase of the way; 1 for K = 0.
    Source: L. E. Vogler, Radio Science 17 (1982) 1541; one edge is ITU-R P.526, section
    4.1; faces: J. H. Whitteker, Radio Science 25 (1990) 837. Checked by
    tests/physics/test_screens.py and tests/physics/test_thick_screens.py.
    """
    return _fields(way_m, bend, wavelength_m, face, (along,))[:, 0]


def faced_edges(
    way_m: ArrayLike, bend: ArrayLike, wavelength_m: float, face: ArrayLike
) -> Complexes:
    """knife_edges over faces for fields along the edges and across them at once, [path, 2].

    Args: as knife_edges. Checked by tests/physics/test_thick_screens.py.
    """
    return _fields(way_m, bend, wavelength_m, face, (True, False))


def _fields(
    way_m: ArrayLike,
    bend: ArrayLike,
    wavelength_m: float,
    face: ArrayLike | None,
    alongs: tuple[bool, ...],
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
    for count in np.unique(points):
        rows = np.flatnonzero(points == count)
        step = max(1, _VALUES_AT_ONCE // (count * count))
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            result[some] = _integral(
                way[some], turn[some], reach[some], between[some], alongs, k, int(count)
            )
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


def _integral(
    way: Floats,
    turn: Floats,
    reach: Floats,
    face: Complexes,
    alongs: tuple[bool, ...],
    k: float,
    count: int,
) -> Complexes:
    node, weight = _legendre(count)
    u = reach[..., None] * (node + 1.0) / 2.0  # [path, K, point]
    scale = reach[..., None] * weight / 2.0
    num_edges = turn.shape[1]
    spot = np.exp(-k * turn[..., None] * u * np.exp(0.25j * np.pi))
    least = np.maximum(way, k * (2.0 * reach.max(axis=1) / count)[:, None] ** 2)
    field = np.exp(-k * u[:, 0] ** 2 / (2 * way[:, :1])).astype(np.complex128)
    field *= spot[:, 0] * scale[:, 0]
    fields = [field for _ in alongs]
    for m in range(1, num_edges):
        between = u[:, m, :, None] - u[:, m - 1, None, :]
        kernel = np.exp(-k * between**2 / (2 * least[:, m, None, None])).astype(np.complex128)
        some = np.flatnonzero(~np.isnan(face[:, m - 1]))
        if len(some):
            both = u[some, m, :, None] + u[some, m - 1, None, :]
            sine = np.exp(-0.25j * np.pi) * both / way[some, m, None, None]
            image = np.exp(-k * both**2 / (2 * least[some, m, None, None]))
            permittivity = face[some, m - 1, None, None]
            root = _root(sine, permittivity)
        for n, along in enumerate(alongs):
            whole = kernel
            if len(some):
                whole = kernel.copy() if n + 1 < len(alongs) else kernel
                whole[some] += _reflected(sine, permittivity, root, along) * image
            fields[n] = np.einsum("pij,pj->pi", whole, fields[n]) * spot[:, m] * scale[:, m]
    last = np.exp(-k * u[:, -1] ** 2 / (2 * way[:, -1:]))
    inner = least.copy()
    inner[:, 0], inner[:, -1] = way[:, 0], way[:, -1]
    total = np.cumsum(inner, axis=1)
    factor = np.sqrt(k * total[:, 1:] / (2 * np.pi * total[:, :-1] * inner[:, 1:])).prod(axis=1)
    return np.stack([factor * (field * last).sum(axis=1) for field in fields], axis=1)


@cache
def _legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre; to find them takes as long as to use them once."""
    return np.polynomial.legendre.leggauss(count)


def reflected(sine: Complexes, permittivity: Complexes, along: bool) -> Complexes:
    """What a half-space reflects at a sine of grazing, complex as the way of integration is."""
    return _reflected(sine, permittivity, _root(sine, permittivity), along)


def _root(sine: Complexes, permittivity: Complexes) -> Complexes:
    root: Complexes = np.sqrt(np.where(np.isinf(permittivity), 1.0, permittivity) - 1.0 + sine**2)
    return root


def _reflected(sine: Complexes, permittivity: Complexes, root: Complexes, along: bool) -> Complexes:
    conducts = np.isinf(permittivity)
    direct = sine if along else np.where(conducts, 1.0, permittivity) * sine
    result: Complexes = (direct - root) / (direct + root)
    return np.where(conducts, -1.0 if along else 1.0, result)
