"""How high buildings, bridges and plants are, by their tags."""

from collections import Counter
from dataclasses import dataclass

from rtwin.scene.build.tags.values import length_m, number, says_storeys, storeys, usable

LEVEL_HEIGHT_M = 3.0
DEFAULT_HEIGHT_M = 9.0
LOW_HEIGHT_M = 3.0
ROOF_THICKNESS_M = 0.5
# Clearance over a road and half a deck: layers of a map have an order, no height.
LAYER_M = 5.5
DECK_M = 1.0
WOOD_HEIGHT_M, TREE_ROW_HEIGHT_M, TREE_HEIGHT_M = 15.0, 10.0, 8.0
TREE_ROW_WIDTH_M, TREE_CROWN_M = 5.0, 5.0
MAX_HEIGHT_M = 1000.0
MAX_STOREYS = 300.0

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
_TOPS = ("height", "building:height", "est_height")


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


def heights(tags: dict[str, str], rule: HeightRule, notes: Counter[str] | None = None) -> Heights:
    """Lower and upper end of a building from its tags.

    height, building:height and est_height are metres to the top of the roof; levels are
    storeys below the roof. Values that make no sense (zero, negative, above a kilometre)
    count as not given.

    Args:
        tags: The building's tags.
        rule: Metres where they give none.
        notes: Counts values that cannot be used, or that were read freely.
    """
    notes = Counter() if notes is None else notes
    kind = tags.get("building:part", tags.get("building", ""))
    kind = tags.get("building", "") if kind == "yes" else kind
    roof = _roof_m(tags, rule, notes)
    top = _top_m(tags, roof, rule, notes)
    base = _base_m(tags, rule, notes)
    is_default = top is None
    if kind == "bridge" and base is None:
        base = _bridge_base_m(tags)
        top = top or base + rule.level_m
        base = base if base < top else max(top - DECK_M, 0.5 * top)
    if top is None:
        top = min(LOW_HEIGHT_M, rule.default_m) if kind in _LOW else rule.default_m
    if kind == "roof" and not base:
        base = max(top - ROOF_THICKNESS_M, 0.5 * top)
    # A base above the top is a mistake of the map: the top is what was measured.
    base = base if base is not None and 0.0 <= base < top else 0.0
    return Heights(base, top, None if roof is None else min(roof, top - base), is_default)


def _top_m(
    tags: dict[str, str], roof_m: float | None, rule: HeightRule, notes: Counter[str]
) -> float | None:
    for key in _TOPS:
        if says_storeys(tags.get(key, "")):
            count = usable(tags, key, _storeys, notes)
            top = None if count is None else count * rule.level_m
        else:
            top = usable(tags, key, height_m, notes)
        if top is not None:
            return top
    key = "building:levels" if "building:levels" in tags else "levels"
    if roof_m and number(tags.get(key)) == 0.0:
        return roof_m  # a roof that stands on the ground
    levels = usable(tags, key, _storeys, notes)
    return None if levels is None else levels * rule.level_m + (roof_m or 0.0)


def _roof_m(tags: dict[str, str], rule: HeightRule, notes: Counter[str]) -> float | None:
    roof = usable(tags, "roof:height", _length_or_zero, notes)
    levels = usable(tags, "roof:levels", storeys, notes) if roof is None else None
    if levels is not None and 0 < levels < 50:
        roof = levels * rule.level_m
    return roof or None


def _base_m(tags: dict[str, str], rule: HeightRule, notes: Counter[str]) -> float | None:
    key = "min_height" if "min_height" in tags else "building:min_height"
    base = usable(tags, key, length_m, notes)
    if base is None:
        key = "building:min_level" if "building:min_level" in tags else "min_level"
        levels = usable(tags, key, storeys, notes)
        base = None if levels is None else levels * rule.level_m
    return base


def _bridge_base_m(tags: dict[str, str]) -> float:
    layer = number(tags.get("layer"))
    return LAYER_M * min(max(layer or 1.0, 1.0), 5.0)


def deck_m(tags: dict[str, str]) -> tuple[float, float]:
    """Lower and upper side of a bridge's deck above the ground [m]: height, else its layer."""
    base = length_m(tags.get("min_height"))
    top = height_m(tags.get("height"))
    if base is None or base < 0.0:
        base = _bridge_base_m(tags) if top is None else max(top - DECK_M, 0.5 * top)
    return base, top if top is not None and top > base else base + DECK_M


def height_m(text: str | None) -> float | None:
    """A height in a tag's value [m]; None if no thing on Earth has it."""
    value = length_m(text)
    return value if value is not None and 0.1 < value <= MAX_HEIGHT_M else None


def _length_or_zero(text: str | None) -> float | None:
    return 0.0 if number(text) == 0.0 else height_m(text)


def _storeys(text: str | None) -> float | None:
    value = storeys(text)
    return value if value is not None and 0 < value <= MAX_STOREYS else None


def height_rank(tags: dict[str, str]) -> int:
    """How well tags know a building's height: 2 in metres, 1 in storeys, 0 not at all."""
    if heights(tags, HeightRule()).is_default:
        return 0
    return 2 if any(height_m(tags.get(k)) for k in _TOPS) else 1


def vegetation_m(
    tags: dict[str, str], notes: Counter[str] | None = None
) -> tuple[float, float, float]:
    """Lower and upper end of the crowns above the ground and their width [m]."""
    notes = Counter() if notes is None else notes
    high = {"tree": TREE_HEIGHT_M, "tree_row": TREE_ROW_HEIGHT_M}.get(
        tags.get("natural", ""), WOOD_HEIGHT_M
    )
    key = "height" if "height" in tags else "est_height"
    top = usable(tags, key, height_m, notes) or high
    width = TREE_CROWN_M if tags.get("natural") == "tree" else TREE_ROW_WIDTH_M
    key = "diameter_crown" if "diameter_crown" in tags else "width"
    width = usable(tags, key, height_m, notes) or width
    # Below the crown of a single tree or row there is a trunk, which hardly attenuates.
    base = min(2.0, 0.25 * top) if tags.get("natural") in ("tree", "tree_row") else 0.0
    return base, top, width
