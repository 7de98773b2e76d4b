"""From a map to a scene folder."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import (
    RtwinError,
    StoreError,
)
from rtwin.scene import build_meshes, load_recipe
from rtwin.scene.build import build_scene, place
from rtwin.scene.build.elements import MapData
from rtwin.scene.lint import lint_scene

from ..helpers import assert_one_line
from .maps import MIDDLE, OsmFile, campus, feature, save_geojson, square


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    source = campus().save(folder / "campus.osm")
    report = build_scene([source], folder / "campus")
    return folder / "campus", report


def extent(mesh):
    return np.array(mesh.mesh.bounds)


def test_recipe(built):
    folder, report = built
    recipe = load_recipe(folder)
    by_name = {item.name: item for item in recipe.object}
    assert {"ground", "way_101", "way_102", "way_102_roof", "way_103", "way_104", "way_105"} <= set(
        by_name
    )
    assert recipe.title == "campus"
    assert recipe.source == "campus.osm"
    assert "OpenStreetMap contributors" in recipe.licence
    assert recipe.geometry.ground == ("ground", "way_105")
    assert by_name["way_101"].height_m == 12.5  # half a metre in the ground
    assert by_name["way_103"].height_m == 9.5
    materials = {name: item.material for name, item in by_name.items()}
    assert materials["way_101"] == "concrete"
    assert materials["way_102"] == "brick"
    assert materials["way_102_roof"] == "metal"
    assert materials["way_104"] == "vegetation"
    assert materials["way_105"] == "fresh_water"
    assert "# Old Hall\n" in (folder / "scene.toml").read_text()
    assert report["buildings"] == 4
    assert report["heights_defaulted"] == 1
    assert report["default_height_objects"] == {"way_103": 9.5}
    assert (report["vegetation"], report["water"], report["ways"]) == (2, 1, 2)


def test_georeference(built):
    """The scene's metres are those of the map, whatever origin was chosen."""
    reference = load_recipe(built[0]).georeference
    assert reference.epsg == MIDDLE.epsg == 32617
    corner = MIDDLE.to_geographic([-60.0, -40.0, 0.0])
    x, y, _ = reference.to_local(*corner)
    meshes = {m.name: m for m in build_meshes(load_recipe(built[0]))}
    assert extent(meshes["way_101"])[0, :2] == pytest.approx([x, y], abs=5e-3)
    assert np.ptp(extent(meshes["way_101"]), axis=0) == pytest.approx([20, 20, 12.5], abs=0.01)
    assert float(reference.origin_easting_m).is_integer()


def test_meshes_are_closed(built):
    meshes = {m.name: m.mesh for m in build_meshes(load_recipe(built[0]))}
    walls, roof = meshes["way_102"], meshes["way_102_roof"]
    house = trimesh.util.concatenate([walls, roof])
    house.merge_vertices()
    assert house.is_watertight
    # 15 x 15 m, eaves at 9 m less a quarter of the width, the gable half of that on average.
    assert house.volume == pytest.approx(225 * (9.5 - 3.75 / 2), rel=2e-3)
    court = next(m for name, m in meshes.items() if name.startswith("relation"))
    assert court.volume == pytest.approx(800 * 13.5, rel=2e-3)
    # The pond is cut out of the ground.
    assert meshes["ground"].area + meshes["way_105"].area == pytest.approx(
        np.prod(np.ptp(meshes["ground"].bounds, axis=0)[:2])
    )


def test_ways_are_geojson(built):
    data = json.loads((built[0] / "ways.geojson").read_text())
    assert {f["id"] for f in data["features"]} == {"way_106", "way_107"}
    walk = next(f for f in data["features"] if f["id"] == "way_106")
    assert walk["properties"] == {"highway": "footway", "name": "Main walk"}
    lon, lat = walk["geometry"]["coordinates"][0]
    assert MIDDLE.to_local(lat, lon)[1] == pytest.approx(-10, abs=0.01)
    assert shapely.from_geojson(json.dumps(data)) is not None


def test_lint_finds_only_the_assumed_height(built):
    assert [(f.check, f.objects) for f in lint_scene(load_recipe(built[0]))] == [
        ("height", ("way_103",))
    ]


def test_it_traces_as_it_is(built):
    from rtwin.trace import Tracer, load_world, place, remarks

    world = load_world(load_recipe(built[0], num_receivers=40))
    assert remarks(world) == []
    traced = Tracer(world).trace(place(world))
    assert (traced.num_paths > 0).mean() > 0.8
    assert {v.name for v in world.volumes} == {"way_104", *(v.name for v in world.volumes)}


