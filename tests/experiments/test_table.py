"""Tables of the slicing experiment: what their cells say."""

import math
from dataclasses import replace

from rtwin.experiments import csv_table, markdown_table
from rtwin.experiments.table import Figure, Row

ROW = Row(
    "static shares",
    "stale twin",
    {
        "gain_error_db": Figure(3.26, 0.51),
        "right_cell": Figure(0.914, 0.02),
        "sla_violation": Figure(0.025, 0.0125),
        "refused": Figure(0.0, 0.0),
        "throughput_mbps": Figure(120.04, 1.5),
        "reserved_share": Figure(0.5, math.nan),
        "used_share": Figure(math.nan, math.nan),
        "regret": Figure(0.01234, 0.001),
    },
)


def test_shares_are_per_cent_and_figures_have_their_interval():
    head, _, row = markdown_table([ROW]).splitlines()
    cells = dict(
        zip(
            (text.strip() for text in head.strip("|").split("|")),
            (text.strip() for text in row.strip("|").split("|")),
            strict=True,
        )
    )
    assert cells == {
        "policy": "static shares",
        "decides on": "stale twin",
        "error [dB]": "3.3 ± 0.5",
        "right cell [%]": "91 ± 2",
        "SLA violations [%]": "2.5 ± 1.2",
        "throughput [Mbit/s]": "120.0 ± 1.5",
        "reserved [%]": "50.0",
        "used [%]": "-",
        "regret": "0.012 ± 0.001",
    }


def test_refusals_have_a_column_where_there_are_any():
    turning = replace(ROW, figures={**ROW.figures, "refused": Figure(0.071, 0.02)})
    head, _, first, second = markdown_table([ROW, turning]).splitlines()
    place = head.split(" | ").index("refused [%]")
    assert first.split(" | ")[place] == "0.0 ± 0.0"
    assert second.split(" | ")[place] == "7.1 ± 2.0"


def test_csv_has_plain_units_and_gaps():
    head, row = csv_table([ROW]).splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert cells["sla_violation"] == "0.025"
    assert cells["sla_violation_half_width"] == "0.0125"
    assert cells["reserved_share_half_width"] == ""
    assert cells["used_share"] == ""
