"""Two edges with a face between them: laws of mirror images, and the exact field behind
a conducting slab by boundary elements."""

import numpy as np
import pytest
from scipy.special import hankel1

from rtwin.channel import fresnel_half_space, knife_edges
from rtwin.channel.screens import reflected
from rtwin.units import to_db

WAVELENGTH_M = 0.0857
K = 2 * np.pi / WAVELENGTH_M
CONCRETE = 5.24 - 0.4j


def slab(width, distance=5.0, depth=1.0):
    """Ways and bends over a slab from ends beside it, some metres below its top."""
    way = np.hypot(distance, depth)
    bend = 2 * np.sin(0.5 * np.arctan2(depth, distance))
    return np.array([[way, width, way]]), np.array([[bend, bend]])


def test_screens_are_the_mean_of_both_conductors():
    way, bend = slab(np.array(0.4))
    both = [
        knife_edges(way, bend, WAVELENGTH_M, [[np.inf]], along=along) for along in (False, True)
    ]
    screens = knife_edges(way, bend, WAVELENGTH_M)
    np.testing.assert_allclose(0.5 * (both[0] + both[1]), screens, rtol=1e-9)


@pytest.mark.parametrize("along", [False, True])
def test_faces_of_air_and_very_good_conductors(along):
    way, bend = slab(0.4)
    none, air, wet, metal = (
        knife_edges(way, bend, WAVELENGTH_M, [[face]], along=along)
        for face in (np.nan, 1.0, 1 - 1e12j, np.inf)
    )
    np.testing.assert_allclose(air, none, rtol=1e-9)
    np.testing.assert_allclose(wet, metal, rtol=1e-3)


@pytest.mark.parametrize("along", [False, True])
def test_both_directions_are_alike(along):
    random = np.random.default_rng(5)
    way, bend = random.uniform(1, 300, (40, 4)), random.uniform(0.0, 0.4, (40, 3))
    face = np.tile([CONCRETE, np.nan], (40, 1))
    there = knife_edges(way, bend, WAVELENGTH_M, face, along=along)
    back = knife_edges(way[:, ::-1], bend[:, ::-1], WAVELENGTH_M, face[:, ::-1], along=along)
    np.testing.assert_allclose(back, there, rtol=1e-6)


@pytest.mark.parametrize("along", [False, True])
def test_faces_reflect_as_half_spaces(along):
    sine = np.array([0.01, 0.2, 0.9])
    expected = fresnel_half_space(np.pi / 2 - np.arcsin(sine), CONCRETE)
    (found,) = reflected(sine.astype(complex), np.array(CONCRETE), (along,))
    np.testing.assert_allclose(found, expected.te if along else expected.tm, rtol=1e-9)


def boundary(width, height):
    """Panels of a rectangle whose top is at 0, graded towards its corners: begins and ends."""

    def side(a, b):
        middle = (a + b) / 2
        length, mark = np.linalg.norm(middle - a), [0.0]
        least = min(width / 16, WAVELENGTH_M / 40)
        while mark[-1] < length:
            mark.append(mark[-1] + min(least * (1 + 0.25 * len(mark)), WAVELENGTH_M / 9))
        share = np.array(mark)[:, None] / mark[-1]
        return np.concatenate([a + share * (middle - a), (b + share * (middle - b))[-2::-1]])

    x = width / 2
    corner = np.array([[-x, 0], [x, 0], [x, -height], [-x, -height]])
    sides = [side(corner[i], corner[(i + 1) % 4]) for i in range(4)]
    return np.concatenate([s[:-1] for s in sides]), np.concatenate([s[1:] for s in sides])


def behind_a_conductor(width, height, source, place):
    """Field over that without the rectangle, along the edges and across: boundary elements."""
    begin, end = boundary(width, height)
    middle, length = (begin + end) / 2, np.linalg.norm(end - begin, axis=1)
    tangent = (end - begin) / length[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    count = len(middle)
    # Points within, where there is no field, take the resonances of the inside away.
    random = np.random.default_rng(0)
    within = random.uniform([-0.4, -1], [0.4, -0.02], (150, 2)) * [width, height]
    points = np.concatenate([middle, within])
    node, weight = np.polynomial.legendre.leggauss(3)
    single = np.zeros((len(points), count), complex)
    double = np.zeros((len(points), count), complex)
    for x, w in zip(node, weight, strict=True):
        way = points[:, None] - (middle + (x / 2 * length)[:, None] * tangent)
        r = np.maximum(np.linalg.norm(way, axis=2), 1e-9)
        single += 0.25j * hankel1(0, K * r) * (w / 2 * length)
        double += 0.25j * K * hankel1(1, K * r) * (way * normal).sum(axis=2) / r * (w / 2 * length)
    own = np.arange(count)
    single[own, own] = length * (
        0.25j - (np.log(K * length / 4) + np.euler_gamma - 1) / (2 * np.pi)
    )
    double[own, own] = -0.5
    incident = 0.25j * hankel1(0, K * np.linalg.norm(points - source, axis=1))
    way = place - middle
    r = np.linalg.norm(way, axis=1)
    to_place = 0.25j * hankel1(0, K * r) * length
    from_double = 0.25j * K * hankel1(1, K * r) * (way * normal).sum(axis=1) / r * length
    free = 0.25j * hankel1(0, K * np.linalg.norm(place - source))
    soft = free - to_place @ np.linalg.solve(single[:count], incident[:count])
    adjoint = double.conj().T
    hard = free + from_double @ np.linalg.solve(adjoint @ double, -adjoint @ incident)
    return soft / free, hard / free


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "depth"), [(0.05, 1.0), (0.1, 1.0), (0.3, 1.0), (1.0, 1.0), (0.1, 0.3)]
)
def test_behind_a_conducting_slab(width, depth):
    """A slab 6 m deep; the mean over two depths half a wave apart takes its lower end away.

    Within 1.5 dB: what the walls reflect towards the edges, 1.6 dB at a single edge, is in
    no knife edge.
    """
    source, place = np.array([[-5 - width / 2, -depth], [5 + width / 2, -depth]])
    half_wave_m = WAVELENGTH_M / 2 / np.sqrt(2)  # the way below gets longer by 1.4 of it
    exact = np.mean(
        [behind_a_conductor(width, 6 + more, source, place) for more in (0, half_wave_m)], axis=0
    )
    way, bend = slab(width, 5.0, depth)
    for along, field in zip((True, False), exact, strict=True):
        found = knife_edges(way, bend, WAVELENGTH_M, [[np.inf]], along=along)[0]
        found *= (10 + width) / way.sum()
        assert 2 * to_db(abs(found / field)) == pytest.approx(0, abs=1.5)
