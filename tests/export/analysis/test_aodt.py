"""AODT-style Parquet tables, read by pyarrow."""

import shutil

import h5py
import numpy as np
import pytest

from rtwin.channel import cir
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export
from rtwin.export.analysis.aodt import _panels
from rtwin.scene import Antenna

pq = pytest.importorskip("pyarrow.parquet")
AODT_NAMES = {1: "reflection", 2: "diffuse", 4: "transmission", 8: "diffraction"}


def rows(folder, name):
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


def test_every_port_of_every_link(two_boxes, tmp_path):
    antenna = {"num_rows": 2, "num_cols": 3, "polarization": "VH"}
    recipe = two_boxes(
        transmitter=[
            {"name": "mast", "position_m": [0, 0, 12], "azimuth_deg": 30, "antenna": antenna}
        ],
        receivers={
            "kind": "random",
            "count": 4,
            "area": [-45, -45, 45, 45],
            "antenna": {"polarization": "H"},
        },
    )
    generate(recipe, tmp_path / "t.h5")
    export(tmp_path / "t.h5", "aodt", tmp_path / "a")
    found = rows(tmp_path / "a", "cirs")
    assert len(found) == 4 * 12
    with open_dataset(tmp_path / "t.h5") as dataset:
        paths = dataset.paths()
        tx_array, rx_array = dataset.arrays(0, 4)
        b = cir(paths, tx_array=tx_array, rx_array=rx_array)[..., 0]
    alive = paths.power > 0
    for row in found:
        mine = alive & (paths.link_index == row["ue_id"])
        element = row["ru_ant_el"]
        # Elements are numbered down each column, the polarisation is outermost.
        port = element["p"] * 6 + element["h"] * 2 + element["v"]
        value = np.array(row["cir_re"]) + 1j * np.array(row["cir_im"])
        np.testing.assert_allclose(value, b[mine, 0, port], rtol=1e-4, atol=1e-11)
        np.testing.assert_allclose(row["cir_delay"], paths.delay_s[mine], rtol=1e-6)
        assert (row["time_idx"], row["ru_id"]) == (0, 0)
    panel = rows(tmp_path / "a", "panels")[0]
    assert panel["dual_polarized"]
    assert (panel["num_loc_antenna_horz"], panel["num_loc_antenna_vert"]) == (3, 2)
    assert panel["antenna_spacing_horz"] == pytest.approx(0.5 * 8.5655, rel=1e-4)


def test_ray_paths_in_centimetres(standing, tmp_path):
    export(standing, "aodt", tmp_path / "a")
    found = rows(tmp_path / "a", "raypaths")
    with open_dataset(standing) as dataset:
        paths = dataset.paths()
        alive = np.flatnonzero(paths.power > 0)
        vertex = dataset.read("vertex_m")
        triangle = dataset.read("triangle")
        tx_m, rx_m = dataset.read("tx_position_m"), dataset.read("rx_position_m")
    assert len(found) == len(alive)
    for row, path in zip(found, alive, strict=True):
        assert row["ru_id"] == paths.link_index[path] % 2
        assert row["ue_id"] == paths.link_index[path] // 2
        codes = [int(c) for c in paths.interactions[path] if c]
        names = [AODT_NAMES[c] for c in codes]
        assert row["interaction_types"] == ["emission", *names, "reception"]
        points = np.array([[p["1"], p["2"], p["3"]] for p in row["points"]]) / 100
        np.testing.assert_allclose(points[0], tx_m[row["ru_id"]], atol=1e-5)
        np.testing.assert_allclose(points[1:-1], vertex[path, : len(codes)], atol=1e-5)
        np.testing.assert_allclose(points[-1], rx_m[row["ue_id"]], atol=1e-5)
        assert row["prim_ids"] == triangle[path, : len(codes)].tolist()
        length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
        assert length / 299792458 == pytest.approx(paths.delay_s[path], rel=1e-5)


