"""A batch of receivers gives the same bits as its receivers one by one."""

import dataclasses

import numpy as np
import pytest

from rtwin.trace import TracedPaths, Tracer, load_world, place

EVERYTHING = {"diffraction": True, "edge_diffraction": True, "max_depth": 3}
FIELDS = [f.name for f in dataclasses.fields(TracedPaths) if f.name != "num_paths"]


def take(receivers, rows):
    return dataclasses.replace(
        receivers,
        position_m=receivers.position_m[rows],
        velocity_m_s=receivers.velocity_m_s[rows],
        orientation_rad=receivers.orientation_rad[rows],
    )


def bits(traced):
    return [np.ascontiguousarray(getattr(traced, name)).tobytes() for name in FIELDS]


def split_by_receiver(traced, num_tx):
    ends = np.cumsum(traced.num_paths.reshape(-1, num_tx).sum(axis=1))[:-1]
    columns = [np.split(getattr(traced, name), ends) for name in FIELDS]
    return [[np.ascontiguousarray(c).tobytes() for c in row] for row in zip(*columns, strict=True)]


@pytest.fixture(scope="module", params=[EVERYTHING, {"diffuse_reflection": True}])
def traced(request, two_boxes):
    materials = {"brick": {"scattering_coefficient": 0.4}}
    recipe = two_boxes(
        materials=materials, solver={**request.param, "rays": 20_000, "diffuse_rays": 1_000}
    )
    world = load_world(recipe)
    tracer, receivers = Tracer(world), place(world)
    return tracer, receivers, tracer.trace(receivers)


def test_batch_equals_singles(traced):
    tracer, receivers, batch = traced
    whole = split_by_receiver(batch, 2)
    assert sum(map(len, (row[0] for row in whole))) > 0
    for i in range(len(receivers)):
        single = tracer.trace(take(receivers, [i]))
        assert bits(single) == whole[i], f"receiver {i}"


def test_order_of_receivers_does_not_matter(traced):
    tracer, receivers, batch = traced
    order = np.random.default_rng(0).permutation(len(receivers))
    shuffled = split_by_receiver(tracer.trace(take(receivers, order)), 2)
    whole = split_by_receiver(batch, 2)
    assert shuffled == [whole[i] for i in order]


def test_fresh_tracer_gives_the_same_bits(traced):
    tracer, receivers, batch = traced
    again = Tracer(load_world(tracer.world.recipe)).trace(receivers)
    assert bits(again) == bits(batch)


def test_paths_of_a_link_come_by_delay(traced):
    _, _, batch = traced
    ends = np.cumsum(batch.num_paths)[:-1]
    for delays in np.split(batch.delay_s, ends):
        assert (np.diff(delays) >= 0).all()


def test_no_path_twice(traced):
    """No two paths of a link do the same things at the same places."""
    _, _, batch = traced
    links = np.repeat(np.arange(len(batch.num_paths)), batch.num_paths)
    places = np.nan_to_num(batch.vertex_m).reshape(len(links), -1).round(2)
    rows = np.column_stack([links, batch.interactions, places])
    assert len(np.unique(rows, axis=0)) == len(rows)