def test_same_map_same_folder(built, tmp_path):
    folder, _ = built
    build_scene([folder.parent / "campus.osm"], tmp_path / "campus")
    for file in (p.relative_to(folder) for p in folder.rglob("*") if p.is_file()):
        if file.name != "build.json":
            assert (folder / file).read_bytes() == (tmp_path / "campus" / file).read_bytes(), file


def test_several_sources_are_merged(tmp_path):
    """Heights from the extract that has them; what both hold comes once."""
    first, second = OsmFile(), OsmFile()
    first.way(square(0, 0), 1, building="yes", name="Hall")
    first.way(square(30, 0), 2, building="yes", height="7")
    second.way(square(0, 0), 1, building="yes", height="21")
    second.way(square(30, 0), 2, building="yes", height="99")
    second.way(square(60, 0), 3, building="yes", height="5")
    files = [first.save(tmp_path / "a.osm"), second.save(tmp_path / "b.osm")]
    report = build_scene(files, tmp_path / "out")
    heights = {
        i.name: i.height_m - 0.5
        for i in load_recipe(tmp_path / "out").object
        if i.name.startswith("way")
    }
    assert heights == pytest.approx({"way_1": 21, "way_2": 7, "way_3": 5})
    assert "# Hall" in (tmp_path / "out/scene.toml").read_text()
    assert report["heights_defaulted"] == 0
    assert report["notes"] == {"elements that several sources hold, merged by id": 2}


def test_bbox(tmp_path):
    file = campus().save(tmp_path / "a.osm")
    south, west, _ = MIDDLE.to_geographic([-70, -50, 0])
    north, east, _ = MIDDLE.to_geographic([-30, -10, 0])
    report = build_scene([file], tmp_path / "out", bbox=(south, west, north, east))
    assert report["buildings"] == 1


def test_mesh_scene(tmp_path):
    house = trimesh.creation.box((10, 12, 8))
    house.apply_translation((0, 0, 4))
    ground = trimesh.creation.box((100, 100, 0.2))
    trimesh.util.concatenate([house, ground]).export(tmp_path / "town.stl")
    report = build_scene([tmp_path / "town.stl"], tmp_path / "town")
    recipe = load_recipe(tmp_path / "town")
    assert recipe.georeference is None
    assert recipe.geometry.ground == ("ground",)
    assert report["buildings"] == 1
    assert [f.severity for f in lint_scene(recipe)] == []


def test_mesh_without_ground_gets_one_at_its_feet(tmp_path):
    house = trimesh.creation.box((10, 12, 8))
    house.apply_translation((9000, 0, 54))
    house.export(tmp_path / "house.ply")
    report = build_scene([tmp_path / "house.ply"], tmp_path / "out")
    assert report["notes"] == {"everything moved by -9000, 0 m to the origin": 1}
    recipe = load_recipe(tmp_path / "out")
    ground, house = (m.mesh.bounds for m in build_meshes(recipe))
    assert ground[:, 2] == pytest.approx([50, 50])
    assert house[:, 2] == pytest.approx([50, 58])
    assert abs(house[:, 0].mean()) < 1
    assert lint_scene(recipe) == []


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6)), min_size=1, max_size=4),
    st.sampled_from(["campus.osm", "a.geojson"]),
)
def test_damaged_maps_never_end_in_a_traceback(damages, name):
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        path = folder / name
        if name.endswith(".osm"):
            campus().save(path)
        else:
            save_geojson(path, *(feature(square(30 * i, 0), building="yes") for i in range(3)))
        data = bytearray(path.read_bytes())
        for place, new in damages:
            place %= len(data)
            data[place : place + len(new)] = new
        path.write_bytes(data)
        refused = None
        try:
            build_scene([path], folder / "out")
        except RtwinError as error:
            refused = str(error)
        if refused is None:
            assert load_recipe(folder / "out").transmitter
        else:
            assert refused.isprintable()
            assert not (folder / "out").exists()


def test_frequency_beyond_the_tables_is_said(tmp_path):
    file = campus().save(tmp_path / "a.osm")
    build_scene([file], tmp_path / "out", frequency_hz=28e9)
    recipe = load_recipe(tmp_path / "out")
    assert recipe.materials["medium_dry_ground"].out_of_range == "clamp"
    assert set(recipe.materials) == {"medium_dry_ground"}


