"""What an element of a map is to a scene."""

from typing import Literal

from rtwin.scene.build.tags.values import length_m, number

Kind = Literal["building", "part", "structure", "bridge", "vegetation", "water", "way", "other"]

_NO_BUILDING = {"no", "none", "demolished", "proposed", "planned", "ruins", "destroyed", "removed"}
_NO_WAY = {"proposed", "construction", "razed", "abandoned"}
_WOODS = {("natural", "wood"), ("natural", "tree_row"), ("natural", "tree"), ("landuse", "forest")}
_WATER = {
    ("natural", "water"),
    ("waterway", "riverbank"),
    ("waterway", "dock"),
    ("landuse", "reservoir"),
    ("landuse", "basin"),
    ("leisure", "swimming_pool"),
}
# What blocks radio and is no building: width where only a point is mapped [m].
# docs/scenes.md lists them; tests/docs/test_scenes_page.py holds them together.
MAN_MADE_WIDTH_M = {
    "chimney": 4.0,
    "communications_tower": 8.0,
    "gasometer": 30.0,
    "lighthouse": 6.0,
    "silo": 6.0,
    "storage_tank": 10.0,
    "tank": 10.0,
    "tower": 6.0,
    "water_tower": 10.0,
}
WALLS = ("city_wall", "retaining_wall", "wall")
_SEE_THROUGH = {"lattice", "guyed_lattice", "guyed_tube"}
# A polygon with one of these and no building tag is something else.
CLASS_KEYS = (
    "man_made",
    "barrier",
    "natural",
    "landuse",
    "waterway",
    "highway",
    "railway",
    "power",
    "aeroway",
    "amenity",
    "boundary",
    "craft",
    "emergency",
    "entrance",
    "historic",
    "leisure",
    "military",
    "office",
    "place",
    "public_transport",
    "route",
    "shop",
    "sport",
    "tourism",
)
# Keys that say nothing about what a thing is.
_SILENT = ("source", "created_by", "name", "note", "fixme", "ref", "type")


def is_wanted(tags: dict[str, str]) -> bool:
    """Whether a scene has any use for an element."""
    return kind_of(tags) != "other"


def is_built(tags: dict[str, str]) -> bool:
    """Whether an element is a building or a part of one."""
    return kind_of(tags) in ("building", "part")


def kind_of(tags: dict[str, str]) -> Kind:
    """What an element is to a scene; "other" for what has no use."""
    if tags.get("building:part", "no") not in _NO_BUILDING:
        return "part"
    if tags.get("building", "no") not in _NO_BUILDING:
        return "building"
    if _is_structure(tags):
        return "structure"
    pairs = {
        (key, tags[key]) for key in ("natural", "landuse", "waterway", "leisure") if key in tags
    }
    if pairs & _WOODS:
        return "vegetation"
    if pairs & _WATER:
        return "water"
    if tags.get("man_made") == "bridge" or ("railway" in tags and is_bridge(tags)):
        return "bridge"
    if "highway" in tags and tags["highway"] not in _NO_WAY:
        return "way"
    return "other"


def _is_structure(tags: dict[str, str]) -> bool:
    if tags.get("man_made") in MAN_MADE_WIDTH_M:
        return tags.get("tower:construction") not in _SEE_THROUGH
    return tags.get("barrier") in WALLS and length_m(tags.get("height")) is not None


def is_bridge(tags: dict[str, str]) -> bool:
    """Whether a street or railway runs over a bridge."""
    unbuilt = tags.get("railway") in _NO_WAY or tags.get("highway") in _NO_WAY
    return tags.get("bridge", "no") != "no" and not unbuilt


def is_passage(tags: dict[str, str]) -> bool:
    """Whether a way runs through a building at street level."""
    return kind_of(tags) == "way" and tags.get("tunnel") == "building_passage"


def is_area(tags: dict[str, str], closed: bool) -> bool:
    """Whether a way with these tags is the outline of an area."""
    kind = kind_of(tags)
    if tags.get("natural") == "tree_row":
        return False
    if kind in ("building", "part", "vegetation", "water"):
        return True
    if kind in ("structure", "bridge") and "man_made" in tags:
        return True
    return closed and tags.get("area") == "yes"


def is_underground(tags: dict[str, str]) -> bool:
    """Whether a building is below the ground."""
    if tags.get("location") == "underground" or tags.get("tunnel") == "yes":
        return True
    layer = number(tags.get("layer"))
    return layer is not None and layer < 0 and tags.get("location") != "overground"


def main_tag(tags: dict[str, str]) -> str:
    """The tag that says best what an element is, "key=value"; empty if none does."""
    key = next((k for k in CLASS_KEYS if k in tags), None)
    key = key or next((k for k in sorted(tags) if k.split(":")[0] not in _SILENT), None)
    return f"{key[:40]}={tags[key][:40]}" if key else ""
