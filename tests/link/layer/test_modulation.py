"""Mutual information of QAM against drawn symbols, and its limits."""

import numpy as np
import pytest

from rtwin.link.layer.modulation import ORDERS, bits_per_symbol, information, sinr_of_bits_db
from rtwin.units import from_db


@pytest.mark.parametrize(("order", "sinr_db"), [(2, 0.0), (4, 8.0), (6, 12.0), (8, 20.0)])
def test_bits_are_those_of_drawn_symbols(order, sinr_db):
    rng = np.random.default_rng(1)
    bits = order // 2
    gray = np.arange(2**bits) ^ (np.arange(2**bits) >> 1)
    level = 2.0 * np.arange(2**bits) - (2**bits - 1)
    level /= np.sqrt(np.mean(level**2) * 2)
    sent = rng.integers(2**bits, size=100_000)
    deviation = np.sqrt(0.5 / from_db(sinr_db))
    got = level[sent] + deviation * rng.standard_normal(len(sent))
    likely = np.exp(-((got[:, None] - level) ** 2) / (2 * deviation**2))
    total = 0.0
    for bit in range(bits):
        ones = (gray >> bit & 1).astype(bool)
        of_one = likely[:, ones].sum(axis=1) / likely.sum(axis=1)
        right = np.where(ones[sent], of_one, 1 - of_one)
        total += 2 * np.mean(1 + np.log2(np.maximum(right, 1e-300)))
    assert bits_per_symbol(order, sinr_db) == pytest.approx(total, abs=0.01)


@pytest.mark.parametrize("order", ORDERS)
def test_between_nothing_and_all_bits_and_below_shannon(order):
    sinr_db = np.arange(-20.0, 45.0, 0.5)
    bits = bits_per_symbol(order, sinr_db)
    assert (np.diff(bits) > -1e-9).all()
    assert bits[-1] == pytest.approx(order)
    assert (bits <= np.log2(1 + from_db(sinr_db)) + 1e-6).all()
    inner = (bits > 0.05) & (bits < order - 0.01)
    np.testing.assert_allclose(sinr_of_bits_db(order, bits)[inner], sinr_db[inner], atol=0.02)


def test_qpsk_at_high_sinr_is_sure():
    known = information(2)
    assert known.mean[-1] == pytest.approx(1.0)
    assert known.variance[-1] < 1e-9
