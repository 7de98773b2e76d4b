"""What OpenStreetMap tags mean: what a thing is, how high, of what material."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

Kind = Literal["building", "part", "vegetation", "water", "way", "other"]

LEVEL_HEIGHT_M = 3.0
DEFAULT_HEIGHT_M = 9.0
LOW_HEIGHT_M = 3.0
ROOF_THICKNESS_M = 0.5
WOOD_HEIGHT_M, TREE_ROW_HEIGHT_M, TREE_HEIGHT_M = 15.0, 10.0, 8.0
TREE_ROW_WIDTH_M, TREE_CROWN_M = 5.0, 5.0
MAX_HEIGHT_M = 1000.0

_NO_BUILDING = {"no", "none", "demolished", "proposed", "planned", "ruins", "destroyed", "removed"}
_LOW = {
    "garage",
    "garages",
    "shed",
    "hut",
    "carport",
    "kiosk",
    "roof",
    "toilets",
    "cabin",
    "static_caravan",
    "bicycle_parking",
    "bunker",
    "tent",
}
_WOODS = {("natural", "wood"), ("natural", "tree_row"), ("natural", "tree"), ("landuse", "forest")}
_WATER = {
    ("natural", "water"),
    ("waterway", "riverbank"),
    ("waterway", "dock"),
    ("landuse", "reservoir"),
    ("landuse", "basin"),
    ("leisure", "swimming_pool"),
}
# A polygon with one of these and no building tag is something else.
CLASS_KEYS = frozenset(
    [
        "aeroway",
        "amenity",
        "barrier",
        "boundary",
        "craft",
        "emergency",
        "entrance",
        "highway",
        "historic",
        "landuse",
        "leisure",
        "man_made",
        "military",
        "natural",
        "office",
        "place",
        "power",
        "public_transport",
        "railway",
        "route",
        "shop",
        "sport",
        "tourism",
        "waterway",
    ]
)

# Facade and roof materials to the ITU-R P.2040 material that is nearest in substance.
# docs/scenes.md has this table; tests/docs/test_scenes_page.py holds them together.
MATERIALS = {
    "brick": "brick",
    "bricks": "brick",
    "clay": "brick",
    "adobe": "brick",
    "mud": "brick",
    "loam": "brick",
    "plaster": "brick",
    "stucco": "brick",
    "render": "brick",
    "roof_tiles": "brick",
    "tile": "brick",
    "tiles": "brick",
    "clay_tiles": "brick",
    "concrete": "concrete",
    "reinforced_concrete": "concrete",
    "cement_block": "concrete",
    "block": "concrete",
    "panel": "concrete",
    "stone": "concrete",
    "sandstone": "concrete",
    "granite": "concrete",
    "slate": "concrete",
    "eternit": "concrete",
    "gravel": "concrete",
    "grass": "concrete",
    "plants": "concrete",
    "rock": "concrete",
    "masonry": "concrete",
    "limestone": "marble",
    "marble": "marble",
    "glass": "glass",
    "mirror": "glass",
    "acrylic_glass": "glass",
    "solar_panels": "glass",
    "metal": "metal",
    "steel": "metal",
    "copper": "metal",
    "aluminium": "metal",
    "tin": "metal",
    "zinc": "metal",
    "iron": "metal",
    "metal_sheet": "metal",
    "metal_plates": "metal",
    "wood": "wood",
    "timber": "wood",
    "timber_framing": "wood",
    "log": "wood",
    "bamboo": "wood",
    "thatch": "wood",
    "shingle": "wood",
    "wood_shingles": "wood",
    "tar_paper": "asphalt_concrete",
    "asphalt": "asphalt_concrete",
    "asphalt_shingle": "asphalt_concrete",
    "bitumen": "asphalt_concrete",
}
# Where no material is given, the class of the building decides; everything else is concrete.
CLASS_MATERIALS = {
    "brick": (
        "house",
        "detached",
        "semidetached_house",
        "terrace",
        "residential",
        "apartments",
        "bungalow",
        "farm",
        "dormitory",
        "school",
    ),
    "wood": ("shed", "hut", "cabin", "barn", "stable", "farm_auxiliary"),
    "metal": (
        "industrial",
        "warehouse",
        "hangar",
        "silo",
        "storage_tank",
        "static_caravan",
        "container",
        "carport",
    ),
    "glass": ("greenhouse", "conservatory"),
}
DEFAULT_MATERIAL = "concrete"


@dataclass(frozen=True)
class HeightRule:
    """Metres where a map says nothing or speaks of storeys."""

    default_m: float = DEFAULT_HEIGHT_M
    level_m: float = LEVEL_HEIGHT_M


@dataclass(frozen=True)
class Heights:
    """Lower and upper end of a building above the ground, and its roof's share [m]."""

    base_m: float
    top_m: float
    roof_m: float | None  # None: not given
    is_default: bool  # nothing in the map said how high


def is_wanted(tags: dict[str, str]) -> bool:
    """Whether a scene has any use for an element."""
    return kind_of(tags) != "other"


def kind_of(tags: dict[str, str]) -> Kind:
    """What an element is to a scene; "other" for what has no use."""
    if tags.get("building:part", "no") not in _NO_BUILDING:
        return "part"
    if tags.get("building", "no") not in _NO_BUILDING:
        return "building"
    pairs = {
        (key, tags[key]) for key in ("natural", "landuse", "waterway", "leisure") if key in tags
    }
    if pairs & _WOODS:
        return "vegetation"
    if pairs & _WATER:
        return "water"
    if "highway" in tags and tags["highway"] not in ("proposed", "construction", "razed"):
        return "way"
    return "other"


