"""Rays bend at the free edges that are asked for, and do at all others as if there were none."""

import numpy as np
import pytest

from rtwin.trace import load_world
from rtwin.trace.chains.shoot import shoot


def bounces(world, **switches):
    position = world.recipe.transmitter[0].position_m
    return list(
        shoot(
            world,
            position,
            20_000,
            2,
            specular_reflection=True,
            refraction=True,
            diffraction=True,
            **switches,
        )
    )


@pytest.mark.parametrize("diffract", [False, True])
def test_free_edges_that_do_not_diffract_are_none(two_boxes, diffract):
    """A table says which do: with none of them, or all, it is the engine's own switch."""
    world = load_world(two_boxes(solver={"diffraction": True}))
    sides = np.full((len(world.triangles.vertices), 3), diffract)
    expected = bounces(world, edge_diffraction=diffract)
    found = bounces(world, edge_diffraction=True, own_free=sides)
    assert len(expected) == len(found) == 2
    for one, other in zip(found, expected, strict=True):
        for name in ("ray", "kind", "triangle", "point", "normal", "probability", "wedge"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    some, all_of_them = (bounces(world, edge_diffraction=switch) for switch in (False, True))
    assert (all_of_them[0].kind == 8).sum() > (some[0].kind == 8).sum() > 0
