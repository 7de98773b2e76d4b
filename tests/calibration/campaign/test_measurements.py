"""Measurements in: units, positions, censoring, what is set aside, grid means."""

import copy

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.calibration import load_campaign, load_measurements
from rtwin.calibration.campaign.measurements import local_m
from rtwin.calibration.campaign.reading import read_measurements
from rtwin.calibration.campaign.recipe import campaign_from_dict
from rtwin.calibration.campaign.tables import column_names, read_table
from rtwin.channel import free_space_path_loss_db
from rtwin.errors import CampaignError
from rtwin.units import from_db, to_db

from ...tables import toml, two_masts
from ..conftest import TABLE

HEAD = "cell,phone,x,y,rss\n"


def campaign(folder, text, **spec):
    table = copy.deepcopy(TABLE)
    table["measurements"] |= spec
    table["measurements"] = {k: v for k, v in table["measurements"].items() if v is not None}
    (folder / "points.csv").write_text(text)
    return campaign_from_dict(table, "small", folder)


def test_path_loss_is_minus_a_level(tmp_path):
    data = load_measurements(
        campaign(tmp_path, HEAD + "a,p,100,0,90\nb,p,100,50,110\n", quantity="path_loss_db")
    )
    assert data.level_db.tolist() == [-90.0, -110.0]
    assert [data.transmitters[t].name for t in data.tx] == ["a", "b"]
    assert data.position_m[0].tolist() == [100.0, 0.0, 1.5]


def test_everything_set_aside_is_counted(tmp_path):
    text = HEAD + (
        "a,p,100,0,-90\n"
        "a,p,110,0,\n"  # no number
        "c,p,100,0,-90\n"  # no such transmitter
        "a,p,0,0,-90\n"  # fine: the mast is 18.5 m above
        "a,p,120,0,-20\n"  # far above free space
        "a,p,100,0,-90\n"  # twice
    )
    power = copy.deepcopy(TABLE)
    power["transmitter"][0]["power_dbm"] = 40.0
    (tmp_path / "points.csv").write_text(text)
    data = load_measurements(campaign_from_dict(power, "small", tmp_path))
    assert data.set_aside == {
        "of a transmitter that the campaign does not name": 1,
        "without a number": 1,
        "above free space": 1,
        "the same as another row": 1,
    }
    assert len(data) + sum(data.set_aside.values()) == 6


def test_margin_above_free_space_is_the_campaigns(tmp_path):
    loss = float(free_space_path_loss_db(np.hypot(100.0, 18.5), 3.5e9))
    for over, kept in ((19.0, 1), (21.0, 0)):
        text = HEAD + f"a,p,100,0,{-loss + over}\nb,p,100,0,-120\n"
        data = load_measurements(campaign(tmp_path, text, quantity="path_gain_db"))
        assert np.count_nonzero(data.tx == 0) == kept


def test_none_of_the_rows(tmp_path):
    none = load_measurements(campaign(tmp_path, HEAD + "a,p,100,0,-90\nb,p,100,0,-91\n")).take([])
    assert (len(none), none.tx.dtype, none.position_m.shape) == (0, np.int64, (0, 3))


def test_at_the_floor_is_an_upper_bound(tmp_path):
    text = HEAD + "a,p,100,0,-90\na,p,200,0,-125\na,p,210,0,-131\n"
    data = load_measurements(campaign(tmp_path, text, noise_floor=-125.0))
    assert data.censored.tolist() == [False, True, True]
    assert data.level_db.min() == -125.0


def test_one_column_per_transmitter(tmp_path):
    text = "x,y,one,two\n10,0,-50,-70\n20,0,-55,\n"
    data = load_measurements(
        campaign(tmp_path, text, value={"a": "one", "b": "two"}, tx=None, device=None)
    )
    assert sorted(zip(data.tx, data.level_db, strict=True)) == [(0, -55.0), (0, -50.0), (1, -70.0)]


