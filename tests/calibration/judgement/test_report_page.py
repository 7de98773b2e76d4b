"""Words of a calibration's report."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from rtwin.calibration.judgement import report_page, svg
from rtwin.calibration.judgement.report_page import _held_out, _maps, _provenance

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


def test_maps_show_what_was_measured_and_what_is_left(monkeypatch):
    drawn = []

    def drawing(place, values, mark, title, unit, limits, colours):
        drawn.append((title, values.tolist(), limits, mark.tolist()))
        return "<svg/>"

    monkeypatch.setattr(report_page, "scatter_svg", drawing)
    mast = SimpleNamespace(name="mast", position_m=np.array([5.0, 6.0, 20.0]))
    data = SimpleNamespace(
        transmitters=[mast, SimpleNamespace(name="deaf", position_m=np.zeros(3))],
        tx=np.array([0, 0, 0]),
        censored=np.array([False, False, True]),
        level_db=np.array([-80.0, -90.0, -100.0]),
        position_m=np.zeros((3, 3)),
    )
    twin, before = np.array([-82.0, -86.0, -100.0]), np.array([-70.0, -95.0, -100.0])
    assert _maps(data, twin, before, "free space").count("<svg/>") == 3
    off = 3 * np.sqrt((2**2 + 4**2) / 2)
    assert [each[:2] for each in drawn] == [
        ("mast: measured", [-80.0, -90.0]),
        ("mast: free space - measured", [10.0, -5.0]),
        ("mast: twin - measured", [-2.0, 4.0]),
    ]
    assert drawn[0][2] == pytest.approx((-89.8, -80.2))
    assert drawn[1][2] == drawn[2][2] == pytest.approx((-off, off))
    assert drawn[0][3] == [[5.0, 6.0]]


def test_points_and_masts_are_where_they_are_with_the_north_above():
    place = np.array([[0.0, 0.0, 1.5], [140.0, 70.0, 1.5]])
    text = svg.scatter_svg(
        place, np.array([-100.0, -60.0]), np.array([[70.0, 35.0]]), "a < b", "dB", (-100.0, -60.0)
    )
    dots = re.findall(r'<g fill="(#\w+)"><circle cx="(.+?)" cy="(.+?)"', text)
    # 280 pixels for 140 m, ten around them.
    assert [(x, y) for _, x, y in dots] == [("10.0", "150.0"), ("290.0", "10.0")]
    assert [color for color, *_ in dots] == [svg.FIELD[0], svg.FIELD[-1]]
    assert 'd="M150.0 74.0l' in text  # a triangle's tip, above its place
    assert "a &lt; b" in text
    assert ">-100</text>" in text
    assert ">-60 dB</text>" in text
