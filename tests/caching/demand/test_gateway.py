"""A log of a gateway, and the figures that its provenance states."""

from pathlib import Path

import pytest

from rtwin.caching.caches import (
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
    run_textbook,
)
from rtwin.caching.demand import read_gateway
from rtwin.errors import OutOfRangeError, StoreError

LOG = Path(__file__).parents[4] / "shared/data/cache_requests/youtube.parsed.012908.S1.dat"


def test_cleaning(tmp_path):
    file = tmp_path / "log.dat"
    file.write_text(
        "5.0 s c1 GETVIDEO abcdefghijk&origin x\n"
        "1.0 s c1 GETVIDEO abcdefghijk x\n"  # earlier, though later in the file
        "700.0 s c1 GETVIDEO abcdefghijk x\n"  # more than ten minutes after
        "2.0 s c2 GETVIDEO UMASS000000 x\n"
        "3.0 s c2 GETVIDEO server.example.com x\n"
        "4.0 s c2 PUT abcdefghijk x\n"
        "6.0 s c2 GETVIDEO 0123456789_ x\n"
        "nonsense\n"
    )
    trace = read_gateway(file, num_stations=2)
    assert len(trace) == 3
    assert trace.catalogue.num_items == 2
    assert trace.num_clients == 2
    assert len(read_gateway(file, most_wanted=1)) == 2


def test_refusals(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        read_gateway(tmp_path / "missing")
    (tmp_path / "empty").write_text("")
    with pytest.raises(StoreError, match="no requests"):
        read_gateway(tmp_path / "empty")
    with pytest.raises(OutOfRangeError, match="num_stations is 0"):
        read_gateway(tmp_path / "empty", num_stations=0)


@pytest.mark.skipif(not LOG.is_file(), reason="the log is not part of the repository")
def test_a_day_at_a_campus():
    """Counts and hit rates as a first look at the log found them."""
    trace = read_gateway(LOG)
    assert len(trace) == 23_991
    assert trace.num_clients == 2369
    assert trace.catalogue.num_items == 13_449
    lru = run_textbook([LeastRecentlyUsed(150) for _ in range(5)], trace).hit.mean()
    lfu = run_textbook([LeastFrequentlyUsed(150, admits=True) for _ in range(5)], trace).hit.mean()
    everything = run_textbook([LeastRecentlyUsed(20_000) for _ in range(5)], trace).hit.mean()
    assert lru < lfu < everything
    assert [lru, lfu, everything] == pytest.approx([0.039, 0.069, 0.224], abs=0.01)
