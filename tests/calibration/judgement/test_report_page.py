"""Words of a calibration's report."""

import pytest

from rtwin.calibration.judgement.report_page import _held_out, _provenance

RESULT = {"versions": {"rtwin": "0.2.0"}, "seed": 7}


@pytest.mark.parametrize(
    ("source", "licence", "begins"),
    [
        ("a drive", "CC0-1.0", "a drive (CC0-1.0). rtwin"),
        ("a drive", "", "a drive. rtwin"),
        ("", "", "No source named. rtwin"),
    ],
)
def test_the_footer_has_no_empty_brackets(source, licence, begins):
    said = _provenance({**RESULT, "source": source, "licence": licence})
    assert said.startswith(begins)
    assert said.endswith("Seed 7.")


def test_blocks_have_three_digits():
    found = {"validation": {"hold_out": "blocks"}, "held_out": 0.3, "repeats": 3}
    assert _held_out({**found, "block_m": 16.4023}).startswith("Blocks of 16.4 m are held out")
