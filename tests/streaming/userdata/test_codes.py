"""Codes of users' windows: what goes through them, and what Keras learns."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.userdata import decoded, fit_code, window_of
from rtwin.streaming.userdata.codes import AUTOENCODER, COMPONENTS, TRANSFORMER


def windows(count=400):
    """Windows of twelve rows, eight tastes and a haste on a curve: one number says all."""
    rng = np.random.default_rng(5)
    hidden = rng.uniform(-1, 1, count)
    channel = 12 + hidden[:, None] + 0.01 * rng.normal(size=(count, 12))
    taste = np.abs(np.stack([hidden**2 * (k % 2) + 0.1 for k in range(8)], axis=1))
    taste /= taste.sum(axis=1, keepdims=True)
    return np.concatenate([channel, taste, (hidden**2)[:, None]], axis=1)


def test_a_window_is_what_is_decided_on(known):
    again = decoded(known, window_of(known))
    assert again.bits == pytest.approx(known.bits)
    assert again.taste == pytest.approx(known.taste, abs=1e-3)
    assert again.haste == pytest.approx(known.haste)


def test_components_of_full_width_keep_all():
    rows = windows()
    code = fit_code(COMPONENTS, rows, 21, 8)
    assert code.apply(rows) == pytest.approx(rows)
    errors = [fit_code(COMPONENTS, rows, width, 8).error(rows) for width in (1, 2, 4)]
    assert errors == sorted(errors, reverse=True)
    assert all(e <= 1 for e in errors)


@pytest.mark.parametrize("name", [AUTOENCODER, TRANSFORMER])
def test_a_curve_is_kept_by_what_is_not_linear(name):
    pytest.importorskip("keras")
    rows = windows()
    code = fit_code(name, rows, 1, 8)
    assert code.error(rows) < 0.8 * fit_code(COMPONENTS, rows, 1, 8).error(rows)
    assert code.apply(rows).shape == rows.shape


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="code is 'zip' of width 2"):
        fit_code("zip", windows(30), 2, 8)
    with pytest.raises(OutOfRangeError, match="widths 1 to 21"):
        fit_code(COMPONENTS, windows(30), 22, 8)
