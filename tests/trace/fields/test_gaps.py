"""The engine's sums from edge to edge against NumPy's."""

import numpy as np
import pytest

from rtwin.channel import Gap, faced_edges, knife_edges, over_gap
from rtwin.trace.engine import start_engine
from rtwin.trace.fields.gaps import GapsOnEngine

WAVELENGTH_M = 0.0857
CONCRETE, METAL = 5.24 - 0.4j, np.inf


@pytest.fixture(scope="module")
def on_engine():
    return GapsOnEngine(start_engine())


def ways(num, edges, seed=0):
    """Ways over edges, some steps short, some edges below the straight line of their neighbours."""
    rng = np.random.default_rng(seed)
    way = 10 ** rng.uniform(-0.5, 2.3, (num, edges + 1))
    return way, rng.uniform(-0.02, 0.3, (num, edges))


@pytest.mark.parametrize("edges", [1, 2, 3, 4])
def test_open_gaps(on_engine, edges):
    way, bend = ways(60, edges)
    expected = knife_edges(way, bend, WAVELENGTH_M)
    found = knife_edges(way, bend, WAVELENGTH_M, over=on_engine)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("edges", [2, 3])
def test_faces(on_engine, edges):
    way, bend = ways(60, edges, seed=1)
    bend = np.abs(bend)
    kinds = np.array([CONCRETE, METAL, np.nan, 2.0, 1e7 * (1 - 1j)])
    face = kinds[np.random.default_rng(2).integers(0, len(kinds), (60, edges - 1))]
    expected = faced_edges(way, bend, WAVELENGTH_M, face)
    found = faced_edges(way, bend, WAVELENGTH_M, face, over=on_engine)
    # Where the direct and the reflected wave all but cancel, rounding is left.
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-13)
    assert np.abs(expected[:, 0] / expected[:, 1] - 1).max() > 0.1  # faces do matter


def test_each_path_by_itself(on_engine):
    way, bend = ways(30, 3, seed=3)
    face = np.full((30, 2), CONCRETE)
    together = faced_edges(way, bend, WAVELENGTH_M, face, over=on_engine)
    for row in range(0, 30, 7):
        some = slice(row, row + 1)
        alone = faced_edges(way[some], bend[some], WAVELENGTH_M, face[some], over=on_engine)
        np.testing.assert_array_equal(alone, together[some])


def test_a_gap_without_a_face_beside_one_with(on_engine):
    rng = np.random.default_rng(4)
    u = np.sort(rng.uniform(0, 5, (4, 2, 16)), axis=2)
    gap = Gap(
        before=u[:, 0],
        behind=u[:, 1],
        way=np.full(4, 20.0),
        falls=np.full(4, 1.8),
        face=np.array([np.nan, CONCRETE, METAL, np.nan]),
        imaged=8,
        alongs=(True, False),
    )
    fields = rng.normal(size=(4, 16, 2)) + 1j * rng.normal(size=(4, 16, 2))
    np.testing.assert_allclose(on_engine(gap, fields), over_gap(gap, fields), rtol=1e-10)
