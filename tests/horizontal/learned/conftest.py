"""One small scene with a few edits, traced once."""

import pytest

from rtwin.horizontal.learned.pairs.files import make_scene_pairs


@pytest.fixture(scope="session")
def street():
    return make_scene_pairs("canyon_900", 6)


@pytest.fixture(scope="session")
def office():
    return make_scene_pairs("rooms_901", 3)
