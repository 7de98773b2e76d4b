"""Links and paths on a page are those of the file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel import path_gain
from rtwin.dataset import open_dataset
from rtwin.plot.links import PATH_CLASSES, path_classes
from rtwin.units import to_db
from rtwin.view import write_page
from rtwin.view.links import choose


@pytest.fixture
def dataset(paths_file):
    with open_dataset(paths_file) as opened:
        yield opened


def test_all_paths_are_there(both, dataset):
    arrays, paths = both.arrays, dataset.paths()
    np.testing.assert_array_equal(arrays["link_num_paths"], dataset.num_paths)
    np.testing.assert_array_equal(arrays["link_paths_in_file"].ravel(), dataset.num_paths)
    np.testing.assert_allclose(arrays["path_gain_db"], to_db(paths.power), rtol=1e-6)
    np.testing.assert_allclose(arrays["path_delay_ns"], 1e9 * paths.delay_s, rtol=1e-6)
    names = [name for name, _ in both.content["links"]["classes"]]
    assert names == list(PATH_CLASSES)
    assert [names[row] for row in arrays["path_class"]] == path_classes(paths).tolist()
    met = paths.interactions != 0
    np.testing.assert_array_equal(arrays["path_depth"], met.sum(axis=1))
    np.testing.assert_array_equal(arrays["vertices_m"], dataset.read("vertex_m")[met])
    np.testing.assert_array_equal(arrays["interaction"], paths.interactions[met])
    np.testing.assert_array_equal(arrays["interaction_object"], dataset.read("object")[met])
    np.testing.assert_array_equal(arrays["interaction_material"], dataset.read("material")[met])


def test_lengths_are_delays(both):
    """Polylines drawn on the page are as long as the delays say."""
    arrays, tx = both.arrays, [one["position_m"] for one in both.content["tx"]]
    first, path = 0, 0
    for link, count in enumerate(arrays["link_num_paths"]):
        for _ in range(count):
            depth = arrays["path_depth"][path]
            points = [
                tx[link % 2],
                *arrays["vertices_m"][first : first + depth],
                arrays["rx_position"][link // 2],
            ]
            length = np.linalg.norm(np.diff(np.array(points, float), axis=0), axis=1).sum()
            assert length == pytest.approx(0.299792458 * arrays["path_delay_ns"][path], abs=1e-3)
            first, path = first + depth, path + 1
    assert path == len(arrays["path_delay_ns"]) > 20


def test_link_values(both, dataset):
    gain = path_gain(dataset.paths())
    values = both.arrays["link_path_gain"].ravel()
    np.testing.assert_allclose(values[gain > 0], to_db(gain[gain > 0]), rtol=1e-6)
    assert np.isnan(values[gain == 0]).all()
    assert (gain == 0).any()
    assert {one["name"]: one["unit"] for one in both.content["links"]["metrics"]} == {
        "path_gain": "dB",
        "num_paths": "",
        "rms_delay_spread": "ns",
        "line_of_sight": "",
    }


def test_strongest_paths_within_a_budget(paths_file, dataset, tmp_path, read_page):
    summary = write_page(paths_file, tmp_path / "page.html", max_paths=12)
    arrays = read_page(summary.file).arrays
    per_link = int(arrays["link_num_paths"].max())
    kept, _ = dataset.paths().strongest(per_link)
    assert 0 < len(arrays["path_gain_db"]) <= 12 < dataset.num_paths.sum()
    np.testing.assert_allclose(arrays["path_gain_db"], to_db(kept.power), rtol=1e-6)
    share = 100 * kept.power.sum() / dataset.paths().power.sum()
    said = f"{share:.1f} %" if share < 99.9 else f"{share:.2f} %"
    assert summary.remarks == (
        f"Paths: the {per_link} strongest of each link are here; they hold {said} of "
        f"the power. Links have up to {dataset.num_paths.max()} in the file.",
    )


def test_some_receivers(paths_file, dataset, tmp_path, read_page):
    summary = write_page(paths_file, tmp_path / "page.html", max_receivers=2)
    page = read_page(summary.file)
    rows = page.arrays["rx_row"]
    assert len(rows) == 2
    np.testing.assert_allclose(page.arrays["rx_position"], dataset.read("rx_position_m")[rows])
    links = (rows[:, None] * 2 + np.arange(2)).ravel()
    wanted = dataset.paths().select(links)
    np.testing.assert_array_equal(page.arrays["link_num_paths"], wanted.num_paths)
    np.testing.assert_allclose(page.arrays["path_gain_db"], to_db(wanted.power), rtol=1e-6)
    assert summary.remarks == ("Receivers: 2 of 5 are here, drawn by chance.",)
    assert page.content["remarks"] == list(summary.remarks)


@given(
    st.integers(1, 4).flatmap(
        lambda num_tx: st.tuples(
            st.just(num_tx),
            st.lists(st.integers(0, 30), max_size=40).map(
                lambda counts: counts[: len(counts) // num_tx * num_tx]
            ),
        )
    ),
    st.integers(1, 20),
    st.integers(4, 200),
)
def test_budget_is_kept_and_used(links, max_receivers, max_paths):
    num_tx, counts = links
    num_paths = np.array(counts, np.int64)
    choice = choose(num_paths, num_tx, max_receivers, max_paths)
    kept = num_paths.reshape(-1, num_tx)[choice.receivers]
    assert len(choice.receivers) <= max_receivers
    assert np.minimum(kept, choice.paths_per_link).sum() <= max_paths
    more = np.minimum(kept, choice.paths_per_link + 1).sum()
    assert more > max_paths or choice.paths_per_link >= kept.max(initial=1)
