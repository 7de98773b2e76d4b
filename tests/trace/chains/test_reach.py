"""Culling by boxes of receivers loses no pair that a test of every receiver passes."""

import numpy as np
import pytest

from rtwin.trace import Tracer, load_world, place
from rtwin.trace.chains import reach
from rtwin.trace.chains.images import ChainImages, diffraction_parameter


@pytest.fixture(scope="module")
def tracer(two_boxes):
    recipe = two_boxes(
        receivers={"kind": "random", "count": 400, "area": [-45, -45, 45, 45]},
        solver={"diffraction": True, "edge_diffraction": True, "max_depth": 3, "rays": 30_000},
    )
    return Tracer(load_world(recipe))


def pairs(world, images, receivers_m):
    chain, receiver = reach.reachable_pairs(world, images, receivers_m)
    return np.sort(chain * len(receivers_m) + receiver)


def mirror_points_inside(world, images: ChainImages, receivers_m):
    """Every pair walked back in plain NumPy, one chain at a time."""
    found = []
    for chain in range(len(images)):
        vertex, inside = receivers_m, np.ones(len(receivers_m), bool)
        length, edges = images.length[chain], images.edges
        place_ = -1 if edges is None else edges.place[chain]
        t = np.zeros(len(vertex))
        if edges is not None:
            rows = np.full(len(vertex), chain)
            origin, direction = edges.origin[rows, length], edges.direction[rows, length]
            t = diffraction_parameter(images.image[rows, length], vertex, origin, direction)
            margin = reach.EDGE_MARGIN_M
            inside &= (t > -margin) & (t < edges.wedge["length"][chain] + margin)
        for k in range(length - 1, -1, -1):
            aim = np.broadcast_to(images.image[chain, k + 1], vertex.shape)
            if edges is not None and k >= place_:
                aim = edges.origin[chain, k + 1] + t[:, None] * edges.direction[chain, k + 1]
            if k == place_:
                way, source = vertex - aim, images.image[chain, k] - aim
                front, back = (edges.wedge[name][chain] for name in ("n0", "nn"))
                least = -reach.INSIDE_WEDGE_M
                inside &= (way @ front > least) | (way @ back > least)
                inside &= source @ front > least
                vertex = aim
                continue
            normal, point = images.normal[chain, k], images.point[chain, k]
            before, behind = (vertex - point) @ normal, (point - aim) @ normal
            inside &= before * behind > 0
            with np.errstate(divide="ignore", invalid="ignore"):
                vertex = vertex + (aim - vertex) * (before / (before + behind))[:, None]
            plane = images.plane[chain, k]
            inside &= (vertex > world.planes.low_m[plane]).all(axis=1)
            inside &= (vertex < world.planes.high_m[plane]).all(axis=1)
        found.append(chain * len(receivers_m) + np.flatnonzero(inside))
    return np.concatenate(found)


def test_pairs_are_those_whose_mirror_points_lie_on_their_planes(tracer):
    receivers_m = place(tracer.world).position_m
    for group in (group for source in tracer.sources for group in source.images):
        found = pairs(tracer.world, group, receivers_m)
        np.testing.assert_array_equal(found, mirror_points_inside(tracer.world, group, receivers_m))
        assert 0 < len(found) < 0.5 * len(group) * len(receivers_m)


def test_ways_through_the_inside_of_a_wedge_have_no_paths(two_boxes, monkeypatch):
    """They could pass its faces, were the image method not to refuse them: they are not walked."""
    recipe = two_boxes(
        receivers={"kind": "random", "count": 60, "area": [-45, -45, 45, 45]},
        solver={"diffraction": True, "refraction": True, "max_depth": 4, "rays": 10_000},
    )
    world = load_world(recipe)
    receivers, found, num_pairs = place(world), [], []
    for margin_m in (reach.INSIDE_WEDGE_M, 1e9):
        monkeypatch.setattr(reach, "INSIDE_WEDGE_M", margin_m)
        tracer = Tracer(world)
        found.append(tracer.trace(receivers))
        groups = tracer.sources[0].images
        num_pairs.append(sum(len(pairs(world, group, receivers.position_m)) for group in groups))
    one, other = found
    assert num_pairs[0] < 0.9 * num_pairs[1]
    np.testing.assert_array_equal(one.num_paths, other.num_paths)
    np.testing.assert_array_equal(one.interactions, other.interactions)
    np.testing.assert_allclose(one.vertex_m, other.vertex_m, atol=1e-4)


@pytest.mark.parametrize("branching", [2, 3, 16])
@pytest.mark.parametrize("height_m", [0.0, 40.0])
def test_boxes_lose_nothing(tracer, monkeypatch, branching, height_m):
    rng = np.random.default_rng(branching)
    receivers_m = rng.uniform([-60, -60, 0.5], [60, 60, 0.5 + height_m], (700, 3))
    for group in (group for source in tracer.sources for group in source.images):
        monkeypatch.setattr(reach, "BRANCHING", 10**6)
        every = pairs(tracer.world, group, receivers_m)
        monkeypatch.setattr(reach, "BRANCHING", branching)
        np.testing.assert_array_equal(pairs(tracer.world, group, receivers_m), every)


def test_boxes_lose_nothing_near_planes(tracer, monkeypatch):
    """Receivers on both sides of every wall, some in its plane, where the mirror turns over."""
    world = tracer.world
    corners = world.triangles.vertices.astype(np.float64)
    normal = world.triangles.normal.astype(np.float64)
    receivers_m = np.concatenate(
        [corners.mean(axis=1) + offset * normal for offset in (-1.0, -1e-4, 0.0, 1e-4, 1.0)]
    )
    for group in (group for source in tracer.sources for group in source.images):
        culled = pairs(world, group, receivers_m)
        monkeypatch.setattr(reach, "BRANCHING", 10**6)
        np.testing.assert_array_equal(culled, pairs(world, group, receivers_m))
        monkeypatch.undo()


def test_the_denser_the_receivers_the_fewer_tests_each(tracer, monkeypatch):
    tests = []
    passes = reach.BoundsTest.passes

    def counted(self, chain, *rest):
        tests.append(len(chain))
        return passes(self, chain, *rest)

    monkeypatch.setattr(reach.BoundsTest, "passes", counted)
    per_receiver = []
    for num in (100, 10_000):
        tests.clear()
        receivers_m = np.random.default_rng(0).uniform([-45, -45, 1.5], [45, 45, 1.5], (num, 3))
        pairs(tracer.world, tracer.sources[0].images[0], receivers_m)
        per_receiver.append(sum(tests) / num)
    assert per_receiver[1] < 0.5 * per_receiver[0]


def test_no_receivers(tracer):
    chain, receiver = reach.reachable_pairs(
        tracer.world, tracer.sources[0].images[0], np.zeros((0, 3))
    )
    assert len(chain) == len(receiver) == 0
