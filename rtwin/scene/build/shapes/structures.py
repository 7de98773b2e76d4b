"""What blocks radio and is no building: tanks, silos, chimneys, towers, walls, bridges."""

from typing import Any

from rtwin.scene.build.elements import Element, Notes
from rtwin.scene.build.shapes.passages import way_width_m
from rtwin.scene.build.tags import (
    MAN_MADE_WIDTH_M,
    deck_m,
    height_m,
    is_bridge,
    is_underground,
    kind_of,
    length_m,
    main_tag,
)

WALL_WIDTH_M = 0.3
IS_STRUCTURE = "rtwin:structure"  # a tag of our own
RAILWAY_WIDTH_M = 5.0
_MATERIALS = {"silo": "metal", "storage_tank": "metal", "tank": "metal", "gasometer": "metal"}


def structures(elements: list[Element], notes: Notes) -> list[Element]:
    """Structures as further elements that are built like buildings.

    Args:
        elements: Elements in scene coordinates [m]; they stay as they are.
        notes: Counts what cannot be built.
    Returns:
        Elements with areas, heights and materials in the tags of buildings.
    """
    made = []
    decks: list[Element] = []
    for element in elements:
        kind = kind_of(element.tags)
        if kind == "structure":
            made += _structure(element, notes)
        elif kind == "bridge" and element.geometry.geom_type in ("Polygon", "MultiPolygon"):
            decks += _deck(element, element.geometry)
    drawn = _union([deck.geometry for deck in decks])
    for element in elements:
        kind = kind_of(element.tags)
        is_line = element.geometry.geom_type in ("LineString", "MultiLineString")
        if kind in ("way", "bridge") and is_line and is_bridge(element.tags):
            # Where the bridge has an outline of its own, that one draws it.
            line = element.geometry
            if line.intersection(drawn).length < 0.5 * line.length:
                width = RAILWAY_WIDTH_M if kind == "bridge" else way_width_m(element.tags)
                decks += _deck(element, line.buffer(width / 2, cap_style="flat"))
    return made + decks


def _union(areas: list[Any]) -> Any:
    import shapely

    return shapely.union_all(shapely.make_valid(areas)) if areas else shapely.Polygon()


def _structure(element: Element, notes: Notes) -> list[Element]:
    kind = element.tags.get("man_made", element.tags.get("barrier", ""))
    area = element.geometry
    is_area = area.geom_type in ("Polygon", "MultiPolygon")
    if not is_area and height_m(element.tags.get("height")) is None:
        notes[f"{main_tag(element.tags)} without an outline or a height left out"] += 1
        return []
    if area.geom_type == "Point":
        width = height_m(element.tags.get("diameter")) or MAN_MADE_WIDTH_M.get(kind, 1.0)
        area = area.buffer(width / 2, quad_segs=4)
    elif not is_area:
        width = length_m(element.tags.get("width")) or WALL_WIDTH_M
        area = area.buffer(min(max(width, WALL_WIDTH_M), 10.0) / 2, cap_style="flat")
    tags = {"building:material": _MATERIALS.get(kind, "concrete")} | element.tags
    tags |= {"building": kind, IS_STRUCTURE: "yes"}
    notes[f"{main_tag(element.tags)} built"] += 1
    return [Element(f"{element.name}_{kind}", tags, area, key=f"{element.key}/{kind}")]


def _deck(element: Element, area: Any) -> list[Element]:
    if is_underground(element.tags):
        return []
    base, top = deck_m(element.tags)
    tags = {
        "building": "bridge",
        IS_STRUCTURE: "yes",
        "building:material": element.tags.get("material", "concrete"),
        "min_height": f"{base:g}",
        "height": f"{top:g}",
    }
    if "name" in element.tags:
        tags["name"] = element.tags["name"]
    return [Element(f"{element.name}_deck", tags, area, key=f"{element.key}/deck")]
