"""Merged paths: closed forms, matching, trust by age, whatever the order of twins."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal.merging import LinkPaths, merge_paths
from rtwin.units import from_db, to_db


def paths(rows, sigma_db=1.0, links=(0,)):
    """Paths of (link, delay_ns, azimuth_deg, level_db, kind)."""
    link, delay, azimuth, level, kind = (np.array(column) for column in zip(*rows, strict=True))
    angle = np.radians(azimuth).astype(np.float32)
    flat = np.full(len(rows), np.pi / 2, np.float32)
    return LinkPaths(
        np.array(links),
        link,
        {
            "a": np.sqrt(from_db(level)).astype(np.complex64)[:, None, None] * 1j,
            "delay_s": delay * 1e-9,
            "aod_azimuth": angle,
            "aod_zenith": flat,
            "aoa_azimuth": angle,
            "aoa_zenith": flat,
            "interactions": kind.astype(np.uint8)[:, None],
        },
        sigma_db,
    )


DIRECT = (0, 100.0, 10.0, -80.0, 0)
MIRROR = (0, 140.0, 50.0, -95.0, 1)
OTHER = (0, 140.2, 50.5, -99.0, 1)


def levels(merged):
    return to_db((np.abs(merged.columns["a"]) ** 2).sum(axis=(1, 2)))


def test_equal_twins_stay_as_they_are():
    merged = merge_paths([paths([MIRROR, DIRECT]), paths([DIRECT, MIRROR])], 1)
    assert merged.num_paths.tolist() == [2]
    assert levels(merged) == pytest.approx([-80, -95], abs=1e-4)
    assert merged.columns["delay_s"] * 1e9 == pytest.approx([100, 140])
    assert merged.agreement.tolist() == [1.0, 1.0]
    assert merged.disagreement.tolist() == [0.0]
    assert np.angle(merged.columns["a"]).ravel() == pytest.approx(np.pi / 2)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"delay": 0.9}, True),
        ({"delay": 1.1}, False),
        ({"azimuth": 1.9}, True),
        ({"azimuth": 2.1}, False),
        ({"kind": 7}, False),
    ],
)
def test_what_is_the_same_path(change, same):
    link, delay, azimuth, level, kind = MIRROR
    moved = (
        link,
        delay + change.get("delay", 0),
        azimuth + change.get("azimuth", 0),
        level,
        kind + change.get("kind", 0),
    )
    merged = merge_paths([paths([MIRROR]), paths([moved])], 1)
    assert merged.num_paths.tolist() == [1 if same else 2]


def test_power_is_fused_by_precision():
    # Precisions 1 and 1/4: inverse variance weighs 0.8 and 0.2; left over is 0.8 dB^2.
    merged = merge_paths(
        [paths([(0, 140.0, 50.0, -90.0, 1)], 1.0), paths([(0, 140.0, 50.0, -100.0, 1)], 2.0)],
        1,
        rule="inverse-variance",
    )
    assert levels(merged) == pytest.approx([-92.0], abs=1e-4)
    assert merged.sigma_db == pytest.approx([np.sqrt(0.8)])
    assert merged.disagreement == pytest.approx([10 / np.sqrt(5)])


def test_twins_of_one_age_keep_all_that_any_found():
    merged = merge_paths([paths([DIRECT, MIRROR]), paths([DIRECT])], 1)
    assert merged.num_paths.tolist() == [2]
    assert merged.agreement.tolist() == [1.0, 0.5]


def test_the_younger_decides_what_is_gone_and_what_is_new():
    old, young = paths([DIRECT, MIRROR], 6.0), paths([DIRECT, (0, 120.0, 20.0, -90.0, 1)], 3.0)
    merged = merge_paths([old, young], 1)
    assert merged.columns["delay_s"] * 1e9 == pytest.approx([100, 120])
    assert merged.agreement == pytest.approx([1.0, 0.8])
    assert merged.num_dropped.tolist() == [1]
    everything = merge_paths([old, young], 1, least_agreement=0.0)
    assert everything.num_paths.tolist() == [3]


def test_a_twin_has_each_path_once():
    # Two paths of one twin lie within reach of one of the other: the nearest is taken.
    merged = merge_paths([paths([MIRROR, OTHER]), paths([MIRROR])], 1)
    assert merged.num_paths.tolist() == [2]
    assert merged.agreement.tolist() == [1.0, 0.5]


def test_links_that_one_twin_does_not_cover_are_not_denied_by_it():
    merged = merge_paths([paths([DIRECT]), paths([(1, 90.0, 0.0, -70.0, 0)], links=(1,))], 3)
    assert merged.num_paths.tolist() == [1, 1, 0]
    assert merged.num_twins.tolist() == [1, 1, 0]
    assert merged.agreement.tolist() == [1.0, 1.0]
    assert merged.disagreement.tolist() == [0.0, 0.0, 0.0]


def test_a_link_that_is_dark_in_one_disagrees():
    merged = merge_paths([paths([DIRECT]), paths([(1, 90.0, 0.0, -70.0, 0)], links=(0, 1))], 2)
    assert merged.disagreement[0] == pytest.approx((130 - 80) / np.sqrt(2), abs=1e-3)
    assert merged.needs_trace.tolist() == [True, False]


def test_the_order_of_twins_does_not_matter():
    rng = np.random.default_rng(5)

    def drawn(sigma):
        draws = zip(rng.uniform(100, 130, 60), rng.uniform(0, 9, 60), strict=True)
        rows = [
            (int(rng.integers(4)), delay, azimuth, rng.uniform(-110, -80), int(rng.integers(2)))
            for delay, azimuth in draws
        ]
        return paths(rows, sigma, links=range(4))

    twins = [drawn(1.0), drawn(2.0), drawn(3.0)]
    one, other = merge_paths(twins, 4), merge_paths(twins[::-1], 4)
    assert one.num_paths.tolist() == other.num_paths.tolist()
    assert one.columns["delay_s"].tolist() == other.columns["delay_s"].tolist()
    assert sorted(levels(one)) == pytest.approx(sorted(levels(other)), abs=1e-4)


def test_what_cannot_be_merged():
    with pytest.raises(OutOfRangeError, match="give two or more"):
        merge_paths([paths([DIRECT])], 1)
    with pytest.raises(OutOfRangeError, match="from 0 to 1"):
        merge_paths([paths([DIRECT]), paths([DIRECT])], 1, least_agreement=1.5)
