"""Finished files that several tests look at."""

import pytest

from rtwin.dataset import generate


@pytest.fixture(scope="session")
def paths_file(two_boxes, tmp_path_factory):
    return generate(two_boxes(), tmp_path_factory.mktemp("paths") / "paths.h5", shard_size=5)
