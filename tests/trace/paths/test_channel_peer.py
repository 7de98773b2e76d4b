"""From traced paths to channels: CIR, CFR and taps equal Sionna's own, arrays included.

At 1 GHz: Sionna keeps delays in single precision, which alone turns the carrier
by 3e-4 rad over 40 m at 3.5 GHz.
"""

import numpy as np
import pytest

from rtwin.channel import cfr, cir, taps
from rtwin.dataset import generate, open_dataset
from rtwin.trace import load_world, place

ANTENNA = {
    "pattern": "tr38901",
    "polarization": "cross",
    "num_rows": 2,
    "num_cols": 3,
    "vertical_spacing": 0.7,
    "horizontal_spacing": 0.5,
}
RX_ANTENNA = {"pattern": "iso", "polarization": "VH", "num_cols": 2}
BANDWIDTH_HZ = 20e6


@pytest.fixture(scope="module")
def both(two_boxes, tmp_path_factory):
    """The same links in a dataset and as Sionna's Paths with synthetic arrays."""
    recipe = two_boxes(
        frequency_hz=1e9,
        transmitter=[
            {
                "name": "tx",
                "position_m": [0, 0, 12],
                "azimuth_deg": 30,
                "downtilt_deg": 10,
                "velocity_m_s": [3, -2, 1],
                "antenna": ANTENNA,
            }
        ],
        receivers={"kind": "random", "count": 8, "area": [-15, -15, 15, 15], "antenna": RX_ANTENNA},
        solver={"max_depth": 3, "refraction": False},
    )
    file = generate(recipe, tmp_path_factory.mktemp("peer") / "x.h5")
    world = load_world(recipe)
    rt, scene = world.engine.rt, world.scene
    tx = recipe.transmitter[0]

    def array(antenna):
        return rt.PlanarArray(**antenna.model_dump(exclude={"synthetic_array"}))

    scene.tx_array, scene.rx_array = array(tx.antenna), array(recipe.receivers.antenna)
    scene.add(
        rt.Transmitter(
            "tx",
            list(tx.position_m),
            orientation=list(tx.orientation_rad),
            velocity=list(tx.velocity_m_s),
        )
    )
    for i, position in enumerate(place(world).position_m):
        scene.add(rt.Receiver(f"rx{i}", position.tolist()))
    paths = rt.PathSolver(deterministic=True)(
        scene, max_depth=3, samples_per_src=recipe.solver.rays, refraction=False, seed=recipe.seed
    )
    with open_dataset(file) as dataset:
        own = dataset.paths()
        arrays = dict(zip(("tx_array", "rx_array"), dataset.arrays(0, 8), strict=True))
    assert own.num_paths.sum() == paths.valid.numpy().sum()
    return own, arrays, paths


def close(found, expected, tolerance=1e-4):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=tolerance * scale)


def test_cfr(both):
    own, arrays, peer = both
    frequencies = np.linspace(-BANDWIDTH_HZ / 2, BANDWIDTH_HZ / 2, 33)
    expected = peer.cfr(
        frequencies=frequencies, sampling_frequency=1e3, num_time_steps=4, out_type="numpy"
    )[:, :, 0]
    times = np.arange(4) / 1e3
    found = cfr(own, frequencies, times, normalize_delays=True, **arrays)
    # Sionna: [rx, rx_ant, tx_ant, time, frequency]
    close(found, expected)


def test_taps(both):
    own, arrays, peer = both
    expected = peer.taps(BANDWIDTH_HZ, -2, 8, out_type="numpy")[:, :, 0]
    found = taps(own, BANDWIDTH_HZ, -2, 8, normalize_delays=True, **arrays)
    close(found, expected)


def test_cir(both):
    """Path by path: each of ours is among Sionna's of the link."""
    own, arrays, peer = both
    expected, delays = peer.cir(out_type="numpy")
    found = cir(own, normalize_delays=True, **arrays)[..., 0]
    for link in range(own.num_links):
        rows = slice(own.offsets[link], own.offsets[link + 1])
        theirs = expected[link, :, 0, :, :, 0]
        valid = delays[link, 0] >= 0
        distance = np.abs(found[rows][..., None] - theirs[None]).max(axis=(1, 2))
        best = np.where(valid, distance, np.inf).min(axis=1)
        assert (best < 1e-4 * np.abs(expected).max()).all()


def test_doppler(both):
    own, _, peer = both
    theirs = peer.doppler.numpy()[:, 0]
    valid = peer.valid.numpy()[:, 0]
    for link in range(own.num_links):
        rows = slice(own.offsets[link], own.offsets[link + 1])
        np.testing.assert_allclose(
            np.sort(own.doppler_hz[rows]), np.sort(theirs[link][valid[link]]), atol=1e-3
        )
