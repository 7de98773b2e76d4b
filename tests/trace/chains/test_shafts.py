"""No chain is passed over whose ways meet a box."""

import numpy as np
import pytest

from rtwin.horizontal import trace_state
from rtwin.trace import Tracer, segments_meet, world_of_parts
from rtwin.trace.chains.shafts import chains_through_boxes, hull_meets_box

from ...horizontal.worlds import blocks

COARSE = {"cell_size_m": 8.0, "area": (-60.0, -60.0, 60.0, 60.0)}


def test_boxes_between_boxes():
    """Against straight ways between random points; shafts are not much wider than they are."""
    rng = np.random.default_rng(5)
    one, other, box = (np.sort(rng.uniform(-4, 4, (400, 2, 3)), axis=1) for _ in range(3))
    found = hull_meets_box(one, other, box)
    hit = np.zeros(400, bool)
    for _ in range(2000):
        start, end = (
            m[:, 0] + rng.uniform(size=(400, 3)) * (m[:, 1] - m[:, 0]) for m in (one, other)
        )
        hit |= segments_meet(start, end, box[:, 0], box[:, 1])
    assert not (hit & ~found).any()
    assert (found & ~hit).mean() < 0.05
    assert 0.2 < found.mean() < 0.98


@pytest.mark.parametrize("solver", [{}, {"refraction": False}, {"diffraction": True}])
def test_ways_of_traced_paths(solver):
    recipe = blocks(11, **solver)
    rough = recipe.radio_map.model_copy(update=COARSE)
    state = trace_state(recipe.model_copy(update={"radio_map": rough}))
    world = world_of_parts(state.recipe, state.parts)
    tracer = Tracer(world)
    rng = np.random.default_rng(1)
    low = rng.uniform([-50, -50, 0], [50, 50, 3], (4, 3))
    boxes = np.stack([low, low + rng.uniform(1, 4, (4, 3))], axis=1)
    cells = state.grid.centers_m.reshape(-1, 3)
    share, num_met = [], 0
    for source, trace in zip(tracer.sources, state.traces, strict=True):
        np.testing.assert_array_equal(source.stored_chains.triangle, trace.chains.triangle)
        for box in boxes:
            may = chains_through_boxes(world, source.images, source.chains.parent, box[None])
            met = np.zeros(len(trace), bool)
            start = np.broadcast_to(source.position_m, (len(trace), 3))
            for depth in range(trace.interactions.shape[1] + 1):
                end = cells[trace.receiver]
                if depth < trace.interactions.shape[1]:
                    there = (trace.interactions[:, depth] != 0)[:, None]
                    end = np.where(there, trace.vertex_m[:, depth].astype(float), start)
                met |= segments_meet(start, end, *box)
                start = end
            num_met += met.sum()
            assert may[trace.chain[met]].all()
            share.append(may.mean())
    assert np.mean(share) < 0.6
    assert num_met > 20
