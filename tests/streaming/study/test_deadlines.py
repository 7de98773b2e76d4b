"""Deadlines of services on channels without a ray tracer."""

import pytest

from rtwin.streaming.study import deadlines

from ..conftest import walking_trace


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadlines, "sample_map", lambda told, tracks, link: walking_trace(6, 30, 1))
        patch.setattr(deadlines, "replace", lambda link, bandwidth_hz: bandwidth_hz)
        patch.setattr(deadlines, "USERS", 2)
        patch.setattr(deadlines, "SECONDS", 2)
        return list(deadlines.deadline_rows(None, None, None))


def test_every_service_is_tried_at_every_bandwidth(rows):
    assert len(rows) == len(deadlines.ASKED) * len(deadlines.BANDWIDTHS_HZ) * 2
    assert all(0 <= r["late"] <= 1 for r in rows)


def test_what_is_more_than_the_cell_carries_is_late(rows):
    # 10 MHz carry 900 Mbit/s to nobody.
    whole = [r for r in rows if r["service"] == "vr_30k" and r["of the sphere"] == 1.0]
    assert all(r["late"] > 0.5 for r in whole)
    assert not any(r["kept"] for r in whole)


def test_less_of_the_sphere_is_less_late(rows):
    def late(share):
        strong = [r for r in rows if (r["service"], r["interaction"]) == ("vr_8k", "strong")]
        return sum(r["late"] for r in strong if r["of the sphere"] == share)

    assert late(deadlines.FIELD) < late(1.0)
