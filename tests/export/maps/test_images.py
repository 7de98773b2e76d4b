"""PNG and GLB: every cell in its colour and at its place."""

import dataclasses
import io
import json
import struct
import sys

import numpy as np
import pytest
import trimesh
from PIL import Image

from rtwin.dataset import open_radio_map
from rtwin.errors import MissingExtraError, OutOfRangeError
from rtwin.export import export
from rtwin.export.maps.images import surface, write_glb
from rtwin.export.maps.raster import pixels
from rtwin.plot.fields import MapField, map_extent, map_field
from rtwin.plot.style import CATEGORIES, color_table
from rtwin.units import to_db


@pytest.fixture
def radio_map(map_file):
    return open_radio_map(map_file)


def read_glb(file):
    """JSON and binary chunk of a GLB, by its own header."""
    data = file.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    tree = json.loads(data[20 : 20 + size])
    return tree, data[28 + size :]


def test_picture_with_legend_is_the_plot(map_file, tmp_path):
    from rtwin.plot import plot_file, save_figure

    export(map_file, "png", tmp_path / "map.png", metric="sinr", transmitter="pole")
    save_figure(plot_file(map_file, metric="sinr", tx=1), tmp_path / "plot.png")
    assert (tmp_path / "map.png").read_bytes() == (tmp_path / "plot.png").read_bytes()


@pytest.mark.parametrize(("transmitter", "tx"), [("", None), ("pole", 1), ("0", 0)])
@pytest.mark.parametrize(("metric", "colors"), [("rss", "viridis"), ("error", "cividis")])
def test_pixels_are_cells(map_file, radio_map, tmp_path, metric, colors, transmitter, tx):
    export(
        map_file,
        "png",
        tmp_path / "map.png",
        metric=metric,
        transmitter=transmitter,
        legend=False,
        pixels_per_cell=3,
    )
    picture = np.array(Image.open(tmp_path / "map.png"))
    assert picture.shape == (72, 72, 4)
    field = map_field(radio_map, metric, tx)
    values, (low, high) = field.values, field.limits
    reached = np.isfinite(values)
    cells = picture[1::3, 1::3][::-1]  # the top row is the north
    np.testing.assert_array_equal(cells[..., 3], np.where(reached, 255, 0))
    rows = np.clip(np.floor(256 * (values[reached] - low) / (high - low)), 0, 255).astype(int)
    np.testing.assert_array_equal(cells[reached][:, :3], color_table(colors)[rows])
    np.testing.assert_array_equal(picture[::3], picture[2::3])


def test_serving_has_the_colours_of_the_plots(map_file, radio_map, tmp_path):
    export(map_file, "png", tmp_path / "map.png", metric="serving", legend=False)
    cells = np.array(Image.open(tmp_path / "map.png"))[::-1]
    for tx in (0, 1):
        color = [int(CATEGORIES[tx][k : k + 2], 16) for k in (1, 3, 5)]
        chosen = radio_map.serving_transmitter == tx
        assert chosen.any()
        assert (cells[chosen] == [*color, 255]).all()


def test_texture_and_places_of_the_model(map_file, radio_map, tmp_path):
    """The model, read by trimesh, has each cell's colour where the cell is."""
    export(map_file, "glb", tmp_path / "map.glb", metric="path_gain", transmitter="mast")
    tree, binary = read_glb(tmp_path / "map.glb")
    view = tree["bufferViews"][tree["images"][0]["bufferView"]]
    start = view.get("byteOffset", 0)
    image = np.array(Image.open(io.BytesIO(binary[start : start + view["byteLength"]])))
    np.testing.assert_array_equal(image[::-1], pixels(map_field(radio_map, "path_gain", 0)))
    (mesh,) = trimesh.load(tmp_path / "map.glb", process=False).geometry.values()
    # In glTF y is up and z is south.
    corners, uv = np.asarray(mesh.vertices), np.asarray(mesh.visual.uv)
    east, up, south = corners.T
    np.testing.assert_allclose(up, 1.5)
    assert (east.min(), east.max(), south.min(), south.max()) == (-60, 60, -60, 60)
    np.testing.assert_allclose(uv[:, 0], (east + 60) / 120)
    # trimesh counts v from the bottom of a picture, whose top row is the north.
    np.testing.assert_allclose(uv[:, 1], (60 - south) / 120)
    assert (mesh.face_normals @ [0, 1, 0] > 0.99).all()


