"""What is held out: whole blocks, places or transmitters, and nothing twice."""

import numpy as np
import pytest

from rtwin.calibration import load_measurements
from rtwin.calibration.campaign.blocks import splits
from rtwin.errors import OutOfRangeError


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


@pytest.mark.parametrize(("kind", "count"), [("blocks", 3), ("random", 3), ("transmitters", 2)])
def test_rows_go_one_way(data, kind, count):
    found = splits(data, kind, 50.0, 0.4, 3, 1)
    assert len(found) == count
    for rest, held in found:
        assert np.array_equal(np.sort(np.concatenate([rest, held])), np.arange(len(data)))
        if kind == "transmitters":
            assert len(np.unique(data.tx[held])) == 1
            assert not np.isin(data.tx[rest], data.tx[held]).any()
        else:
            assert 0.3 < len(held) / len(data) < 0.5


def test_random_places_have_neighbours_in_training(data):
    """That is why their error is lower, and not the one to quote."""

    def nearest(kind):
        rest, held = splits(data, kind, 50.0, 0.4, 1, 1)[0]
        off = data.position_m[held, None, :2] - data.position_m[None, rest, :2]
        return np.median(np.linalg.norm(off, axis=2).min(axis=1))

    assert nearest("random") < 0.7 * nearest("blocks")


def test_a_place_goes_whole(data):
    """Two devices at one place are not one in training and one in judgement."""
    from rtwin.calibration.application.discrepancy_map import _joined

    both = _joined(data, data)
    rest, held = splits(both, "random", 50.0, 0.4, 1, 1)[0]
    assert not np.isin(rest % len(data), held % len(data)).any()


def test_one_transmitter_is_not_held_out(data):
    one = data.take(data.tx == 0)
    with pytest.raises(OutOfRangeError, match="one transmitter"):
        splits(one, "transmitters", 50.0, 0.4, 1, 1)
    with pytest.raises(OutOfRangeError, match="blocks, random or transmitters"):
        splits(data, "weeks", 50.0, 0.4, 1, 1)
