"""Footprints: mended, each once, parts before outlines, no volume twice."""

from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.scene.build.elements import Element
from rtwin.scene.build.shapes.footprints import STRAIGHT_M, footprints, polygons
from rtwin.scene.build.tags import HeightRule


def made(*elements):
    notes: Counter[str] = Counter()
    found = footprints(elements, HeightRule(), notes)
    return {p.name: p for p in found}, notes


def house(name, box, **tags):
    return Element(name, {"building": "yes", **tags}, shapely.box(*box))


def part(name, box, **tags):
    tags = {key.replace("__", ":"): value for key, value in tags.items()}
    return Element(name, {"building:part": "yes", **tags}, shapely.box(*box))


def test_a_bow_tie_becomes_two():
    ring = [(0, 0), (10, 10), (10, 0), (0, 10)]
    found, notes = made(Element("x", {"building": "yes"}, shapely.Polygon(ring)))
    assert sorted(found) == ["x", "x_2"]
    assert sum(p.polygon.area for p in found.values()) == pytest.approx(50)
    assert notes["self-crossing outlines mended"] == 1


def test_slivers_and_crumbs_go():
    found, notes = made(house("a", (0, 0, 0.5, 0.5)), house("b", (0, 0, 100, 0.1)))
    assert not found
    assert notes["buildings under 1 m2 or thinner than 0.2 m left out"] == 2


def test_holes_stay():
    ring = shapely.box(0, 0, 20, 20).difference(shapely.box(5, 5, 15, 15))
    found, _ = made(Element("x", {"building": "yes"}, ring))
    assert found["x"].polygon.area == pytest.approx(300)


def test_holes_elsewhere_are_no_buildings():
    ring = shapely.get_coordinates(shapely.box(111_000, 0, 111_010, 10))
    far = shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [ring])
    assert [p.bounds for p in polygons(far)] == [(0, 0, 10, 10)]


def test_corners_on_a_straight_line_go():
    ring = [(0, 0), (5, 0.001), (10, 0), (10, 10), (0, 10)]
    assert len(polygons(shapely.Polygon(ring))[0].exterior.coords) == 5


def test_parts_replace_their_outline():
    found, notes = made(
        house("whole", (0, 0, 20, 10), height="30", **{"building:material": "glass"}),
        part("west", (0, 0, 10, 10), height="10"),
        part("east", (10, 0, 20, 10)),
    )
    assert sorted(found) == ["east", "west"]
    assert (found["west"].top_m, found["east"].top_m) == (10, 30)
    assert found["east"].tags["building:material"] == "glass"
    assert notes["outlines drawn by their parts"] == 1


def test_what_parts_leave_of_an_outline_stays():
    found, _ = made(
        house("whole", (0, 0, 20, 10), height="8"), part("tower", (0, 0, 5, 5), height="20")
    )
    assert found["whole"].polygon.area == pytest.approx(175)
    assert found["tower"].top_m == 20


def test_parts_may_stand_on_each_other():
    found, _ = made(
        part("low", (0, 0, 10, 10), height="10"),
        part("high", (2, 2, 8, 8), height="30", min_height="10"),
    )
    assert found["low"].polygon.area == pytest.approx(100)
    assert (found["high"].base_m, found["high"].top_m) == (10, 30)


def test_a_part_on_top_of_another_repeats_nothing():
    box = (0, 0, 10, 10)
    found, notes = made(
        part("low", box, height="10"), part("top", box, min_height="10", height="30")
    )
    assert {name: (p.base_m, p.top_m) for name, p in found.items()} == {
        "low": (0, 10),
        "top": (10, 30),
    }
    assert not notes


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_repeats_the_one_with_a_height_stays(order):
    pair = house("a", (0, 0, 10, 10)), house("b", (0.1, 0, 10.1, 10), height="14")
    found, notes = made(*(pair[i] for i in order))
    assert list(found) == ["b"]
    assert notes["repeated footprints left out"] == 1


def test_overlaps_are_cut_at_the_higher():
    found, notes = made(
        house("low", (0, 0, 10, 10), height="5"), house("high", (8, 0, 18, 10), height="9")
    )
    assert found["low"].polygon.area == pytest.approx(80)
    assert found["high"].polygon.area == pytest.approx(100)
    assert notes["overlapping buildings cut at the higher one"] == 1


def test_inside_of_a_higher_one_is_left_out():
    found, notes = made(
        house("in", (2, 2, 6, 6), height="5"), house("out", (0, 0, 18, 10), height="9")
    )
    assert list(found) == ["out"]
    assert notes["buildings inside of higher ones left out"] == 1


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(*(st.floats(0, 40) for _ in range(2)), *(st.floats(2, 15) for _ in range(3))),
        min_size=1,
        max_size=8,
    )
)
def test_volumes_never_overlap_and_cover_the_same(boxes):
    """The skyline stays what it was: highest roof over each place, to the millimetre grid."""
    elements = [
        house(f"h{i}", (x, y, x + w, y + d), height=f"{z:.3f}")
        for i, (x, y, w, d, z) in enumerate(boxes)
    ]
    found, notes = made(*elements)
    prints = list(found.values())
    for i, a in enumerate(prints):
        for b in prints[:i]:
            # A corner that was straightened reaches into its neighbour, along a side at most.
            assert a.polygon.intersection(b.polygon).area < STRAIGHT_M * 15 / 2
    if notes["repeated footprints left out"]:
        return
    points = np.random.default_rng(0).uniform(0, 55, (200, 2))

    def skyline(shapes, tops):
        inside = shapely.contains_xy(np.array(shapes)[:, None], points[:, 0], points[:, 1])
        return np.where(inside, np.array(tops)[:, None], 0.0).max(axis=0)

    before = skyline([e.geometry for e in elements], [float(e.tags["height"]) for e in elements])
    after = skyline([p.polygon for p in prints], [p.top_m for p in prints])
    # Points within a sliver that was dropped or a straightened corner may differ.
    assert (np.abs(before - after) > 1e-6).mean() < 0.04


def test_names_differ():
    ring = [(0, 0), (10, 10), (10, 0), (0, 10)]
    elements = [
        Element(
            n,
            {"building": "yes"},
            shapely.transform(shapely.Polygon(ring), lambda p, k=k: p + 30 * k),
        )
        for k, n in enumerate(["x", "x_2", "x"])
    ]
    notes: Counter[str] = Counter()
    names = [p.name for p in footprints(elements, HeightRule(), notes)]
    assert len(set(names)) == len(names) == 6
