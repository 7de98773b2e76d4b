"""The Shannon gap against block error rates of Sionna SYS: NR LDPC codes over AWGN.

Needs the files of the `sionna` package alone: `pip install --no-deps sionna`.
"""

import importlib.metadata
import json

import numpy as np
import pytest

from rtwin.link import LinkAdaptation, mcs_efficiency
from rtwin.units import from_db, to_db

TARGET = 0.1
BLOCK_BITS = ("500", "1000", "2000")


def curves(table):
    try:
        files = importlib.metadata.files("sionna") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("sionna is not installed")
    name = f"sys/bler_tables/PDSCH_table{table}.json"
    file = next(f for f in files if str(f).endswith(name))
    data = json.loads(file.locate().read_text())
    return data["category"]["1"]["index"][str(table)]["MCS"]


def required_db(snr_db, bler):
    """SNR at which the curve passes 10 %, straight in the logarithm between its points."""
    below = int(np.flatnonzero(bler <= TARGET)[0])
    ends = np.log10(np.maximum(bler[below - 1 : below + 1], 1e-4))
    share = (np.log10(TARGET) - ends[0]) / (ends[1] - ends[0])
    return snr_db[below - 1] + share * (snr_db[below] - snr_db[below - 1])


@pytest.mark.peer
def test_the_gap_covers_ldpc_codes_and_leaves_little():
    gaps = []
    for mcs, curve in curves(1).items():
        efficiency = mcs_efficiency(1)[int(mcs)]
        shannon_db = to_db(2**efficiency - 1)
        for bits in BLOCK_BITS:
            bler = np.array(curve["CBS"][bits]["BLER"])
            if (bler <= TARGET).any():
                gaps.append(required_db(np.array(curve["SNR_db"]), bler) - shannon_db)
    gap_db = LinkAdaptation(20e6).shannon_gap_db
    told = f"{len(gaps)} codes: {min(gaps):.1f} to {max(gaps):.1f} dB"
    assert len(gaps) > 60, told
    assert max(gaps) < gap_db, told
    assert np.median(gaps) > gap_db - 2.0, told
    assert from_db(gap_db) > 1
