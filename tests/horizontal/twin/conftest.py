"""A coarse twin of the two boxes, built once and copied for each file that updates it."""

import shutil

import pytest

from rtwin.horizontal import create_twin


@pytest.fixture(scope="session")
def coarse_twin(two_boxes, tmp_path_factory):
    """Its folder, which nobody may update."""
    folder = tmp_path_factory.mktemp("coarse") / "coarse.twin"
    solver = {"rays": 5_000, "max_depth": 1}
    create_twin(two_boxes(radio_map={"cell_size_m": 10.0}, solver=solver), folder)
    return folder


@pytest.fixture(scope="module")
def own_twin(coarse_twin, tmp_path_factory):
    """A copy of it, to be updated."""
    return shutil.copytree(coarse_twin, tmp_path_factory.mktemp("own") / "own.twin")