def test_colours_do_not_depend_on_light(map_file, tmp_path):
    export(map_file, "glb", tmp_path / "map.glb")
    tree, _ = read_glb(tmp_path / "map.glb")
    assert tree["extensionsUsed"] == ["KHR_materials_unlit"]
    assert tree["materials"][0]["extensions"] == {"KHR_materials_unlit": {}}
    assert tree["materials"][0]["alphaMode"] == "MASK"
    assert tree["samplers"][tree["textures"][0]["sampler"]]["magFilter"] == 9728
    said = json.dumps(tree)
    for text in ("Received power", "dBm", "best transmitter", "Two boxes and a sheet"):
        assert text in said


def test_model_with_the_scene(map_file, tmp_path):
    report = export(map_file, "glb", tmp_path / "map.glb", with_scene=True)
    assert report["objects"] == 4
    model = trimesh.load(tmp_path / "map.glb", process=False)
    assert {"ground", "brick_box", "metal_box", "sheet"} < set(model.geometry)
    low, high = model.geometry["brick_box"].bounds
    assert (low[1], high[1]) == (-2.0, 10.0)
    # A box of 14 m x 10 m about (20, 12), turned by ten degrees; north is -z.
    np.testing.assert_allclose((low + high)[[0, 2]] / 2, [20, -12], atol=1e-5)
    wide = 14 * np.cos(np.radians(10)) + 10 * np.sin(np.radians(10))
    assert high[0] - low[0] == pytest.approx(wide, abs=1e-4)
    assert len(model.geometry["brick_box"].faces) == 12


def test_surface_follows_hills(radio_map, tmp_path):
    centers = radio_map.cell_centers_m.copy()
    centers[..., 2] = 0.2 * centers[..., 1] + 30
    hilly = dataclasses.replace(radio_map, cell_centers_m=centers)
    vertices, faces, uv = surface(hilly)
    assert len(faces) == 2 * 24 * 24
    inner = np.abs(vertices[:, 1]) < 59
    np.testing.assert_allclose(vertices[inner, 2], 0.2 * vertices[inner, 1] + 30)
    np.testing.assert_allclose(uv, (vertices[:, :2] + 60) / 120)
    normals = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    assert (normals[:, 2] > 0).all()
    write_glb(hilly, tmp_path / "map.glb", lambda *_: None)
    assert read_glb(tmp_path / "map.glb")[0]["accessors"]


def test_powers_are_those_of_the_file(radio_map):
    layer = map_field(radio_map, "path_gain", 1)
    reached = radio_map.path_gain[1] > 0
    np.testing.assert_allclose(layer.values[reached], to_db(radio_map.path_gain[1][reached]))
    assert layer.unit == "dB"
    assert map_extent(radio_map) == (-60.0, 60.0, -60.0, 60.0)


def test_wrong_requests(map_file, tmp_path, monkeypatch):
    with pytest.raises(OutOfRangeError, match=r"'north'; the map has mast, pole \(rows 0 to 1\)"):
        export(map_file, "glb", tmp_path / "map.glb", transmitter="north")
    with pytest.raises(OutOfRangeError, match="pixels_per_cell is 0"):
        export(map_file, "png", tmp_path / "map.png", legend=False, pixels_per_cell=0)
    with pytest.raises(OutOfRangeError, match="it must be one of path_gain, rss"):
        export(map_file, "png", tmp_path / "map.png", metric="gain")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rtwin\[viz\]'"):
        export(map_file, "glb", tmp_path / "map.glb")
    assert list(tmp_path.iterdir()) == []


def test_colours_of_a_scale_end_at_its_limits():
    """256 colours in equal steps; what lies beyond has that of the end."""
    values = np.array([[-120.0, -100.0, -99.8, -75.0], [-50.0, -50.1, -10.0, np.nan]])
    field = MapField("rss", "", "power [dBm]", values, (-100.0, -50.0), "viridis", "")
    table = color_table("viridis")
    found = pixels(field)
    wanted = [[0, 0, 1, 128], [255, 255, 255]]
    np.testing.assert_array_equal(found[0, :, :3], table[wanted[0]])
    np.testing.assert_array_equal(found[1, :3, :3], table[wanted[1]])
    assert found[..., 3].tolist() == [[255] * 4, [255, 255, 255, 0]]