def test_power_delay_profiles_and_spreads(tmp_path):
    with h5py.File(tmp_path / "pdp.h5", "w") as h5:
        h5["x"], h5["y"] = [100.0, 110.0], [0.0, 0.0]
        h5["pdp"] = [[1e-9, 3e-9], [0.0, 0.0]]
        h5["delay_s"] = [0.0, 1e-7]
    table = copy.deepcopy(TABLE)
    table["measurements"] = {
        "file": "pdp.h5",
        "quantity": "power_delay_profile",
        "value": "pdp",
        "x": "x",
        "y": "y",
    }
    data = read_measurements(campaign_from_dict(table, "pdp", tmp_path))
    assert data.level_db == pytest.approx([to_db(4e-9)])
    assert data.set_aside == {"without a number": 1}


def test_degrees_become_metres(tmp_path):
    """A degree of latitude at the equator and at 45 degrees: known arc lengths of WGS 84."""
    table = copy.deepcopy(TABLE)
    for lat, wanted in ((0.0, 110574.3), (45.0, 111131.8)):
        table["origin"] = {"latitude_deg": lat, "longitude_deg": 7.0}
        made = campaign_from_dict(table, "x", tmp_path)
        east, north = local_m(lat + 0.01, 7.0, made)
        assert east == pytest.approx(0.0, abs=1e-6)
        assert north == pytest.approx(wanted / 100, rel=2e-5)
    east, _ = local_m(45.0, 7.01, made)
    assert east == pytest.approx(78846.8 / 100, rel=2e-5)


@given(st.lists(st.floats(-120, -40), min_size=1, max_size=8))
def test_grid_means_are_means_of_power(tmp_path_factory, levels):
    folder = tmp_path_factory.mktemp("grid")
    rows = "".join(f"a,p,{100 + 0.1 * i},0.5,{v!r}\n" for i, v in enumerate(levels))
    data = load_measurements(campaign(folder, HEAD + rows, grid_m=10.0))
    assert len(data) == 1
    assert data.count.tolist() == [len(levels)]
    assert from_db(data.level_db[0]) == pytest.approx(np.mean(from_db(levels)), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "spec", "words"),
    [
        ("cell,phone,x,y\na,p,1,2\n", {}, "no column 'rss'"),
        (HEAD + "a,p,1,2\n", {}, "line 2 has 4 values"),
        (HEAD + "a,p,1,2,loud\n", {}, "row 1 has 'loud', which is no number"),
        (HEAD + "a,p,west,2,-80\n", {}, "'west'"),
        (HEAD, {}, "no measurement can be used"),
        (HEAD, {"file": "points.xls"}, "a table ends in"),
        (HEAD, {"file": "gone.csv"}, "put the measurements there"),
        ("\x00\x01", {}, "no column"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, text, spec, words):
    with pytest.raises(CampaignError, match=words) as caught:
        load_measurements(campaign(tmp_path, text, **spec))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "spec", "line"),
    [
        ("cell,phone,x,y,RSS\n", {}, 'write value = "RSS" in [measurements]'),
        ("cell,phone,x,y,RSRP\n", {}, 'write value = "RSRP" in [measurements]'),
        ("PCI,phone,x,y,rss\n", {}, 'write tx = "PCI" in [measurements]'),
        ("cell,phone,Easting,y,rss\n", {}, 'write x = "Easting" in [measurements]'),
    ],
)
def test_names_of_drive_test_tools_are_named(head, spec, line, tmp_path):
    with pytest.raises(CampaignError) as caught:
        load_measurements(campaign(tmp_path, head + "a,p,1,2,-80\n", **spec))
    assert line in str(caught.value)


def test_latitude_and_longitude_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("Latitude,lng\n1,2\n")
    fields = {"lat": "latitude", "lon": "longitude"}
    for name, line in (("lat", 'latitude = "Latitude"'), ("lon", 'longitude = "lng"')):
        with pytest.raises(CampaignError) as caught:
            read_table(tmp_path / "a.csv", {name}, fields)
        assert f"write {line} in [measurements]" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("Latitude,Longitude,RSRP\n", 'latitude = "Latitude" and longitude = "Longitude"'),
        ("lat,lng,rss\n", 'latitude = "lat" and longitude = "lng"'),
        ("Easting,Northing,rss\n", 'x = "Easting" and y = "Northing"'),
    ],
)
def test_a_campaign_that_names_no_columns_is_told_which(head, line, tmp_path):
    (tmp_path / "points.csv").write_text(head)
    table = two_masts(points=5)
    table["measurements"] = {"file": "points.csv"}
    (tmp_path / "campaign.toml").write_text(toml(table))
    with pytest.raises(CampaignError, match="name the columns of positions") as caught:
        load_campaign(tmp_path)
    assert f"; write {line} in [measurements]" in str(caught.value)
    (tmp_path / "points.csv").write_text("a,b\n")
    with pytest.raises(CampaignError, match=r"or latitude and longitude \[deg\]$"):
        load_campaign(tmp_path)


