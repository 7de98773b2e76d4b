import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel import InteractionType, PathSet, path_gain
from rtwin.errors import ShapeError

num_paths_lists = st.lists(st.integers(0, 5), max_size=6)


def test_helpers_of_a_set_with_empty_links(make_paths):
    paths = make_paths([0, 2, 0, 1], interactions=[[0, 0], [1, 0], [0, 4]])
    assert paths.num_links == 4
    assert paths.offsets.tolist() == [0, 0, 2, 2, 3]
    assert paths.link_index.tolist() == [1, 1, 3]
    assert paths.is_line_of_sight.tolist() == [True, False, False]


def test_excess_delay_counts_from_the_first_path_of_each_link(make_paths):
    paths = make_paths([2, 0, 1], delay_s=[3e-6, 1e-6, 5e-6])
    np.testing.assert_allclose(paths.excess_delay_s, [2e-6, 0, 0], atol=1e-20)


def test_a_path_without_room_for_interactions_is_line_of_sight(make_paths):
    assert make_paths([1], interactions=np.zeros((1, 0))).is_line_of_sight.tolist() == [True]


def test_power_is_shared_by_the_transmit_ports(make_paths):
    # Two receive ports collect 1 + 4 from port one and 9 + 16 from port two.
    paths = make_paths([1], a=[[[1, 3j], [2j, -4]]])
    assert paths.power.tolist() == [(1 + 4 + 9 + 16) / 2]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("delay_s", np.zeros(2), r"delay_s has shape \(2,\).*num_paths of shape \(2,\).* 3 paths"),
        ("a", np.zeros(3, complex), r"a has shape \(3,\).*\[3, rx_pol, tx_pol\]"),
        ("a", np.zeros((3, 0, 1), complex), r"\(3, 0, 1\).*at least one polarisation"),
        ("interactions", np.zeros(3, int), r"interactions has shape \(3,\).*\[3, depth\]"),
        ("num_paths", [[1, 2]], r"num_paths has shape \(1, 2\)"),
        ("num_paths", [4, -1], r"smallest value -1"),
    ],
)
def test_arrays_that_do_not_fit_are_named(make_paths, name, value, message):
    with pytest.raises(ShapeError, match=message):
        make_paths([1, 2], **{"num_paths": [1, 2], name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("delay_s", [0.0, np.nan], "delay_s holds 1 numbers that are not finite"),
        ("aoa_zenith", [np.inf, np.nan], "aoa_zenith holds 2 numbers"),
        ("interactions", [[256], [1]], "interactions of type int64 does not fit into uint8"),
        ("num_paths", [1.5, 0.5], "num_paths of type float64 does not fit into int64"),
        ("frequency_hz", 0.0, "frequency_hz is 0.0"),
    ],
)
def test_impossible_values_are_refused(make_paths, name, value, message):
    with pytest.raises(ValueError, match=message):
        make_paths([2], **{name: value})


def test_arrays_are_read_only_but_the_callers_own_stay_writable(make_paths):
    delay = np.array([1e-7, 2e-7])
    paths = make_paths([2], delay_s=delay)
    with pytest.raises(ValueError, match="read-only"):
        paths.delay_s[0] = 0.0
    delay[0] = 3e-7


@pytest.mark.parametrize(
    ("links", "delays"),
    [
        ([2, 0], [3.0, 1.0]),
        ([3, 3], [4.0, 5.0, 4.0, 5.0]),
        ([1], []),
        ([], []),
        (slice(2, None), [3.0, 4.0, 5.0]),
        (np.array([True, True, False, False]), [1.0]),
        (-1, [4.0, 5.0]),
    ],
)
def test_select(make_paths, links, delays):
    paths = make_paths([1, 0, 1, 2], delay_s=[1.0, 3.0, 4.0, 5.0])
    assert paths.select(links).delay_s.tolist() == delays


def test_select_of_a_link_that_does_not_exist(make_paths):
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        make_paths([1, 1]).select([2])


@given(num_paths_lists, st.integers(0, 99))
def test_selecting_all_links_changes_nothing(make_paths, num_paths, seed):
    paths = make_paths(num_paths, seed)
    same = paths.select(slice(None))
    np.testing.assert_array_equal(same.num_paths, paths.num_paths)
    np.testing.assert_array_equal(same.a, paths.a)
    np.testing.assert_array_equal(same.interactions, paths.interactions)


def test_strongest_breaks_ties_by_delay_then_order_and_keeps_the_order(make_paths):
    amplitude = np.array([1, 2, 2, 2, 1, 3])
    delay = [1.0, 9.0, 5.0, 5.0, 0.0, 0.0]
    paths = make_paths([5, 0, 1], a=amplitude[:, None, None], delay_s=delay)
    kept, dropped = paths.strongest(2)
    # The two paths at delay 5 win over the equally strong one at delay 9.
    assert kept.delay_s.tolist() == [5.0, 5.0, 0.0]
    assert kept.num_paths.tolist() == [2, 0, 1]
    assert dropped.tolist() == [1 + 4 + 1, 0, 0]
    first, _ = paths.select([0]).strongest(1)
    np.testing.assert_array_equal(first.aod_azimuth, paths.aod_azimuth[2:3])


@given(num_paths_lists, st.integers(0, 99), st.integers(0, 6))
def test_strongest_loses_no_power_that_it_does_not_report(make_paths, num_paths, seed, k):
    paths = make_paths(num_paths, seed, ports=(2, 2))
    kept, dropped = paths.strongest(k)
    assert kept.num_paths.tolist() == [min(n, k) for n in num_paths]
    np.testing.assert_allclose(path_gain(kept) + dropped, path_gain(paths), rtol=1e-12)


def test_strongest_refuses_a_negative_number(make_paths):
    with pytest.raises(ValueError, match="k is -1"):
        make_paths([1]).strongest(-1)


def test_interaction_codes_are_those_of_sionna():
    codes = {kind.name: kind.value for kind in InteractionType}
    assert codes == {"SPECULAR": 1, "DIFFUSE": 2, "REFRACTION": 4, "DIFFRACTION": 8}
    assert InteractionType.NONE == 0


def test_joined_sets_keep_their_links(make_paths):
    first = make_paths([2, 0], interactions=[[1], [1]])
    second = make_paths([1], interactions=[[4, 1]])
    both = PathSet.joined([first, second])
    assert both.num_paths.tolist() == [2, 0, 1]
    assert both.interactions.tolist() == [[1, 0], [1, 0], [4, 1]]
    np.testing.assert_array_equal(both.delay_s, [*first.delay_s, *second.delay_s])
    with pytest.raises(ShapeError, match="must be alike"):
        PathSet.joined([])
