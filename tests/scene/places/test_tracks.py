"""Tracks from tables: equal steps, gaps, one-line errors."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, RecipeError, ShapeError
from rtwin.scene import Tracks, read_tracks

from ..helpers import assert_one_line


def write(folder, text):
    file = folder / "tracks.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_rows_are_brought_to_equal_steps(tmp_path):
    file = write(
        tmp_path,
        "ue,time_s,y_m,x_m,z_m\nb,1,5,0,2\na,0,0,0,1.5\na,2,0,4,1.5\nb,2,5,1,2\n",
    )
    tracks = read_tracks(file, 0.5)
    assert tracks.ue_name == ("b", "a")
    np.testing.assert_allclose(tracks.time_s, [0, 0.5, 1, 1.5, 2])
    np.testing.assert_allclose(tracks.position_m[:, 1, 0], [0, 1, 2, 3, 4])
    # User b is nowhere before its first row.
    assert np.isnan(tracks.position_m[:2, 0]).all()
    np.testing.assert_allclose(tracks.position_m[2:, 0], [[0, 5, 2], [0.5, 5, 2], [1, 5, 2]])
    assert tracks.source == {"kind": "csv", "file": "tracks.csv"}


def test_long_gaps_are_not_bridged(tmp_path):
    file = write(tmp_path, "time_s,ue,x_m,y_m\n0,a,0,0\n1,a,1,0\n8,a,8,0\n9,a,9,0\n")
    x = read_tracks(file, 1.0, max_gap_s=5.0).position_m[:, 0, 0]
    np.testing.assert_array_equal(x, [0, 1, *[np.nan] * 6, 8, 9])
    x = read_tracks(file, 1.0, max_gap_s=7.0).position_m[:, 0, 0]
    np.testing.assert_allclose(x, np.arange(10))


def test_without_heights_z_is_unknown(tmp_path):
    tracks = read_tracks(write(tmp_path, "time_s,ue,x_m,y_m\n0,a,0,0\n0.3,a,3,0\n"), 0.1)
    assert np.isnan(tracks.position_m[..., 2]).all()
    # 0.1 + 0.1 + 0.1 is not 0.3, but the last row is met.
    np.testing.assert_allclose(tracks.position_m[:, 0, 0], [0, 1, 2, 3])


class Nowhere:
    """A georeference that turns a degree into a kilometre."""

    def to_local(self, lat_deg, lon_deg):
        return 1e3 * np.stack([np.asarray(lon_deg), np.asarray(lat_deg), 0 * lat_deg], axis=-1)


def test_latitude_and_longitude_need_a_georeference(tmp_path):
    file = write(tmp_path, "time_s,ue,lat_deg,lon_deg\n0,a,1,2\n1,a,1,3\n")
    tracks = read_tracks(file, 1.0, georeference=Nowhere())
    np.testing.assert_allclose(tracks.position_m[:, 0, :2], [[2000, 1000], [3000, 1000]])
    with pytest.raises(RecipeError, match=r"no \[georeference\]; give x_m and y_m"):
        read_tracks(file)
    file = write(tmp_path, "time_s,ue,lat_deg,lon_deg\n0,a,1,2\n1,a,80,180\n")
    with pytest.raises(RecipeError, match="row 2 at latitude 80, longitude 180 is more than"):
        read_tracks(file, georeference=Nowhere())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1: missing column 'time_s'; the header is empty"),
        ("time_s,ue,x_m\n0,a,1\n", "1: missing column 'y_m'"),
        (
            "time_s,ue,x_m,y_m,lat_deg\n0,a,1,1,1\n",
            "has x_m, y_m and lat_deg, lon_deg, which say the same",
        ),
        ("time_s,ue,x_m,y_m\n", "2: no rows"),
        ("time_s,ue,x_m,y_m\n0,a,1,one\n", "2: y_m = 'one': must be a finite number"),
        ("time_s,ue,x_m,y_m\n0,,1,1\n", "2: ue = '': must be 1 to 100 printable"),
        ("time_s,ue,x_m,y_m\n0,a,1,1\n0,a,2,1\n", "user 'a' has two rows of one time"),
        ("time_s,ue,x_m,y_m,speed\n0,a,1,1,1\n", "unknown column 'speed'"),
        ("time_s,ue,x_m,y_m\n0,a,1,1e7\n", "within 100000 m of the origin"),
    ],
)
def test_bad_tables(tmp_path, text, words):
    with pytest.raises(RecipeError) as error:
        read_tracks(write(tmp_path, text))
    assert_one_line(error, words)


def test_missing_files_and_endless_tracks(tmp_path):
    with pytest.raises(RecipeError, match="No such file"):
        read_tracks(tmp_path / "none.csv")
    file = write(tmp_path, "time_s,ue,x_m,y_m\n0,a,0,0\n1e12,a,1,0\n")
    with pytest.raises(OutOfRangeError, match="take fewer users, a shorter time"):
        read_tracks(file)
    with pytest.raises(OutOfRangeError, match="interval_s is 0"):
        read_tracks(file, 0.0)


def test_tracks_fit_together():
    with pytest.raises(ShapeError, match="must be \\(2, 1, 3\\)"):
        Tracks(np.zeros(2), ("a",), np.zeros((2, 2, 3)))
    with pytest.raises(OutOfRangeError, match="same name"):
        Tracks(np.zeros(1), ("a", "a"), np.zeros((1, 2, 3)))


def test_gaps_that_are_not_bridged_are_counted(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("time_s,ue,x_m,y_m\n0,a,0,0\n4,a,4,0\n14,a,9,0\n0,b,0,0\n10,b,0,1\n")
    assert read_tracks(file, 1.0).source["num_gaps"] == 2
    assert "num_gaps" not in read_tracks(file, 1.0, max_gap_s=10.0).source
