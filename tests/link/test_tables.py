"""Tables of TS 38.214 and TS 38.101, entry by entry, typed from the standards."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.link import cqi_efficiency, mcs_efficiency, num_resource_blocks

# Modulation order and code rate times 1024, as tables 5.2.2.1-2, -3 and -4 list them.
CQI = {
    1: """
        2:78 2:120 2:193 2:308 2:449 2:602
        4:378 4:490 4:616
        6:466 6:567 6:666 6:772 6:873 6:948
    """,
    2: """
        2:78 2:193 2:449
        4:378 4:490 4:616
        6:466 6:567 6:666 6:772 6:873
        8:711 8:797 8:885 8:948
    """,
    3: """
        2:30 2:50 2:78 2:120 2:193 2:308 2:449 2:602
        4:378 4:490 4:616
        6:466 6:567 6:666 6:772
    """,
}
# The column "efficiency" beside them, which has four decimals.
CQI_EFFICIENCY = {
    1: """
        0.1523 0.2344 0.3770 0.6016 0.8770 1.1758 1.4766 1.9141 2.4063 2.7305 3.3223 3.9023
        4.5234 5.1152 5.5547
    """,
    2: """
        0.1523 0.3770 0.8770 1.4766 1.9141 2.4063 2.7305 3.3223 3.9023 4.5234 5.1152 5.5547
        6.2266 6.9141 7.4063
    """,
    3: """
        0.0586 0.0977 0.1523 0.2344 0.3770 0.6016 0.8770 1.1758 1.4766 1.9141 2.4063 2.7305
        3.3223 3.9023 4.5234
    """,
}
# Tables 5.1.3.1-1, -2 and -3.
MCS = {
    1: """
        2:120 2:157 2:193 2:251 2:308 2:379 2:449 2:526 2:602 2:679
        4:340 4:378 4:434 4:490 4:553 4:616 4:658
        6:438 6:466 6:517 6:567 6:616 6:666 6:719 6:772 6:822 6:873 6:910 6:948
    """,
    2: """
        2:120 2:193 2:308 2:449 2:602
        4:378 4:434 4:490 4:553 4:616 4:658
        6:466 6:517 6:567 6:616 6:666 6:719 6:772 6:822 6:873
        8:682.5 8:711 8:754 8:797 8:841 8:885 8:916.5 8:948
    """,
    3: """
        2:30 2:40 2:50 2:64 2:78 2:99 2:120 2:157 2:193 2:251 2:308 2:379 2:449 2:526 2:602
        4:340 4:378 4:434 4:490 4:553 4:616
        6:438 6:466 6:517 6:567 6:616 6:666 6:719 6:772
    """,
}
MCS_EFFICIENCY = {
    1: """
        0.2344 0.3066 0.3770 0.4902 0.6016 0.7402 0.8770 1.0273 1.1758 1.3262 1.3281 1.4766
        1.6953 1.9141 2.1602 2.4063 2.5703 2.5664 2.7305 3.0293 3.3223 3.6094 3.9023 4.2129
        4.5234 4.8164 5.1152 5.3320 5.5547
    """,
    2: """
        0.2344 0.3770 0.6016 0.8770 1.1758 1.4766 1.6953 1.9141 2.1602 2.4063 2.5703 2.7305
        3.0293 3.3223 3.6094 3.9023 4.2129 4.5234 4.8164 5.1152 5.3320 5.5547 5.8906 6.2266
        6.5703 6.9141 7.1602 7.4063
    """,
    3: """
        0.0586 0.0781 0.0977 0.1250 0.1523 0.1934 0.2344 0.3066 0.3770 0.4902 0.6016 0.7402
        0.8770 1.0273 1.1758 1.3281 1.4766 1.6953 1.9141 2.1602 2.4063 2.5664 2.7305 3.0293
        3.3223 3.6094 3.9023 4.2129 4.5234
    """,
}
# Tables 5.3.2-1 of TS 38.101-1 and -2: MHz and blocks, by subcarrier spacing in kHz.
BLOCKS = {
    15: "5:25 10:52 15:79 20:106 25:133 30:160 35:188 40:216 45:242 50:270",
    30: """
        5:11 10:24 15:38 20:51 25:65 30:78 35:92 40:106 45:119 50:133 60:162 70:189 80:217
        90:245 100:273
    """,
    60: """
        10:11 15:18 20:24 25:31 30:38 35:44 40:51 45:58 50:65 60:79 70:93 80:107 90:121 100:135
    """,
    120: "50:32 100:66 200:132 400:264",
}


def pairs(text):
    return [tuple(float(number) for number in pair.split(":")) for pair in text.split()]


LISTED = [(mhz, khz, blocks) for khz, row in BLOCKS.items() for mhz, blocks in pairs(row)]


def assert_efficiency(found, rows, printed):
    assert found.tolist() == [order * rate / 1024 for order, rate in pairs(rows)]
    np.testing.assert_allclose(found, np.array(printed.split(), float), atol=5.1e-5, rtol=0)


@pytest.mark.parametrize("table", [1, 2, 3])
def test_efficiencies_are_the_standard_s(table):
    out_of_range, *cqi = cqi_efficiency(table)
    assert out_of_range == 0
    assert_efficiency(np.array(cqi), CQI[table], CQI_EFFICIENCY[table])
    assert_efficiency(mcs_efficiency(table), MCS[table], MCS_EFFICIENCY[table])


@pytest.mark.parametrize("table", [0, 4, "1"])
def test_there_are_three_tables(table):
    with pytest.raises(OutOfRangeError, match="tables 1, 2 and 3"):
        cqi_efficiency(table)


@pytest.mark.parametrize(("mhz", "khz", "blocks"), LISTED)
def test_listed_resource_blocks(mhz, khz, blocks):
    assert num_resource_blocks(mhz * 1e6, khz * 1e3) == blocks
    assert blocks * 12 * khz * 1e3 < mhz * 1e6


@pytest.mark.parametrize(
    ("bandwidth_hz", "spacing_hz", "blocks"),
    [(7e6, 15e3, 35), (1.4e6, 15e3, 7), (20.5e6, 15e3, 102), (20e6, 15.5e3, 96), (200e3, 15e3, 1)],
)
def test_other_bandwidths_are_filled_to_90_percent(bandwidth_hz, spacing_hz, blocks):
    assert num_resource_blocks(bandwidth_hz, spacing_hz) == blocks


def test_a_block_must_fit():
    with pytest.raises(
        OutOfRangeError, match=r"100000 Hz, too little for a block of 12 x 30000 Hz"
    ):
        num_resource_blocks(100e3, 30e3)
