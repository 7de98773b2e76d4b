"""Effective SINR: closed forms, the two mappings against each other, what is not sent."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.link.layer import bits_per_symbol, effective, effective_sinr_db
from rtwin.link.tables import mcs_formats
from rtwin.units import from_db, to_db


@pytest.mark.parametrize("mapping", ["miesm", "eesm"])
@pytest.mark.parametrize("table", [1, 2, 3])
def test_a_flat_channel_is_its_own_sinr(mapping, table):
    sinr_db = np.array([-5.0, 3.0, 12.0])
    flat = np.repeat(from_db(sinr_db)[:, None], 7, axis=1)
    found = effective_sinr_db(flat, table, mapping)
    reached = np.array([bits_per_symbol(o, sinr_db) < o - 1e-3 for o, _ in mcs_formats(table)]).T
    np.testing.assert_allclose(
        found[reached], np.broadcast_to(sinr_db[:, None], found.shape)[reached], atol=0.03
    )


def test_eesm_of_two_blocks():
    # MCS 13 of table 1: beta 5.16.
    sinr = np.array([2.0, 9.0])
    by_hand = -5.16 * np.log(np.exp(-sinr / 5.16).mean())
    assert effective_sinr_db(sinr, 1, "eesm")[13] == pytest.approx(float(to_db(by_hand)))


def test_miesm_keeps_the_information():
    sinr_db = np.array([4.0, 14.0])
    found = effective_sinr_db(from_db(sinr_db), 2)[[2, 7, 15, 25]]
    for order, one in zip((2, 4, 6, 8), found, strict=True):
        assert bits_per_symbol(order, one) == pytest.approx(bits_per_symbol(order, sinr_db).mean())


def test_the_mappings_agree_on_a_fading_channel():
    sinr = 30.0 * np.random.default_rng(1).exponential(1.0, (40, 51))
    usable = slice(11, 20)  # formats that need about as much
    away = effective_sinr_db(sinr, 2)[:, usable] - effective_sinr_db(sinr, 2, "eesm")[:, usable]
    assert np.abs(away).mean() < 0.7
    mean_db = to_db(sinr.mean(axis=1))[:, None]
    assert (effective_sinr_db(sinr, 2)[:, usable] < mean_db).all()


@pytest.mark.parametrize("mapping", ["miesm", "eesm"])
def test_layers_that_are_not_sent_and_links_without_a_path(mapping):
    sinr = np.array([[5.0, np.nan, 5.0, np.nan], [0.0, 0.0, 0.0, 0.0], [np.nan] * 4])
    found = effective_sinr_db(sinr, 1, mapping)
    np.testing.assert_allclose(found[0, 12:], to_db(5.0), atol=0.03)
    assert np.isneginf(found[1:]).all()
    strong = effective_sinr_db(np.array([1e3, 2e4]), 1, mapping)
    assert np.isfinite(strong).all()


def test_unknown_mapping():
    with pytest.raises(OutOfRangeError, match="mapping is 'mean'"):
        effective_sinr_db(np.ones(3), 1, "mean")


def test_betas_belong_to_code_rates_and_rise_with_them_smoothly():
    """Theirs, entry by entry, are compared by tests/link/test_bler_peer.py where their file is."""
    known = {(order, round(1024 * rate, 1)) for n in (1, 2, 3) for order, rate in mcs_formats(n)}
    for order, (rates, betas) in effective._BETA.items():
        assert {(order, float(rate)) for rate in rates} <= known
        assert (np.diff(rates) > 0).all()
        rise = np.divide(betas[1:], betas[:-1])
        assert rise.min() > 1.0
        assert rise.max() < 1.21
