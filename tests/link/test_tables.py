"""Tables of TS 38.214 against the spectral efficiencies that the standard prints beside them."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.link import cqi_efficiency, mcs_efficiency, num_resource_blocks

# The column "efficiency" of tables 5.2.2.1-2, -3 and -4, typed from the standard.
CQI = {
    1: [
        0.1523,
        0.2344,
        0.3770,
        0.6016,
        0.8770,
        1.1758,
        1.4766,
        1.9141,
        2.4063,
        2.7305,
        3.3223,
        3.9023,
        4.5234,
        5.1152,
        5.5547,
    ],
    2: [
        0.1523,
        0.3770,
        0.8770,
        1.4766,
        1.9141,
        2.4063,
        2.7305,
        3.3223,
        3.9023,
        4.5234,
        5.1152,
        5.5547,
        6.2266,
        6.9141,
        7.4063,
    ],
    3: [
        0.0586,
        0.0977,
        0.1523,
        0.2344,
        0.3770,
        0.6016,
        0.8770,
        1.1758,
        1.4766,
        1.9141,
        2.4063,
        2.7305,
        3.3223,
        3.9023,
        4.5234,
    ],
}
# Tables 5.1.3.1-1, -2 and -3.
MCS = {
    1: [
        0.2344,
        0.3066,
        0.3770,
        0.4902,
        0.6016,
        0.7402,
        0.8770,
        1.0273,
        1.1758,
        1.3262,
        1.3281,
        1.4766,
        1.6953,
        1.9141,
        2.1602,
        2.4063,
        2.5703,
        2.5664,
        2.7305,
        3.0293,
        3.3223,
        3.6094,
        3.9023,
        4.2129,
        4.5234,
        4.8164,
        5.1152,
        5.3320,
        5.5547,
    ],
    2: [
        0.2344,
        0.3770,
        0.6016,
        0.8770,
        1.1758,
        1.4766,
        1.6953,
        1.9141,
        2.1602,
        2.4063,
        2.5703,
        2.7305,
        3.0293,
        3.3223,
        3.6094,
        3.9023,
        4.2129,
        4.5234,
        4.8164,
        5.1152,
        5.3320,
        5.5547,
        5.8906,
        6.2266,
        6.5703,
        6.9141,
        7.1602,
        7.4063,
    ],
    3: [
        0.0586,
        0.0781,
        0.0977,
        0.1250,
        0.1523,
        0.1934,
        0.2344,
        0.3066,
        0.3770,
        0.4902,
        0.6016,
        0.7402,
        0.8770,
        1.0273,
        1.1758,
        1.3281,
        1.4766,
        1.6953,
        1.9141,
        2.1602,
        2.4063,
        2.5664,
        2.7305,
        3.0293,
        3.3223,
        3.6094,
        3.9023,
        4.2129,
        4.5234,
    ],
}


@pytest.mark.parametrize("table", [1, 2, 3])
def test_efficiencies_are_the_standard_s(table):
    assert cqi_efficiency(table)[0] == 0
    # The standard prints four decimals.
    np.testing.assert_allclose(cqi_efficiency(table)[1:], CQI[table], atol=5.1e-5)
    np.testing.assert_allclose(mcs_efficiency(table), MCS[table], atol=5.1e-5)


@pytest.mark.parametrize("table", [0, 4, "1"])
def test_there_are_three_tables(table):
    with pytest.raises(OutOfRangeError, match="tables 1, 2 and 3"):
        cqi_efficiency(table)


@pytest.mark.parametrize(
    ("bandwidth_hz", "spacing_hz", "blocks"),
    [
        (20e6, 15e3, 106),
        (20e6, 30e3, 51),
        (100e6, 30e3, 273),
        (100e6, 60e3, 135),
        (400e6, 120e3, 264),
        (5e6, 15e3, 25),
        # Not listed: 90 % of the bandwidth.
        (7e6, 15e3, 35),
        (1.4e6, 15e3, 7),
    ],
)
def test_resource_blocks(bandwidth_hz, spacing_hz, blocks):
    assert num_resource_blocks(bandwidth_hz, spacing_hz) == blocks
    assert blocks * 12 * spacing_hz < bandwidth_hz


def test_a_block_must_fit():
    with pytest.raises(OutOfRangeError, match="take a wider carrier"):
        num_resource_blocks(100e3, 30e3)
