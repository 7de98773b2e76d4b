"""What walls and roofs are made of, by their tags."""

from collections import Counter

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