def as_hdf5(file):
    with h5py.File(file, "w") as h5:
        h5["a"], h5["b"] = [1.0], [2.0]


def as_parquet(file):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"a": [1.0], "b": [2.0]}), file)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda file: file.write_text("\ufeffa, b\n1,2\n", "utf-8")),
        ("t.h5", as_hdf5),
        ("t.parquet", as_parquet),
    ],
)
def test_column_names(name, write, tmp_path):
    write(tmp_path / name)
    assert column_names(tmp_path / name) == ["a", "b"]
    (tmp_path / name).write_bytes(b"\xff\x00")
    assert column_names(tmp_path / name) == []
    assert column_names(tmp_path / "gone.csv") == []


@pytest.mark.parametrize("word", ["NA", "null", "-", ""])
@pytest.mark.parametrize("column", [2, 4])
def test_missing_values_are_set_aside(word, column, tmp_path):
    rows = [["a", "p", "1", "2", "-80"], ["a", "p", "1", "3", "-80"]]
    rows[1][column] = word
    text = HEAD + "".join(",".join(row) + "\n" for row in rows)
    data = load_measurements(campaign(tmp_path, text))
    assert (len(data), data.set_aside) == (1, {"without a number": 1})


TIDY = HEAD + "a,p,1.5,2,-80.5\nb,p,3,4,-90\n"


@pytest.mark.parametrize(
    "raw",
    [
        TIDY.replace(",", ";").replace(".", ",").encode(),
        TIDY.replace(",", "\t").encode("utf-16"),
        b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode(),
        ("# a drive\n\n" + TIDY.replace("a,p", "a,p\xe9")).encode("latin-1"),
        TIDY.replace("-80.5", "-80.5,").encode(),
    ],
    ids=["semicolons", "utf-16", "bom", "remarks", "trailing"],
)
def test_what_other_programs_write_is_read(raw, tmp_path):
    made = campaign(tmp_path, "")
    (tmp_path / "points.csv").write_bytes(raw)
    data = load_measurements(made)
    assert data.level_db.tolist() == [-80.5, -90.0]
    assert data.position_m[0].tolist() == [1.5, 2.0, 1.5]


def test_cells_are_whose_rows_they_are(tmp_path):
    text = HEAD.replace("cell", "pci") + "101,p,100,0,-80\n102,p,100,50,-90\n7,p,1,1,-90\n"
    data = load_measurements(campaign(tmp_path, text, tx="pci", cells={"101": "b", "102": "a"}))
    assert [data.transmitters[t].name for t in data.tx] == ["b", "a"]
    assert data.set_aside == {"of a transmitter that the campaign does not name": 1}


def test_places_in_degrees_are_metres_from_the_origin(tmp_path):
    table = copy.deepcopy(TABLE)
    table["origin"] = {"latitude_deg": 45.0, "longitude_deg": 7.0}
    spec = table["measurements"]
    spec |= {"latitude": "lat", "longitude": "lng"}
    del spec["x"], spec["y"]
    (tmp_path / "points.csv").write_text(
        "cell,phone,lat,lng,rss\na,p,45.001,7.0,-90\na,p,45.0,7.002,-90\na,p,95.0,7.0,-90\n"
    )
    data = load_measurements(campaign_from_dict(table, "small", tmp_path))
    # A degree at 45 degrees north: 111.13 km to the north, 78.85 km to the east.
    np.testing.assert_allclose(data.position_m, [[0.0, 111.13, 1.5], [157.69, 0.0, 1.5]], atol=0.02)
    assert sum(data.set_aside.values()) == 1
