"""A dataset and a radio map of the two-box scene, with links that have no path."""

import pytest

from rtwin.dataset import generate, open_dataset, open_radio_map

from ..tables import WITH_A_DEAD_SPOT


@pytest.fixture(scope="session")
def paths_file(two_boxes, tmp_path_factory):
    return _generate(two_boxes, tmp_path_factory, refraction=False)


@pytest.fixture(scope="session")
def powerless_file(two_boxes, tmp_path_factory):
    """As paths_file, but paths go through the metal, without power."""
    return _generate(two_boxes, tmp_path_factory, refraction=True)


def _generate(two_boxes, tmp_path_factory, refraction):
    file = tmp_path_factory.mktemp("plot") / "paths.h5"
    return generate(two_boxes(receivers=WITH_A_DEAD_SPOT, solver={"refraction": refraction}), file)


@pytest.fixture(scope="session")
def single_file(two_boxes, tmp_path_factory):
    receivers = {"kind": "list", "positions_m": [[25, -25, 1.5]]}
    transmitter = [{"name": "mast", "position_m": [0, 0, 12]}]
    file = tmp_path_factory.mktemp("plot") / "single.h5"
    return generate(two_boxes(receivers=receivers, transmitter=transmitter), file)


@pytest.fixture(scope="session")
def radio_map(map_file):
    return open_radio_map(map_file)


@pytest.fixture
def dataset(paths_file):
    with open_dataset(paths_file) as opened:
        yield opened


@pytest.fixture
def lost_link(dataset):
    """Receiver and transmitter of a link without a path."""
    rx, tx = divmod(int((dataset.num_paths == 0).nonzero()[0][0]), dataset.num_tx)
    return rx, tx
