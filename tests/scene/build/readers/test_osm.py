"""OpenStreetMap files, whole and broken."""

import numpy as np
import pytest
import shapely

from rtwin.errors import GeometryError
from rtwin.scene.build.readers.openstreetmap.osm_xml import read_osm

from ...helpers import assert_one_line
from ..maps import OsmFile, lon_lat, square


def elements(file, tmp_path):
    found = read_osm(file.save(tmp_path / "a.osm"))
    return {e.name: e for e in found.elements}, found.notes


def test_buildings_streets_trees(tmp_path):
    file = OsmFile()
    house = file.way(square(0, 0), building="yes", building__levels="3")
    street = file.way([(0, 0), (50, 0), (50, 20)], closed=False, highway="footway", name='A & "B"')
    file.way([(0, 0), (5, 0)], closed=False, power="line")
    tree = file.node(20, 20, natural="tree", height="9")
    found, notes = elements(file, tmp_path)
    assert set(found) == {f"way_{house}", f"way_{street}", f"node_{tree}"}
    assert found[f"way_{house}"].tags == {"building": "yes", "building:levels": "3"}
    assert found[f"way_{street}"].tags["name"] == 'A & "B"'
    assert found[f"way_{street}"].geometry.geom_type == "LineString"
    outline = shapely.get_coordinates(found[f"way_{house}"].geometry)
    assert np.allclose(outline[:4], [lon_lat(*c) for c in square(0, 0)], rtol=0, atol=1e-8)
    assert not notes


def test_multipolygon_with_a_courtyard_from_pieces(tmp_path):
    """The outer ring is two ways, one of them drawn backwards."""
    file = OsmFile()
    a, b, c, d = (file.node(*corner) for corner in square(0, 0, 30))
    west, east = file.way_of([a, d, c]), file.way_of([a, b, c])
    yard = file.way(square(10, 10))
    house = file.relation(
        [(west, "outer"), (east, "outer"), (yard, "inner")], type="multipolygon", building="yes"
    )
    found, notes = elements(file, tmp_path)
    assert set(found) == {f"relation_{house}"}
    assert len(found[f"relation_{house}"].geometry.interiors) == 1
    assert not notes


def test_tags_on_the_outer_way(tmp_path):
    file = OsmFile()
    outer = file.way(square(0, 0, 30), building="yes")
    yard = file.way(square(10, 10))
    house = file.relation([(outer, "outer"), (yard, "inner")], type="multipolygon")
    found, _ = elements(file, tmp_path)
    assert set(found) == {f"relation_{house}"}
    assert found[f"relation_{house}"].tags["building"] == "yes"


def test_incomplete_things_are_counted(tmp_path):
    file = OsmFile()
    file.way(square(0, 0), closed=False, building="yes")
    corners = [file.node(*c) for c in square(20, 0)]
    file.way_of([*corners, 999, corners[0]], building="yes")
    street = file.way_of([corners[0], corners[1], 998], highway="service")
    kept = file.way(square(40, 0), building="yes")
    half = file.way([(60, 0), (70, 0), (70, 10)], closed=False)
    file.relation([(half, "outer"), (12345, "outer")], type="multipolygon", building="yes")
    found, notes = elements(file, tmp_path)
    assert set(found) == {f"way_{kept}", f"way_{street}"}
    assert notes == {
        "outlines that are not closed left out": 1,
        "outlines with missing nodes left out": 1,
        "lines with missing nodes shortened": 1,
        "multipolygons with open rings or missing members, closed parts kept": 1,
    }


def test_what_an_editor_deleted_is_gone(tmp_path):
    file = OsmFile()
    number = file.way(square(0, 0), building="yes")
    path = file.save(tmp_path / "a.osm")
    text = path.read_text().replace(f'<way id="{number}"', f'<way id="{number}" action="delete"')
    path.write_text(text)
    assert not read_osm(path).elements


def test_bounds(tmp_path):
    path = OsmFile().save(tmp_path / "a.osm")
    bounds = '<bounds minlat="1" minlon="2" maxlat="3" maxlon="4"/>'
    path.write_text(path.read_text().replace("</osm>", f"{bounds}</osm>"))
    assert read_osm(path).bounds == (2, 1, 4, 3)