def is_area(tags: dict[str, str], closed: bool) -> bool:
    """Whether a way with these tags is the outline of an area."""
    kind = kind_of(tags)
    if tags.get("natural") == "tree_row":
        return False
    if kind in ("building", "part", "vegetation", "water"):
        return True
    return closed and tags.get("area") == "yes"


def is_underground(tags: dict[str, str]) -> bool:
    """Whether a building is below the ground."""
    if tags.get("location") == "underground" or tags.get("tunnel") == "yes":
        return True
    layer = number(tags.get("layer"))
    return layer is not None and layer < 0 and tags.get("location") != "overground"


def number(text: str | None) -> float | None:
    """The number in a tag's value; None if there is none."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*", text[:40])
    if not found:
        return None
    value = float(found[1].replace(",", "."))
    return value if math.isfinite(value) else None


def length_m(text: str | None) -> float | None:
    """A length in a tag's value [m]: "12", "12.5 m", "40 ft", 5'6\"; None if unusable."""
    if text is None:
        return None
    text = text[:40].strip().lower()
    feet = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(?:'|ft|feet|foot)\s*(?:(\d+(?:\.\d+)?)\s*\")?", text)
    if feet:
        return 0.3048 * (float(feet[1].replace(",", ".")) + float(feet[2] or 0.0) / 12.0)
    return number(re.sub(r"\s*(m|metres?|meters?)\.?$", "", text))


def _height(text: str | None) -> float | None:
    value = length_m(text)
    return value if value is not None and 0.1 < value <= MAX_HEIGHT_M else None


def heights(tags: dict[str, str], rule: HeightRule) -> Heights:
    """Lower and upper end of a building from its tags.

    height, building:height and est_height are metres to the top of the roof;
    levels are storeys below the roof. Values that make no sense (zero, negative,
    above a kilometre) count as not given.
    """
    top = next(
        (h for key in ("height", "building:height", "est_height") if (h := _height(tags.get(key)))),
        None,
    )
    roof = _height(tags.get("roof:height"))
    levels = number(tags.get("building:levels") or tags.get("levels"))
    roof_levels = number(tags.get("roof:levels")) or 0.0
    if roof is None and 0 < roof_levels < 50:
        roof = roof_levels * rule.level_m
    is_default = False
    if top is None and levels is not None and 0 < levels <= 300:
        top = levels * rule.level_m + (roof or 0.0)
    if top is None:
        is_default = True
        kind = tags.get("building:part", tags.get("building", ""))
        top = min(LOW_HEIGHT_M, rule.default_m) if kind in _LOW else rule.default_m
    base = length_m(tags.get("min_height") or tags.get("building:min_height"))
    if base is None:
        storeys = number(tags.get("building:min_level") or tags.get("min_level"))
        base = storeys * rule.level_m if storeys is not None else 0.0
    if "roof" in (tags.get("building"), tags.get("building:part")) and base == 0.0:
        base = max(top - ROOF_THICKNESS_M, 0.5 * top)
    # A base above the top is a mistake of the map: the top is what was measured.
    base = base if 0.0 <= base < top else 0.0
    return Heights(base, top, None if roof is None else min(roof, top - base), is_default)


def height_rank(tags: dict[str, str]) -> int:
    """How well tags know a building's height: 2 in metres, 1 in storeys, 0 not at all."""
    found = heights(tags, HeightRule())
    if found.is_default:
        return 0
    in_metres = any(_height(tags.get(k)) for k in ("height", "building:height", "est_height"))
    return 2 if in_metres else 1


def wall_material(tags: dict[str, str], notes: Counter[str]) -> str:
    """ITU-R P.2040 material of the walls: building:material, else the class, else concrete."""
    for key in ("building:material", "building:facade:material", "building:cladding", "material"):
        if key in tags:
            if (found := _material(tags[key])) is not None:
                return found
            notes[f"unknown {key} '{tags[key][:30]}', class default taken"] += 1
    kind = tags.get("building", "")
    kind = tags.get("building:part", kind) if kind in ("", "yes") else kind
    return next((m for m, kinds in CLASS_MATERIALS.items() if kind in kinds), DEFAULT_MATERIAL)


def roof_material(tags: dict[str, str], notes: Counter[str]) -> str | None:
    """ITU-R P.2040 material of the roof where the map gives one; None: that of the walls."""
    if "roof:material" not in tags:
        return None
    found = _material(tags["roof:material"])
    if found is None:
        notes[f"unknown roof:material '{tags['roof:material'][:30]}', that of the walls taken"] += 1
    return found


def _material(text: str) -> str | None:
    # Several values are separated by semicolons, the first is the main one.
    return MATERIALS.get(text.split(";")[0].strip().lower().replace(" ", "_"))


def vegetation_m(tags: dict[str, str]) -> tuple[float, float, float]:
    """Lower and upper end of the crowns above the ground and their width [m]."""
    high = {"tree": TREE_HEIGHT_M, "tree_row": TREE_ROW_HEIGHT_M}.get(
        tags.get("natural", ""), WOOD_HEIGHT_M
    )
    top = _height(tags.get("height") or tags.get("est_height")) or high
    width = TREE_CROWN_M if tags.get("natural") == "tree" else TREE_ROW_WIDTH_M
    width = _height(tags.get("diameter_crown") or tags.get("width")) or width
    # Below the crown of a single tree or row there is a trunk, which hardly attenuates.
    base = min(2.0, 0.25 * top) if tags.get("natural") in ("tree", "tree_row") else 0.0
    return base, top, width
