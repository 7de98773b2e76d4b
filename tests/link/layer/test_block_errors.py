"""Block errors: against simulated curves, rtwin's simple threshold, and what must hold."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.link import LinkAdaptation, mcs_efficiency
from rtwin.link.layer import BlockErrors, code_block_error
from rtwin.link.tables import mcs_formats


@pytest.mark.parametrize(
    ("table", "mcs", "sinr_db", "bits", "simulated"),
    # Single points of the curves of Sionna SYS 1.2.1 (Apache-2.0); all of them in the peer test.
    [
        (1, 16, 7.5, 500, 0.985),
        (1, 20, 11.071, 500, 0.711),
        (1, 20, 11.071, 2000, 0.925),
        (1, 24, 14.643, 1000, 0.918),
        (1, 26, 18.214, 500, 0.033),
        (2, 27, 25.0, 500, 0.221),
        (2, 27, 25.0, 2000, 0.150),
    ],
)
def test_points_of_simulated_curves(table, mcs, sinr_db, bits, simulated):
    order, rate = mcs_formats(table)[mcs]
    assert code_block_error(order, rate, sinr_db, bits) == pytest.approx(simulated, abs=0.06)


@pytest.mark.parametrize("table", [1, 2, 3])
def test_the_simple_threshold_keeps_ten_percent(table):
    link = LinkAdaptation(20e6, table=table)
    needed_db = link.required_sinr_db(mcs_efficiency(table))
    for (order, rate), threshold_db in zip(mcs_formats(table), needed_db, strict=True):
        assert code_block_error(order, rate, threshold_db, 1000) < 0.1, (order, rate)
    # All code blocks of a carrier together have to get through, and do.
    full = BlockErrors(table, 51 * 12 * 14 * 0.86)
    assert (full(np.arange(full.count), needed_db) < 0.1).all()


def test_errors_fall_with_sinr_and_grow_with_the_format():
    errors = BlockErrors(2, 5000)
    sinr_db = np.arange(-15, 40, 0.1)
    table = errors(np.arange(errors.count)[:, None], sinr_db)
    assert (np.diff(table, axis=1) <= 1e-12).all()
    assert (np.diff(table, axis=0) >= -1e-9).mean() > 0.999
    assert table[:, 0].min() > 1 - 1e-12
    assert table[:, -1].max() < 1e-12
    needed = errors.required_sinr_db(0.1)
    assert (np.diff(needed) > 0).all()
    np.testing.assert_allclose(errors(np.arange(errors.count), needed), 0.1, atol=0.02)


def test_one_code_block_in_error_spoils_all():
    order, rate = mcs_formats(1)[20]
    elements = 3 * 8000 / (order * rate)
    one = code_block_error(order, rate, 11.5, 8000)
    assert BlockErrors(1, elements)(20, 11.5) == pytest.approx(1 - (1 - one) ** 3, rel=0.02)


def test_the_fastest_that_is_enough():
    errors = BlockErrors(1, 5000)
    needed = errors.required_sinr_db(0.1)
    sinr_db = np.repeat(np.array([-30.0, needed[5] + 1e-3, 60.0])[:, None], errors.count, axis=1)
    np.testing.assert_array_equal(errors.fastest(sinr_db, needed), [-1, 5, 28])


def test_impossible():
    with pytest.raises(OutOfRangeError, match="resource_elements is 0"):
        BlockErrors(1, 0)
    with pytest.raises(OutOfRangeError, match="table is 4"):
        BlockErrors(4, 100)
