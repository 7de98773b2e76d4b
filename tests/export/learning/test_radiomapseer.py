"""RadioMapSeer-style pictures, read by Pillow."""

import json

import numpy as np
import pytest

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.export import export

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def seer(two_boxes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seer")
    recipe = two_boxes(radio_map={"cell_size_m": 1.0, "area": [-128, -128, 128, 128]})
    generate_radio_map(recipe, folder / "map.h5")
    report = export(folder / "map.h5", "radiomapseer", folder / "set", map_id=7)
    return folder / "map.h5", folder / "set", report


def pixels(file):
    image = Image.open(file)
    assert image.mode == "L"
    return np.asarray(image)[::-1]  # south first, as in the map


def test_gain_is_grey(seer):
    file, folder, _ = seer
    radio_map = open_radio_map(file)
    inside = pixels(folder / "png/buildings_complete/7.png") > 0
    for tx in range(2):
        grey = pixels(folder / f"gain/IRT4/7_{tx}.png")
        assert grey.shape == (256, 256)
        gain = radio_map.path_gain[tx]
        read = -147 + grey.astype(float) / 255 * 100
        fair = (gain > 10**-14.6) & (gain < 10**-4.8) & ~inside
        assert fair.sum() > 1000
        np.testing.assert_allclose(read[fair], 10 * np.log10(gain[fair]), atol=100 / 255 / 2 + 1e-6)
        assert (grey[inside] == 0).all()
        assert (grey[gain == 0] == 0).all()


def test_antennas_stand_where_they_are(seer):
    _, folder, _ = seer
    places = json.loads((folder / "antenna/7.json").read_text())
    for tx, (x, y) in enumerate([(0, 0), (30, -20)]):
        (row,), (column,) = np.nonzero(pixels(folder / f"png/antennas/7_{tx}.png"))
        assert abs(column - 128 + 0.5 - x) <= 0.5
        assert abs(row - 128 + 0.5 - y) <= 0.5
        assert places[tx] == [column, 255 - row]


def test_buildings_are_those_of_the_scene(seer):
    """A turned box of 14 m by 10 m, one of 8 m by 16 m, and a sheet, which covers no cell."""
    _, folder, report = seer
    inside = pixels(folder / "png/buildings_complete/7.png") == 255
    y, x = np.mgrid[-127.5:128, -127.5:128]
    wanted = np.zeros_like(inside)
    for (cx, cy), (lx, ly), yaw in (((20, 12), (14, 10), 10), ((-18, -15), (8, 16), -20)):
        c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        u, v = c * (x - cx) + s * (y - cy), -s * (x - cx) + c * (y - cy)
        wanted |= (np.abs(u) < lx / 2) & (np.abs(v) < ly / 2)
    assert (inside != wanted).sum() <= 2
    assert report["cells in buildings"].startswith(str(inside.sum()))


def test_what_it_cannot_say(map_file, seer, tmp_path):
    with pytest.raises(OutOfRangeError, match="24 x 24 cells of 5 m, RadioMapSeer has 256 x 256"):
        export(map_file, "radiomapseer", tmp_path / "s")
    with pytest.raises(OutOfRangeError, match="min must be lower"):
        export(seer[0], "radiomapseer", tmp_path / "s", min_db=-40)
    with pytest.raises(OutOfRangeError, match="it must be DPM"):
        export(seer[0], "radiomapseer", tmp_path / "s", kind="../x")
    assert list(tmp_path.iterdir()) == []
    report = export(seer[0], "radiomapseer", tmp_path / "s", max_db=-90.0)
    assert int(report["cells above"].split()[0]) > 100
    export(map_file, "radiomapseer", tmp_path / "t", any_size=True, indoor=True)
    assert pixels(tmp_path / "t/gain/IRT4/0_0.png").shape == (24, 24)
