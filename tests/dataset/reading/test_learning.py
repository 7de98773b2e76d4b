"""Tensors of links, and splits that do not leak."""

import numpy as np
import pytest

from rtwin.dataset import LinkTensors, angle_delay, open_dataset, split_receivers
from rtwin.dataset.reading.learning import NO_PATH_DB
from rtwin.errors import OutOfRangeError


def test_splits_share_no_receiver_and_no_block(paths_file):
    with open_dataset(paths_file) as dataset:
        place = dataset.read("rx_position_m")[:, :2]
    parts = split_receivers(paths_file, (0.5, 0.25, 0.25), seed=3)
    assert sorted(np.concatenate(parts)) == list(range(len(place)))
    assert abs(len(parts[0]) - len(place) / 2) <= 1
    train, test = split_receivers(paths_file, (0.6, 0.4), block_m=15)
    blocks = [{tuple(b) for b in np.floor(place[part] / 15).tolist()} for part in (train, test)]
    assert not blocks[0] & blocks[1]
    assert len(train) + len(test) == len(place)
    for shares, block in (((0.8, 0.4), None), ((), None), ((1.0,), 0.0)):
        with pytest.raises(OutOfRangeError):
            split_receivers(paths_file, shares, block_m=block)


def test_tensors_are_those_of_the_dataset(paths_file):
    tensors = LinkTensors(paths_file, rx=[5, 1, 2], frequencies_hz=[-1e6, 0, 1e6])
    with open_dataset(paths_file) as dataset:
        assert len(tensors) == 3 * dataset.num_tx
        links = np.concatenate([dataset.links(rx) for rx in (1, 2, 5)])
        whole = dataset.cfr([-1e6, 0, 1e6], normalize_delays=True)[links][:, :, :, 0]
        num_paths = dataset.num_paths[links]
    (batch,) = tensors.batches(100)
    np.testing.assert_allclose(batch["cfr"], whole, rtol=1e-5)
    assert (batch["rx"] * tensors.num_tx + batch["tx"]).tolist() == links.tolist()
    np.testing.assert_array_equal(batch["path_gain_db"] == NO_PATH_DB, num_paths == 0)
    assert np.isfinite(batch["rms_delay_spread_s"]).all()
    one = tensors[4]
    np.testing.assert_allclose(one["cfr"], batch["cfr"][4], rtol=1e-6)
    drawn = np.concatenate([b["rx"] * tensors.num_tx + b["tx"] for b in tensors.batches(4, seed=1)])
    assert sorted(drawn) == links.tolist()
    assert drawn.tolist() != links.tolist()
    with pytest.raises(IndexError):
        tensors[len(tensors)]
    with pytest.raises(OutOfRangeError, match="rx goes from"):
        LinkTensors(paths_file, rx=[10**6])


def test_angle_delay_keeps_the_power_and_finds_the_beam():
    rng = np.random.default_rng(1)
    response = rng.normal(size=(5, 8, 16)) + 1j * rng.normal(size=(5, 8, 16))
    power = (np.abs(response) ** 2).mean(-1).sum(-1)
    np.testing.assert_allclose(angle_delay(response).sum((-2, -1)), power)
    port, frequency = np.arange(8)[:, None], np.arange(16)
    wave = np.exp(2j * np.pi * (port * 3 / 8 - frequency * 5 / 16))
    assert np.unravel_index(angle_delay(wave).argmax(), (8, 16)) == (3, 5)
