"""Finished files that several tests look at."""

import pytest

from rtwin.dataset import generate, generate_radio_map


@pytest.fixture(scope="session")
def paths_file(two_boxes, tmp_path_factory):
    return generate(two_boxes(), tmp_path_factory.mktemp("paths") / "paths.h5", shard_size=5)


@pytest.fixture(scope="session")
def map_file(two_boxes, tmp_path_factory):
    return generate_radio_map(two_boxes(), tmp_path_factory.mktemp("map") / "map.h5")