def test_times_of_a_moving_twin(moving, tmp_path):
    export(moving, "aodt", tmp_path / "a")
    found = rows(tmp_path / "a", "cirs")
    assert [(r["time_idx"], r["ru_id"], r["ue_id"]) for r in found] == [
        (time, tx, 0) for time in range(4) for tx in range(2)
    ]
    (ue,) = rows(tmp_path / "a", "ues")
    np.testing.assert_allclose(ue["route_times"], [[0, 0.7, 1.4, 2.1]])
    np.testing.assert_allclose(ue["route_positions"][0][0], [-3000, 500, 150])
    np.testing.assert_allclose(ue["route_speeds"], [[10] * 4])
    mast, _ = rows(tmp_path / "a", "rus")
    assert mast["mech_azimuth"] == pytest.approx(30)
    assert mast["mech_tilt"] == pytest.approx(10)
    np.testing.assert_allclose(mast["position"], [0, 0, 1200])
    assert [r["time_idx"] for r in rows(tmp_path / "a", "time_info")] == [0, 1, 2, 3]


def test_ports_are_not_chosen(dual, tmp_path):
    with pytest.raises(OutOfRangeError, match="all polarisations"):
        export(dual, "aodt", tmp_path / "a", tx_port="V")


def leaf_types(kind):
    if hasattr(kind, "value_type"):
        return leaf_types(kind.value_type)
    if kind.num_fields:
        return set().union(*(leaf_types(kind.field(n).type) for n in range(kind.num_fields)))
    return {str(kind)}


def test_types_and_ranges_are_those_of_the_schema(moving, two_boxes, tmp_path):
    export(moving, "aodt", tmp_path / "a")
    tables = sorted((tmp_path / "a").glob("*.parquet"))
    assert len(tables) == 9
    for file in tables:
        for field in pq.read_schema(file):
            # Objects are numbered from -1, "none".
            allowed = {"uint32", "float", "string", "bool"} | (
                {"int32"} if field.name == "object_ids" else set()
            )
            assert leaf_types(field.type) <= allowed, (file.name, field)
    ues = pq.read_schema(tmp_path / "a" / "ues.parquet")
    assert str(ues.field("waypoint_ids").type) == "list<element: list<element: uint32>>"
    turned = two_boxes(transmitter=[{"name": "m", "position_m": [0, 0, 12], "azimuth_deg": -90}])
    export(generate(turned, tmp_path / "t.h5"), "aodt", tmp_path / "t")
    (ru,) = rows(tmp_path / "t", "rus")
    assert ru["mech_azimuth"] == pytest.approx(270)


def test_a_rolled_device_is_refused_and_cut_paths_are_said(moving, tmp_path, monkeypatch):
    rolled = tmp_path / "rolled.h5"
    shutil.copy(moving, rolled)
    with h5py.File(rolled, "r+") as h5:
        h5["rx_orientation_rad"][1, 2] = 0.5
    with pytest.raises(OutOfRangeError, match=r"rx 1 is rolled by 28\.64"):
        export(rolled, "aodt", tmp_path / "a")
    monkeypatch.setattr("rtwin.export.analysis.aodt.READER_MAX_PATHS", 2)
    assert "converter keeps 2" in export(moving, "aodt", tmp_path / "b")["most paths"]


def test_panels_are_rolled_as_their_ports_are_slanted():
    cross = Antenna(polarization="cross", num_rows=2, num_cols=4, vertical_spacing=1.0)
    found = _panels(cross, Antenna(polarization="H"), 2.99792458e9)
    assert found["dual_polarized"] == [True, False]
    assert found["antenna_roll_angle_first_polz"] == [-np.pi / 4, np.pi / 2]
    assert found["antenna_roll_angle_second_polz"] == [np.pi / 4, np.pi / 2]
    assert found["num_loc_antenna_horz"] == [4, 1]
    assert found["num_loc_antenna_vert"] == [2, 1]
    assert found["antenna_spacing_vert"] == pytest.approx([10.0, 5.0])  # [cm] of 10 cm waves
