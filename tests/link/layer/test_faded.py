"""The link of paths: against the simple link where it must agree, against fading where not."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rtwin.channel import AntennaArray, PathSet
from rtwin.errors import OutOfRangeError
from rtwin.link import LinkAdaptation, cqi_efficiency
from rtwin.link.layer import FadedLink, Sounding, along, faded, faded_link
from rtwin.units import SPEED_OF_LIGHT_M_S, from_db

CARRIER_HZ = 3.5e9
LINK = LinkAdaptation(20e6)
NOISE_W = 1e-12


def path_set(gain, paths=1, delay_s=1e-7, azimuth=None, seed=1):
    """Links with `paths` paths each, of equal power and random phases."""
    rng = np.random.default_rng(seed)
    total = len(gain) * paths
    zero = np.zeros(total)
    phase = np.exp(2j * np.pi * rng.random(total)) if paths > 1 else np.ones(total)
    a = np.sqrt(np.repeat(gain, paths) / paths) * phase
    aoa = zero if azimuth is None else np.resize(azimuth, total)
    return PathSet(
        num_paths=np.full(len(gain), paths),
        a=a[:, None, None],
        delay_s=np.resize(delay_s, total),
        aod_azimuth=zero,
        aod_zenith=zero + np.pi / 2,
        aoa_azimuth=aoa,
        aoa_zenith=zero + np.pi / 2,
        doppler_hz=zero,
        interactions=np.zeros((total, 1), np.uint8),
        frequency_hz=CARRIER_HZ,
    )


def sounding(paths, rows, ues, num_tx=1, velocity=(0.0, 0.0, 0.0), **more):
    link = np.broadcast_to(np.arange(ues * num_tx).reshape(ues, num_tx), (rows, ues, num_tx))
    speed = np.broadcast_to(np.array(velocity), (rows, ues, 3))
    return Sounding(paths, link.copy(), speed, 0.1, (None,) * num_tx, **more)


def test_a_flat_channel_of_one_path_is_within_a_cqi_of_the_simple_link():
    sinr_db = np.arange(-8.0, 32.0, 0.5)
    paths = path_set(NOISE_W * from_db(sinr_db))
    found = faded_link(
        sounding(paths, 20, len(sinr_db)), np.ones(1), np.ones((20, 1)), NOISE_W, LINK
    )
    np.testing.assert_allclose(found.effective_sinr_db[0, :, 0], sinr_db, atol=0.05)
    simple = LINK.cqi(sinr_db)
    # Codes need less than the gap of 3 dB: never a CQI less, at most one more.
    assert ((found.cqi[0, :, 0] - simple) >= 0).all()
    assert ((found.cqi[0, :, 0] - simple) <= 1).all()
    settled = found.spectral_efficiency[10:, :, 0].mean(axis=0)
    speed = cqi_efficiency(2)
    below = 0.9 * LINK.spectral_efficiency(simple)  # a tenth is sent twice
    above = speed[np.minimum(simple + 2, 15)]
    assert (settled >= below - 1e-9).all()
    assert (settled <= above + 1e-9).all()
    ratio = settled[simple > 0].sum() / LINK.spectral_efficiency(simple)[simple > 0].sum()
    assert 0.98 < ratio < 1.2
    assert (found.num_layers == 1)[:, found.cqi[0, :, 0] > 0].all()


def test_selective_fading_costs_what_a_mean_hides():
    rng = np.random.default_rng(2)
    gain = np.full(30, NOISE_W * from_db(15.0))
    many = path_set(gain, 20, rng.exponential(2e-7, 600))
    one = path_set(gain)
    spread, flat = (
        faded_link(sounding(p, 10, 30), np.ones(1), np.ones((10, 1)), NOISE_W, LINK)
        for p in (many, one)
    )
    assert spread.effective_sinr_db.mean() < flat.effective_sinr_db.mean() - 0.5
    assert spread.spectral_efficiency.mean() < 0.95 * flat.spectral_efficiency.mean()


def test_motion_ages_the_report_and_the_outer_loop_answers():
    gain = np.full(20, NOISE_W * from_db(15.0))
    azimuth = np.random.default_rng(3).uniform(-np.pi, np.pi, 400)
    paths = path_set(gain, 20, azimuth=azimuth)
    slow, fast = (
        faded_link(
            sounding(paths, 60, 20, velocity=(speed, 0, 0)),
            np.ones(1),
            np.ones((60, 1)),
            NOISE_W,
            LINK,
        )
        for speed in (0.1, 20.0)
    )
    assert fast.spectral_efficiency.mean() < 0.85 * slow.spectral_efficiency.mean()
    assert 0.05 < np.nanmean(fast.block_error_rate[20:]) < 0.2


def test_doppler_of_a_moving_receiver_is_the_change_of_its_phase():
    paths = along(path_set(np.ones(1), azimuth=[0.0]), np.array([[3.0, 0.0, 0.0]]))
    # Towards the transmitter: the way gets shorter, the phase grows.
    assert paths.doppler_hz[0] == pytest.approx(3.0 * CARRIER_HZ / SPEED_OF_LIGHT_M_S)


def test_a_neighbour_interferes_as_much_as_it_is_loaded():
    gain = NOISE_W * from_db(np.array([25.0, 15.0]))
    both = sounding(path_set(gain), 5, 1, num_tx=2)
    effective = [
        faded_link(both, np.ones(2), np.full((5, 2), load), NOISE_W, LINK).effective_sinr_db[0, 0]
        for load in (0.0, 0.5, 1.0)
    ]
    np.testing.assert_allclose(effective[0], [25.0, 15.0], atol=0.05)
    assert effective[1][0] == pytest.approx(25 - 10 * np.log10(1 + 0.5 * from_db(15)), abs=0.05)
    assert effective[2][0] == pytest.approx(25 - 10 * np.log10(1 + from_db(15)), abs=0.05)


def test_an_array_brings_its_gain_and_two_polarisations_a_second_layer():
    gain = np.full(1, NOISE_W * from_db(5.0))
    paths = path_set(gain)
    spots = np.zeros((4, 3))
    spots[:, 1] = 0.5 * SPEED_OF_LIGHT_M_S / CARRIER_HZ * np.arange(4)
    beams = replace(sounding(paths, 3, 1), tx_arrays=(AntennaArray(spots),))
    found = faded_link(beams, np.ones(1), np.ones((3, 1)), NOISE_W, LINK)
    assert found.effective_sinr_db[0, 0, 0] == pytest.approx(5 + 10 * np.log10(4), abs=0.05)
    strong = np.sqrt(NOISE_W * from_db(25.0)) * np.eye(2)[None]
    crossed = replace(paths, a=strong.astype(complex))
    found = faded_link(sounding(crossed, 20, 1), np.ones(1), np.ones((20, 1)), NOISE_W, LINK)
    assert (found.num_layers == 2).all()
    # Half of the power on each: 22 dB twice.
    single = path_set(NOISE_W * from_db(np.array([22.0])))
    one = faded_link(sounding(single, 20, 1), np.ones(1), np.ones((20, 1)), NOISE_W, LINK)
    twice = 2 * one.spectral_efficiency[5:].mean()
    assert found.spectral_efficiency[5:].mean() == pytest.approx(twice, rel=0.02)
    only = faded_link(
        sounding(crossed, 20, 1), np.ones(1), np.ones((20, 1)), NOISE_W, LINK, FadedLink("eesm", 1)
    )
    assert (only.num_layers == 1).all()


def test_outage_and_unknown_places():
    paths = path_set(np.array([1e-30, NOISE_W * 100]))
    some = sounding(paths, 2, 2)
    some.link[1] = -1
    found = faded_link(some, np.ones(1), np.ones((2, 1)), NOISE_W, LINK)
    assert found.cqi[0, :, 0].tolist()[0] == 0
    assert found.cqi[0, 1, 0] > 0
    assert (found.mcs[1] == -1).all()
    assert (found.spectral_efficiency[1] == 0).all()
    assert np.isnan(found.block_error_rate[0, 0, 0])


def test_it_is_cheap():
    paths = path_set(np.full(20, NOISE_W * 100), 30, np.linspace(1e-7, 1e-6, 30))
    one = sounding(paths, 10, 20, velocity=(1.0, 0.0, 0.0))
    start = time.process_time()
    faded_link(one, np.ones(1), np.ones((10, 1)), NOISE_W, LINK)
    # 20 users for a second; some milliseconds each, and room for slow machines.
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mapping": "mean"}, "mapping is 'mean'"),
        ({"max_layers": 0}, "max_layers is 0"),
        ({"fading_step_s": 0.0}, "fading_step_s is 0"),
        ({"target": 0.9}, "target is 0.9"),
        ({"max_transmissions": 99}, "max_transmissions is 99"),
    ],
)
def test_impossible_settings(change, words):
    with pytest.raises(OutOfRangeError, match=words):
        FadedLink(**change)


def test_blocks_are_as_large_as_the_carrier_less_what_it_needs_itself(monkeypatch):
    """14 symbols of 12 subcarriers in a slot, of every resource block."""

    class Seen(Exception):
        pass

    def table(name, resource_elements):
        raise Seen(name, resource_elements)

    monkeypatch.setattr(faded, "BlockErrors", table)
    adaptation = LinkAdaptation(20e6, 30e3)
    nothing = SimpleNamespace(link=np.zeros((1, 1, 1), int), step_s=0.1)
    with pytest.raises(Seen) as caught:
        faded_link(nothing, np.ones(1), np.ones((1, 1)), 1e-12, adaptation)
    assert adaptation.overhead == 0.14
    assert caught.value.args == (adaptation.table, pytest.approx(14 * 12 * 51 * 0.86))
