"""A small twin and the library of what was rehearsed with it, traced once."""

import pytest

from rtwin.horizontal import trace_state
from rtwin.horizontal.rehearsal import rehearse_state


@pytest.fixture(scope="session")
def small_state(two_boxes):
    """The two-box scene, cells of 6 m."""
    return trace_state(two_boxes(radio_map={"area": [-42, -42, 42, 42], "cell_size_m": 6.0}))


@pytest.fixture(scope="session")
def small_library(small_state):
    """Sixteen edits of it."""
    return rehearse_state(small_state, 16, seed=3)
