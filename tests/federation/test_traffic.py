"""Files of traffic and the protocol."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from rtwin.errors import CampaignError, OutOfRangeError
from rtwin.federation.traffic import (
    TWO_MONTHS,
    cell_size_m,
    close_cell,
    load_traffic,
    scale_cells,
    standardised,
    windows_of,
)
from rtwin.federation.traffic.series import CELL_M, grid_position_m

MILAN = Path(__file__).parents[3] / "shared" / "data" / "milan"
needs_milan = pytest.mark.skipif(not MILAN.is_dir(), reason="needs ../shared/data/milan")


def test_what_is_shipped():
    traffic = load_traffic()
    assert traffic.values.shape == (720, 25)
    assert (traffic.cells[0], traffic.cells[-1]) == (4102 + 40, 4546)
    assert str(traffic.start) == "2013-11-01T00"
    assert load_traffic(TWO_MONTHS).values.shape == (1488, 3)
    apart = traffic.position_m[1] - traffic.position_m[0]
    assert apart.tolist() == [CELL_M, 0.0]


@needs_milan
def test_shipped_is_the_sum_of_ten_minutes():
    whole, shipped = load_traffic(MILAN / "milan_grid_data.csv"), load_traffic()
    assert whole.cells == shipped.cells
    assert np.abs(whole.values - shipped.values).max() <= 0.5


@needs_milan
def test_positions_are_those_of_the_grid():
    from rtwin.scene import georeference_at

    features = json.loads((MILAN / "milano-grid.geojson").read_text())["features"]
    cells = (4142, 4146, 4542, 4546)
    middles = []
    for cell in cells:
        ring = np.array(features[cell - 1]["geometry"]["coordinates"][0])[:4]
        assert features[cell - 1]["properties"]["cellId"] == cell
        middles.append(ring.mean(axis=0))
    place = georeference_at(middles[0][1], middles[0][0])
    true = np.array([place.to_local(lat, lon)[:2] for lon, lat in middles])
    found = grid_position_m(cells)
    # The grid is turned by half a degree against the meridian of the zone.
    for a, b in ((0, 1), (0, 2), (0, 3)):
        length = np.linalg.norm(true[a] - true[b])
        assert np.linalg.norm(found[a] - found[b]) == pytest.approx(length, rel=5e-3)


def test_milano_h5(tmp_path):
    with h5py.File(tmp_path / "milano.h5", "w") as file:
        file["idx"] = 1383260400 + 3600 * np.arange(48)
        file["cell"] = np.array([1, 2, 10000])
        file["lng"], file["lat"] = np.zeros(3), np.zeros(3)
        file["net"], file["sms"] = np.arange(144.0).reshape(48, 3), np.zeros((48, 3))
    traffic = load_traffic(tmp_path / "milano.h5", cells=[10000, 1])
    assert traffic.cells == (10000, 1)
    assert str(traffic.start) == "2013-10-31T23"
    assert traffic.values[1].tolist() == [5.0, 3.0]
    with pytest.raises(CampaignError, match="'call'"):
        load_traffic(tmp_path / "milano.h5", target="call")
    with pytest.raises(CampaignError, match="has no cell 7"):
        load_traffic(tmp_path / "milano.h5", cells=[7])


def test_ten_minute_text(tmp_path):
    """The challenge's own files: tabs, empty fields, a row for each country."""
    first = 1383260400000  # 2013-11-01 00:00 in Milan
    lines = []
    for step in range(12):
        time = first + 600_000 * step
        lines.append(f"1\t{time}\t39\t0.5\t\t\t\t1.0")
        lines.append(f"1\t{time}\t33\t\t\t\t\t0.5")
        lines.append(f"2\t{time}\t39\t\t0.25\t\t\t")
    (tmp_path / "sms-call-internet-mi-2013-11-01.txt").write_text("\n".join(lines) + "\n")
    traffic = load_traffic(tmp_path)
    assert str(traffic.start) == "2013-11-01T00"
    assert traffic.values.tolist() == [[9.0, 0.0], [9.0, 0.0]]
    assert load_traffic(tmp_path, target="sms").values.tolist() == [[3.0, 1.5], [3.0, 1.5]]
    assert load_traffic(tmp_path, cells=[2]).cells == (2,)


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "hour,1\n2013-11-01T00,-1\n", "negative"),
        ("a.csv", "hour,1\n2013-11-01T00,x\n", "cannot be read"),
        ("a.csv", "1,2,3\n" * 6, "give it one"),
        ("a.csv", "hour,1,2\nx_m,0\ny_m,0\n2013-11-01T00,1,2\n", "place for each cell"),
        ("a.csv", "hour,1\nx_m,inf\ny_m,0\n2013-11-01T00,1\n", "must be finite"),
        ("a.csv", "hour,1\nx_m,0\ny_m,0\n", "cannot be read"),
        ("a.csv", "1\n" * 7, "no whole hours"),
        ("a.txt", "a\tb\n", "cannot be read"),
        ("a.xls", "", "traffic is read from"),
        ("a.h5", "no", "not a readable HDF5"),
    ],
)
def test_broken_files(name, text, part, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(CampaignError, match=part) as caught:
        load_traffic(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_block_of_ten_minutes_without_a_heading(tmp_path):
    """As DGRN publishes Milan: 25 cells around row and column 41, six rows an hour."""
    rows = np.arange(12 * 4).reshape(12, 4)
    np.savetxt(tmp_path / "a.csv", rows, "%d", ",")
    traffic = load_traffic(tmp_path / "a.csv")
    assert traffic.cells == (4142, 4143, 4242, 4243)
    assert traffic.values.tolist() == [rows[:6].sum(axis=0).tolist(), rows[6:].sum(axis=0).tolist()]
    assert traffic.start == np.datetime64("2013-11-01T00", "h")
    for shape, part in (((12, 5), "5 columns and no heading"), ((7, 4), "7 rows of ten minutes")):
        np.savetxt(tmp_path / "b.csv", np.ones(shape), "%d", ",")
        with pytest.raises(CampaignError, match=part):
            load_traffic(tmp_path / "b.csv")


def test_cells_of_ones_own_are_where_they_are_said_to_be(tmp_path):
    text = "hour,7,9\nx_m,0,300\ny_m,10,410\n2020-01-01T00,1,2\n2020-01-01T01,3,4\n"
    (tmp_path / "a.csv").write_text(text)
    traffic = load_traffic(tmp_path / "a.csv")
    assert traffic.position_m.tolist() == [[0.0, 10.0], [300.0, 410.0]]
    assert traffic.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert traffic.start == np.datetime64("2020-01-01T00", "h")
    assert cell_size_m(traffic.position_m) == 500.0
    assert cell_size_m(traffic.position_m[:1]) == CELL_M
    assert cell_size_m(load_traffic().position_m) == CELL_M


def test_other_files_are_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"x" * 800)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["idx"], file["cell"] = np.arange(2), np.arange(2)
        file.create_dataset("net", (2, 2), "f8", external=[(str(tmp_path / "secret"), 0, 32)])
    with pytest.raises(CampaignError):
        load_traffic(tmp_path / "a.h5")


def test_bad_targets():
    with pytest.raises(OutOfRangeError, match="internet, sms, call"):
        load_traffic(target="video")


def test_windows():
    z = np.arange(24.0 * 6)[:, None] + 1000.0 * np.arange(2)
    found = windows_of(z, 4, 5)
    assert found.x.shape == (2, 24, 6)
    hour = found.hour[0]
    assert hour == 96
    assert found.y[1, 0] == 1096.0
    assert found.x[0, 0].tolist() == [93.0, 94.0, 95.0, 24.0, 48.0, 72.0]
    assert windows_of(z, 0, 3).x.shape == (2, 0, 6)


def test_z_scores_are_of_the_first_days():
    traffic = load_traffic()
    z, mean, sd = standardised(traffic, 23)
    assert z[:552].mean(axis=0) == pytest.approx(np.zeros(25), abs=1e-12)
    assert z[:552].std(axis=0) == pytest.approx(np.ones(25))
    assert z * sd + mean == pytest.approx(traffic.values)


def test_drifts():
    traffic = load_traffic()
    closed = close_cell(traffic, 12, 20)
    assert closed.values[480:, 12].max() == 0.0
    assert closed.values.sum(axis=1) == pytest.approx(traffic.values.sum(axis=1))
    assert (closed.values[:480] == traffic.values[:480]).all()
    grown = scale_cells(traffic, 1.5, 20, 0.4, 1)
    ratio = grown.values[480:] / traffic.values[480:]
    assert (np.isclose(ratio, 1.5).all(axis=0)).sum() == 10
