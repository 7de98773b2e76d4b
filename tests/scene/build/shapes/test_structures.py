"""Passages, bridges, and what blocks radio but is no building."""

from collections import Counter

import numpy as np
import pytest
import shapely
import trimesh

from rtwin.scene import load_recipe
from rtwin.scene.build import build_scene, read_report
from rtwin.scene.build.elements import Element
from rtwin.scene.build.shapes.footprints import footprints
from rtwin.scene.build.shapes.structures import structures
from rtwin.scene.build.tags import HeightRule
from rtwin.scene.lint import lint_scene

from ..maps import OsmFile, square


def house(x0=0.0, x1=20.0, **tags):
    return Element("house", {"building": "yes", "height": "12", **tags}, shapely.box(x0, 0, x1, 10))


def way(*corners, **tags):
    tags = {k.replace("__", ":"): v for k, v in tags.items()}
    return Element("street", {"highway": "service", **tags}, shapely.LineString(corners))


def test_a_passage_is_cut_through_and_rooms_stay_above():
    passage = way((10, 0), (10, 10), tunnel="building_passage", width="4", maxheight="3.5")
    notes: Counter[str] = Counter()
    found = {p.name: p for p in footprints([house(), passage], HeightRule(), notes)}
    assert set(found) == {"house", "house_2", "house_passage"}
    assert found["house"].polygon.area == pytest.approx(80)
    assert (found["house"].base_m, found["house"].top_m) == (0, 12)
    over = found["house_passage"]
    assert over.polygon.bounds == (8, 0, 12, 10)
    assert (over.base_m, over.top_m, over.hangs) == (3.5, 12, True)
    volume = sum(p.polygon.area * (p.top_m - p.base_m) for p in found.values())
    assert volume == pytest.approx(20 * 10 * 12 - 4 * 10 * 3.5)
    assert notes == {"passages cut through buildings": 1}


def test_a_passage_higher_than_the_building_leaves_nothing_above():
    passage = way((10, 0), (10, 10), tunnel="building_passage", width="4", maxheight="30")
    found = footprints([house(), passage], HeightRule(), Counter())
    assert sorted(p.name for p in found) == ["house", "house_2"]


def test_other_tunnels_cut_nothing():
    found = footprints([house(), way((10, 0), (10, 10), tunnel="yes")], HeightRule(), Counter())
    assert [p.name for p in found] == ["house"]


def made(*elements):
    notes: Counter[str] = Counter()
    items = structures(list(elements), notes)
    return footprints(items, HeightRule(), Counter()), notes


def test_bridges_stand_over_what_they_cross():
    road = way((0, 0), (40, 0), bridge="yes", layer="2", lanes="2")
    (deck,), _ = made(road)
    assert (deck.base_m, deck.top_m, deck.hangs) == (11.0, 12.0, True)
    assert deck.polygon.area == pytest.approx(40 * 6.5)


def test_an_outline_of_a_bridge_draws_its_roads():
    outline = Element("bridge", {"man_made": "bridge", "layer": "1"}, shapely.box(0, -5, 40, 5))
    road = way((0, 0), (40, 0), bridge="yes", layer="1")
    (deck,), _ = made(outline, road)
    assert deck.polygon.area == pytest.approx(400)
    assert deck.base_m == 5.5


def test_tanks_chimneys_and_walls():
    tank = Element("t", {"man_made": "storage_tank", "height": "8"}, shapely.box(0, 0, 9, 9))
    chimney = Element("c", {"man_made": "chimney", "height": "40"}, shapely.Point(50, 0))
    wall = Element("w", {"barrier": "wall", "height": "3"}, shapely.LineString([(0, 50), (30, 50)]))
    unknown = Element("u", {"man_made": "tower"}, shapely.Point(90, 0))
    found, notes = made(tank, chimney, wall, unknown)
    by_name = {p.name: p for p in found}
    assert set(by_name) == {"t_storage_tank", "c_chimney", "w_wall"}
    assert by_name["c_chimney"].top_m == 40
    assert by_name["c_chimney"].polygon.bounds[2] == pytest.approx(52)
    assert by_name["w_wall"].polygon.area == pytest.approx(30 * 0.3)
    assert notes["man_made=tower without an outline or a height left out"] == 1


def test_a_yard_of_tanks_is_a_scene(tmp_path):
    file = OsmFile()
    file.way(square(0, 0, 12), man_made="silo")
    report = build_scene([file.save(tmp_path / "a.osm")], tmp_path / "out")
    assert (report["buildings"], report["structures"], report["heights_defaulted"]) == (0, 1, 1)


def test_the_ground_reaches_under_a_bridge_and_what_lies_farther_is_counted(tmp_path):
    file = OsmFile()
    file.way(square(0, 0, 20), building="yes", height="12")
    file.way([(150, 0), (190, 0)], closed=False, highway="primary", bridge="yes", layer="1")
    file.way([(600, 0), (700, 0)], closed=False, highway="residential")
    report = build_scene([file.save(tmp_path / "a.osm")], tmp_path / "out")
    assert (report["structures"], report["ways"]) == (1, 1)
    assert report["notes"]["highway=residential outside of the scene's ground left out"] == 1
    ground = trimesh.load(tmp_path / "out" / "meshes" / "ground.ply", process=False)
    assert np.ptp(ground.vertices[:, 0]) > 190


def test_from_the_map_to_the_recipe(tmp_path):
    file = OsmFile()
    file.way(square(0, 0, 20), building="yes", height="12")
    file.way(square(60, 0, 12), man_made="silo", height="15")
    file.way([(0, 60), (60, 60)], closed=False, barrier="wall", height="3")
    file.way([(30, -20), (30, 80)], closed=False, highway="primary", bridge="yes", layer="1")
    file.way([(10, 0), (10, 20)], closed=False, highway="footway", tunnel="building_passage")
    file.way([(0, 90), (9, 90)], closed=False, power="line")
    file.way([(0, 95), (9, 95)], closed=False, power="line")
    file.node(5, 99, amenity="bench")
    report = build_scene([file.save(tmp_path / "a.osm")], tmp_path / "out")
    recipe = load_recipe(tmp_path / "out")
    by_name = {item.name: item for item in recipe.object}
    (silo,) = (item for name, item in by_name.items() if name.endswith("_silo"))
    assert (silo.material, silo.height_m) == ("metal", 15.5)
    (deck,) = (item for name, item in by_name.items() if name.endswith("_deck"))
    assert (deck.base_m, deck.height_m, deck.material) == (5.5, 1.0, "concrete")
    assert any(name.endswith("_wall") for name in by_name)
    assert (report["buildings"], report["structures"]) == (3, 3)
    assert report["unused"] == {"power=line": 2, "amenity=bench": 1}
    assert read_report(tmp_path / "out")["unused"] == report["unused"]
    assert lint_scene(recipe) == []