def test_progress_reaches_the_end(tmp_path):
    path = OsmFile().save(tmp_path / "a.osm")
    calls = []
    read_osm(path, lambda *call: calls.append(call))
    assert calls[-1] == ("read", path.stat().st_size, path.stat().st_size)


BROKEN = [
    ("", "is empty"),
    ("<osm>", "a.osm:1: not well-formed XML (no element found); is it cut short?"),
    ("<osm><node id='1' lat='36'", "not well-formed XML (unclosed token)"),
    ("<gpx></gpx>", "starts with <gpx>, not <osm>"),
    ("no xml at all", "not well-formed XML"),
    ("<osm><node lat='36' lon='1'/></osm>", "an element without 'id'"),
    ("<osm><node id='x' lat='36' lon='1'/></osm>", "an element with invalid literal for int()"),
    ("<osm><way id='1'><nd/></way></osm>", "an element without 'ref'"),
    ("<!DOCTYPE osm [<!ENTITY a 'b'>]><osm/>", "declares a document type, which is not allowed"),
    ("\0\1\2", "not well-formed XML"),
]


@pytest.mark.parametrize(("text", "part"), BROKEN)
def test_broken_files(text, part, tmp_path):
    path = tmp_path / "a.osm"
    path.write_text(text)
    with pytest.raises(GeometryError) as caught:
        read_osm(path)
    assert_one_line(caught, "a.osm", part)


def test_any_cut_is_one_line(tmp_path):
    file = OsmFile()
    file.way(square(0, 0), building="yes")
    data = file.text().encode()
    path = tmp_path / "cut.osm"
    for end in range(1, len(data) - 2, 7):
        path.write_bytes(data[:end])
        with pytest.raises(GeometryError) as caught:
            read_osm(path)
        assert_one_line(caught, "cut.osm", "is it cut short?")


def test_nodes_off_the_earth_are_missing(tmp_path):
    file = OsmFile()
    number = file.way(square(0, 0), building="yes")
    path = file.save(tmp_path / "a.osm")
    path.write_text(path.read_text().replace('lat="36.', 'lat="936.', 1))
    found = read_osm(path)
    assert f"way_{number}" not in {e.name for e in found.elements}
    assert found.notes["outlines with missing nodes left out"] == 1


def test_pbf_is_read_like_xml(tmp_path):
    osmium = pytest.importorskip("osmium", reason="needs the extra geo")
    file = OsmFile()
    outer = file.way(square(0, 0, 30), building="yes")
    yard = file.way(square(10, 10))
    file.relation([(outer, "outer"), (yard, "inner")], type="multipolygon")
    file.node(50, 50, natural="tree")
    xml = file.save(tmp_path / "a.osm")
    binary = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(str(binary)) as writer:
        for item in osmium.FileProcessor(str(xml)):
            writer.add(item)
    from rtwin.scene.build.readers.read import read_source

    one, two = read_source(xml), read_source(binary)
    assert [(e.name, e.tags) for e in one.elements] == [(e.name, e.tags) for e in two.elements]
    for a, b in zip(one.elements, two.elements, strict=True):
        assert shapely.equals_exact(a.geometry, b.geometry, 1e-6)
    binary.write_bytes(binary.read_bytes()[:100])
    with pytest.raises(GeometryError) as caught:
        read_source(binary)
    assert_one_line(caught, "cannot be read as PBF")


def test_what_a_scene_has_no_use_for_is_counted_by_its_tag(tmp_path):
    file = OsmFile()
    file.way([(0, 0), (5, 0)], closed=False, power="line")
    file.way([(9, 0), (5, 9)], closed=False, power="line")
    file.node(3, 3, amenity="bench")
    ring = file.way(square(20, 0))
    file.relation([(ring, "outer")], type="multipolygon", amenity="parking")
    file.relation([(ring, "outer")], type="route", amenity="tram")  # of no area
    found = read_osm(file.save(tmp_path / "a.osm"))
    assert not found.elements
    assert {tag: n for tag, n in found.unused.items() if tag} == {
        "power=line": 2,
        "amenity=bench": 1,
        "amenity=parking": 1,
    }