def test_existing_folders(tmp_path):
    file = campus().save(tmp_path / "a.osm")
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine.txt").write_text("mine")
    for overwrite, part in (
        (False, "is not empty; give another name"),
        (True, "was not made by `rtwin scene build`"),
    ):
        with pytest.raises(StoreError) as caught:
            build_scene([file], tmp_path / "used", overwrite=overwrite)
        assert_one_line(caught, "used", part)
    build_scene([file], tmp_path / "out")
    (tmp_path / "out/tracks.csv").write_text("mine")
    with pytest.raises(StoreError, match="is not empty; give another name, or --overwrite"):
        build_scene([file], tmp_path / "out", title="Again")
    assert build_scene([file], tmp_path / "out", overwrite=True, title="Again")["buildings"] == 4
    assert (tmp_path / "out/tracks.csv").read_text() == "mine"
    assert load_recipe(tmp_path / "out").title == "Again"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.osm", "out", "used"]


def test_a_finished_build_is_left_alone(tmp_path):
    """The same files and options; a map that has changed since is another one."""
    file, out = campus().save(tmp_path / "a.osm"), tmp_path / "out"
    report = build_scene([file], out)
    made = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    (out / "scene.toml").write_text("mine by now")
    assert build_scene([str(file)], str(out)) == json.loads((out / "build.json").read_text())
    assert build_scene([file], out)["buildings"] == report["buildings"]
    assert (out / "scene.toml").read_text() == "mine by now"
    assert (out / "build.json").stat().st_mtime_ns == made[out / "build.json"]
    file.write_text(file.read_text().replace("<osm", "<!-- newer --><osm"))
    with pytest.raises(StoreError, match="is not empty"):
        build_scene([file], out)
    (out / "scene.toml").unlink()
    with pytest.raises(StoreError, match="is not empty"):
        build_scene([file], out)


def test_nothing_is_left_of_a_failed_build(tmp_path, monkeypatch):
    file = campus().save(tmp_path / "a.osm")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rtwin.scene.build.writing.write.write_ply", full)
    with pytest.raises(StoreError) as caught:
        build_scene([file], tmp_path / "out")
    assert_one_line(caught, "out: cannot be written (No space left on device)")
    assert [p.name for p in tmp_path.iterdir()] == ["a.osm"]


@pytest.mark.parametrize(
    ("units", "meters"),
    [("mm", 0.001), ("cm", 0.01), ("m", 1.0), ("km", 1000.0), ("in", 0.0254), ("ft", 0.3048)],
)
def test_units_of_a_mesh(units, meters, tmp_path):
    side = 20.0 / meters
    trimesh.creation.box((side, side, 0.6 * side)).export(tmp_path / "a.stl")
    build_scene([tmp_path / "a.stl"], tmp_path / "out", units=units)
    meshes = {m.name: m.mesh for m in build_meshes(load_recipe(tmp_path / "out"))}
    assert meshes["geometry_0"].extents == pytest.approx([20.0, 20.0, 12.0], rel=1e-5)


def test_names_of_strangers_stay_names(tmp_path):
    """Tags cannot break out of the recipe's text."""
    file = OsmFile()
    file.way(square(0, 0), 1, building="yes", name='x"\n[[object]]\nname = "evil"\n# \\')
    save_geojson(
        tmp_path / "b.geojson", feature(square(30, 0), **{"@id": "../../evil\n", "name": "a\x07b"})
    )
    build_scene([file.save(tmp_path / "a.osm"), tmp_path / "b.geojson"], tmp_path / "out")
    names = {item.name for item in load_recipe(tmp_path / "out").object}
    assert names == {"ground", "way_1", "evil"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.osm", "b.geojson", "out"]


def test_the_origin_is_the_middle_of_what_is_built():
    """Of the box that is asked for, else of all maps, also across 180 degrees."""
    assert place._middle([], (47.0, 11.0, 47.5, 11.8)) == pytest.approx((11.4, 47.25))
    maps = [
        MapData("a", 4326, bounds=(11.0, 47.0, 11.2, 47.4)),
        MapData("b", 4326, bounds=(11.4, 47.2, 11.6, 47.6)),
    ]
    assert place._middle(maps, None) == pytest.approx((11.3, 47.3))
    fiji = [
        MapData("west", 4326, bounds=(179.5, -17.0, 179.9, -16.0)),
        MapData("east", 4326, bounds=(-179.7, -17.0, -179.5, -16.0)),
    ]
    assert place._middle(fiji, None) == pytest.approx((180.0, -16.5))
