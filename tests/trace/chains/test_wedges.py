"""An edge is stored as three numbers and comes back to the bit."""

import numpy as np

from rtwin.trace import Tracer, load_world, place
from rtwin.trace.chains.wedges import (
    NO_EDGE,
    WEDGE_FIELDS,
    edges_of_wedges,
    first_faces,
    wedges_of_edges,
)
from rtwin.trace.fields.coefficients import refine
from rtwin.trace.paths.connect import connect


def test_edges_come_back_to_the_bit(two_boxes):
    """Edges of solids and both sides of free edges: the sheet is seen from either side."""
    recipe = two_boxes(
        transmitter=[
            {"name": "south", "position_m": [-8, 10, 5]},
            {"name": "north", "position_m": [-8, 40, 5]},
        ],
        receivers={"kind": "random", "count": 60, "area": [-45, -45, 45, 45]},
        solver={"diffraction": True, "edge_diffraction": True, "max_depth": 2},
    )
    world = load_world(recipe)
    receivers, tracer = place(world), Tracer(world)
    seen = set()
    for source in tracer.sources:
        table = connect(world, source.images, receivers.position_m, recipe.solver)
        table = refine(world, table, source.position_m, receivers.position_m, recipe.solver)
        edge = edges_of_wedges(world, table.wedge)
        diffracts = (table.kind == 8).any(axis=1)
        np.testing.assert_array_equal(edge != NO_EDGE, diffracts)
        where = (table.kind == 8).argmax(axis=1)
        triangle = table.triangle[np.arange(len(table)), where]
        np.testing.assert_array_equal(
            triangle[diffracts], first_faces(world, table.wedge)[diffracts]
        )
        back = wedges_of_edges(world, np.where(diffracts, triangle, 0).astype(np.uint32), edge)
        for name in WEDGE_FIELDS.names:
            np.testing.assert_array_equal(back[name], table.wedge[name], err_msg=name)
        seen |= set(edge.tolist())
    assert {0, 1, 2, NO_EDGE} <= seen
    assert seen & {3, 4, 5}, "no free edge was seen from the back"
