"""DeepMIMO scenarios read back by a reader of their own; the real one: test_deepmimo_peer.py."""

import json

import numpy as np
import pytest

from rtwin.channel import cfr
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export
from rtwin.scene import recipe_dict, recipe_from_dict

from .. import readers

FREQUENCIES = np.arange(-8, 8) * 1e6


@pytest.fixture(scope="module")
def scenario(standing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deepmimo") / "scene"
    report = export(standing, "deepmimo", folder)
    assert report["transmitters"] == 2
    return folder


def test_channels_come_back(standing, scenario):
    with open_dataset(standing) as dataset:
        ours = cfr(dataset.paths(), FREQUENCIES)[:, 0, 0, 0].reshape(-1, 2, 16)
    for tx in range(2):
        h, _ = readers.deepmimo(scenario, tx, FREQUENCIES)
        np.testing.assert_allclose(h, ours[:, tx], atol=1e-5 * np.abs(ours).max())


def test_matrices_say_what_the_paths_say(standing, scenario):
    digit = {0: "", 1: "1", 2: "3", 4: "4", 8: "2"}
    with open_dataset(standing) as dataset:
        for tx in range(2):
            _, found = readers.deepmimo(scenario, tx, FREQUENCIES)
            np.testing.assert_allclose(found["rx_pos"], dataset.read("rx_position_m"), rtol=1e-6)
            np.testing.assert_allclose(found["tx_pos"][0], dataset.read("tx_position_m")[tx])
            for rx in range(dataset.num_rx):
                link = dataset.link(rx, tx)
                paths = dataset.paths(link, link + 1)
                rows = dataset.path_rows(link, link + 1)
                vertex = dataset.read("vertex_m", rows)
                alive = np.flatnonzero(paths.power > 0)
                order = alive[np.lexsort((-paths.power[alive], ~paths.is_line_of_sight[alive]))]
                there = ~np.isnan(found["power"][rx])
                assert there.sum() == len(order)
                assert there[: len(order)].all()
                codes = ["".join(digit[int(c)] for c in row) or "0" for row in paths.interactions]
                inter = found["inter"][rx, : len(order)]
                assert [int(code) for code in inter] == [int(codes[p]) for p in order]
                for column, path in enumerate(order):
                    depth = np.count_nonzero(paths.interactions[path])
                    places = found["inter_pos"][rx, column]
                    np.testing.assert_allclose(places[:depth], vertex[path, :depth], rtol=1e-6)
                    assert np.isnan(places[depth:]).all()
                for key, angle in (
                    ("aod_az", paths.aod_azimuth),
                    ("aod_el", paths.aod_zenith),
                    ("aoa_az", paths.aoa_azimuth),
                    ("aoa_el", paths.aoa_zenith),
                ):
                    np.testing.assert_allclose(
                        found[key][rx, : len(order)], np.degrees(angle)[order], rtol=1e-5, atol=1e-4
                    )


def test_the_file_holds_diffraction_and_a_link_without_path(scenario):
    params = json.loads((scenario / "params.json").read_text())
    _, one = readers.deepmimo(scenario, 0, FREQUENCIES)
    _, two = readers.deepmimo(scenario, 1, FREQUENCIES)
    both = np.concatenate([one["inter"].ravel(), two["inter"].ravel()])
    assert {"2", "1", "4"} <= set("".join(str(int(c)) for c in both[~np.isnan(both)]))
    assert params["txrx_sets"]["txrx_set_0"]["num_points"] == 2
    assert params["txrx_sets"]["txrx_set_1"]["num_points"] == 5
    assert params["rt_params"]["frequency"] == 3.5e9
    assert params["rt_params"]["max_diffractions"] == 3
    names = {m["name"] for m in params["materials"].values()}
    assert names == {"concrete", "brick", "metal", "glass"}


def test_mesh_is_the_scene(scenario):
    vertices = np.load(scenario / "vertices.npz")["vertices"]
    faces = np.load(scenario / "faces.npz")
    objects = json.loads((scenario / "objects.json").read_text())
    assert [o["label"] for o in objects] == ["terrain", "buildings", "buildings", "buildings"]
    assert {o["name"] for o in objects} == {"terrain", "brick_box", "metal_box", "sheet"}
    box = next(o for o in objects if o["name"] == "brick_box")
    corners = vertices[faces[box["mesh_key"]]].reshape(-1, 3)
    assert corners[:, 2].min() == pytest.approx(-2)
    assert corners[:, 2].max() == pytest.approx(10)
    np.testing.assert_allclose(corners.mean(axis=0)[:2], [20, 12], atol=1e-4)


def test_powers_turns_and_what_is_no_building(two_boxes, tmp_path):
    trees = {
        "name": "trees",
        "material": "vegetation",
        "shape": "box",
        "center_m": [-20, -20, 3],
        "size_m": [4, 6, 6],
    }
    objects = [item.model_dump(mode="json", exclude_none=True) for item in two_boxes().object]
    objects[1]["velocity_m_s"] = [3, 1, 0]
    rows = "-30,10,1.5,30\n10,-30,1.5,30\n"
    (tmp_path / "rx.csv").write_text(f"x_m,y_m,z_m,azimuth_deg\n{rows}")
    data = recipe_dict(two_boxes(object=[*objects, trees]))
    data["receivers"] = {"kind": "csv", "file": "rx.csv"}
    recipe = recipe_from_dict(data, "turned", tmp_path)
    export(generate(recipe, tmp_path / "d.h5"), "deepmimo", tmp_path / "scene")
    params = json.loads((tmp_path / "scene" / "params.json").read_text())
    scenery = json.loads((tmp_path / "scene" / "objects.json").read_text())
    labels = {item["name"]: item["label"] for item in scenery}
    assert labels[objects[1]["name"]] == "objects"
    assert labels["trees"] == "vegetation"
    assert params["scene"]["n_objects"] == len(scenery)
    vertices = np.load(tmp_path / "scene" / "vertices.npz")["vertices"]
    key = next(item["mesh_key"] for item in scenery if item["name"] == "trees")
    with np.load(tmp_path / "scene" / "faces.npz") as faces:
        corners = vertices[faces[key]].reshape(-1, 3)
    np.testing.assert_allclose(corners.min(axis=0), [-22, -23, 0], atol=1e-5)
    np.testing.assert_allclose(corners.max(axis=0), [-18, -17, 6], atol=1e-5)
    with np.load(tmp_path / "scene" / "materials.npz") as materials:
        assert params["materials"][f"material_{materials[key][0]}"]["name"] == "vegetation"
    with open_dataset(tmp_path / "d.h5") as dataset:
        power = dataset.read("tx_power_dbm").tolist()
    assert params["rtwin"]["tx_power_dbm"] == power
    # DeepMIMO turns about x, y, z.
    assert params["rtwin"]["rx_rotation_deg"] == pytest.approx(np.array([[0, 0, 30]] * 2))


def test_moving_twin_is_a_scene_per_time(moving, tmp_path):
    folder = tmp_path / "walk"
    report = export(moving, "deepmimo", folder, mesh=False)
    assert (report["scenes"], report["receivers"]) == (4, 1)
    params = json.loads((folder / "params.json").read_text())
    assert params["scene"]["num_scenes"] == 4
    assert params["rtwin"]["time_s"] == pytest.approx([0, 0.7, 1.4, 2.1])
    with open_dataset(moving) as dataset:
        ours = cfr(dataset.paths(), FREQUENCIES)[:, 0, 0, 0].reshape(-1, 2, 16)
        doppler = [dataset.paths(2 * time, 2 * time + 1).doppler_hz for time in range(4)]
    for time in range(4):
        h, found = readers.deepmimo(folder / f"scene_{time:06d}", 0, FREQUENCIES)
        np.testing.assert_allclose(h[0], ours[time, 0], atol=1e-5 * np.abs(ours).max())
        there = ~np.isnan(found["doppler"][0])
        assert sorted(found["doppler"][0, there]) == pytest.approx(sorted(doppler[time]), rel=1e-5)
    points = tmp_path / "points"
    assert export(moving, "deepmimo", points, mesh=False, snapshots=False)["receivers"] == 4
    h, _ = readers.deepmimo(points, 0, FREQUENCIES)
    np.testing.assert_allclose(h, ours[:, 0], atol=1e-5 * np.abs(ours).max())


def test_two_polarisations_are_refused_unless_one_is_chosen(dual, tmp_path):
    with pytest.raises(OutOfRangeError, match=r"polarisations V and H.*--tx-port"):
        export(dual, "deepmimo", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    export(dual, "deepmimo", tmp_path / "x", tx_port="H", mesh=False)
    with open_dataset(dual) as dataset:
        ours = cfr(dataset.paths(), FREQUENCIES)[:, 0, 1, 0].reshape(-1, 2, 16)
    h, _ = readers.deepmimo(tmp_path / "x", 1, FREQUENCIES)
    np.testing.assert_allclose(h, ours[:, 1], atol=1e-5 * np.abs(ours).max())


def test_too_many_interactions_are_refused(standing, tmp_path, monkeypatch):
    monkeypatch.setattr("rtwin.export.learning.deepmimo.MAX_INTERACTIONS", 2)
    with pytest.raises(OutOfRangeError, match="a path has 3 interactions"):
        export(standing, "deepmimo", tmp_path / "scene")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Scene", "a b", "what?", "über"])
def test_names_that_deepmimo_cannot_load(standing, tmp_path, name):
    with pytest.raises(OutOfRangeError, match="takes names that match"):
        export(standing, "deepmimo", tmp_path / name)
