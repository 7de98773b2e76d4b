"""The real DeepMIMO computes our channels from the exported scenario: `pytest -m peer`."""

import numpy as np
import pytest

from rtwin.channel import AntennaArray, cfr
from rtwin.dataset import open_dataset
from rtwin.export import export

# Its Sionna extra would pin another Mitsuba; NumPy 2.4 breaks it.
REQUIREMENTS = ["deepmimo==4.0.5", "numpy<2.3"]
NUM_SUBCARRIERS, BANDWIDTH_HZ = 256, 50e6
TIMES_S = [0.0, 1e-3, 4e-3]

pytestmark = pytest.mark.peer


def their_array(shape, spacing, frequency_hz, orientation):
    """DeepMIMO's panel: first across, then up, counted from a corner, not from the centre."""
    y, z = np.tile(np.arange(shape[0]), shape[1]), np.repeat(np.arange(shape[1]), shape[0])
    positions = np.stack([np.zeros_like(y), y, z], axis=-1) * spacing * 299792458.0 / frequency_hz
    return AntennaArray(positions, orientation)


def error(found, ours):
    return np.abs(found - ours).max() / np.abs(ours).max()


@pytest.mark.parametrize("twin", ["standing", "moving"])
def test_channels_are_ours(twin, peer, request, tmp_path, figure):
    file = request.getfixturevalue(twin)
    export(file, "deepmimo", tmp_path / "deepmimo_scenarios" / "scene")
    peer("deepmimo", REQUIREMENTS, "deepmimo_channels.py", tmp_path, "scene", tmp_path / "x.npz")
    found = np.load(tmp_path / "x.npz")
    frequencies = np.arange(NUM_SUBCARRIERS) * BANDWIDTH_HZ / NUM_SUBCARRIERS
    worst = {"channel": 0.0, "moved": 0.0}
    with open_dataset(file) as dataset:
        num_scenes = 1 if twin == "standing" else dataset.num_rx
        rx_orientation = np.radians([40.0, -10.0, 5.0])
        for tx in range(dataset.num_tx):
            tx_array = their_array((4, 2), 0.5, 3.5e9, dataset.read("tx_orientation_rad")[tx])
            rx_array = their_array((2, 1), 0.4, 3.5e9, rx_orientation)
            links = np.arange(dataset.num_rx) * dataset.num_tx + tx
            paths = dataset.paths().select(links)
            ours = cfr(paths, frequencies, TIMES_S, tx_array=tx_array, rx_array=rx_array)
            assert np.abs(ours[..., 2, :] - ours[..., 0, :]).max() > 0 or twin == "standing"
            for scene in range(num_scenes):
                rows = slice(None) if num_scenes == 1 else slice(scene, scene + 1)
                key = f"{scene}_{tx}"
                still = ours[rows][..., 0, :]
                moved = np.moveaxis(ours[rows], -2, -1)
                assert found[f"channel_{key}"].shape == still.shape
                worst["channel"] = max(worst["channel"], error(found[f"channel_{key}"], still))
                worst["moved"] = max(worst["moved"], error(found[f"moved_{key}"], moved))
                part = paths.select(rows)
                sight = np.bincount(
                    part.link_index, part.is_line_of_sight & (part.power > 0), part.num_links
                )
                alive = np.bincount(part.link_index, part.power > 0, part.num_links)
                wanted = np.where(alive > 0, sight > 0, -1)
                np.testing.assert_array_equal(found[f"num_paths_{key}"], alive)
                np.testing.assert_array_equal(found[f"los_{key}"], wanted)
                assert found[f"num_objects_{key}"] == 4
            for scene in range(num_scenes if num_scenes > 1 else 0):
                walk = np.array([10.0, 25.0, 0.0]) / np.hypot(10, 25) * 10
                np.testing.assert_allclose(found[f"rx_vel_{scene}_{tx}"][0], walk, rtol=1e-4)
    figure(
        f"{twin} twin: relative error of DeepMIMO's channels {worst['channel']:.1e}, "
        f"over time {worst['moved']:.1e}"
    )
    assert worst["channel"] < 1e-4
    assert worst["moved"] < 1e-4
