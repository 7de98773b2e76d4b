"""Words of other footprint files in the words of OpenStreetMap."""

import re
from collections import Counter
from typing import Any

from rtwin.scene._model import one_line
from rtwin.scene.build.tags import number

# Keys in small letters. OSM Buildings, Overture Maps, CityGML, BD TOPO, ALKIS and others.
# docs/scenes.md lists them; tests/docs/test_scenes_page.py holds them together.
KEYS = {
    "levels": "building:levels",
    "num_floors": "building:levels",
    "numfloors": "building:levels",
    "floors": "building:levels",
    "storeys": "building:levels",
    "stories": "building:levels",
    "storeysaboveground": "building:levels",
    "nb_etages": "building:levels",
    "nombre_d_etages": "building:levels",
    "b3_bouwlagen": "building:levels",
    "minheight": "min_height",
    "minlevel": "building:min_level",
    "min_floor": "building:min_level",
    "roofshape": "roof:shape",
    "roof_shape": "roof:shape",
    "roofheight": "roof:height",
    "roof_height": "roof:height",
    "rooflevels": "roof:levels",
    "roofmaterial": "roof:material",
    "roof_material": "roof:material",
    "roofdirection": "roof:direction",
    "roof_direction": "roof:direction",
    "roof_orientation": "roof:orientation",
    "material": "building:material",
    "facade_material": "building:material",
    "building_height": "height",
    "bldg_height": "height",
    "height_m": "height",
    "measuredheight": "height",
    "hauteur": "height",
    "hoehe": "height",
    "altura": "height",
}
# Of a key that looks like a height but is not read, people are told.
_LIKE_HEIGHT = re.compile(
    r"height|hght|floors|storey|stories|etage|geschoss|hoehe|höhe|hauteur", re.IGNORECASE
)
_READ = re.compile(
    r"height|min_height|est_height|building:.*|roof:.*|maxheight|height_m|.*_source", re.IGNORECASE
)
_TRUE = ("true", "yes", "1")


def osm_tags(properties: dict[str, Any], notes: Counter[str]) -> dict[str, str]:
    """The properties of a feature as tags of OpenStreetMap.

    Args:
        properties: Names and values; nested ones, empty ones and those beyond 255 letters go.
        notes: Counts names that look like heights and are not read.
    """
    tags: dict[str, str] = {}
    for key, value in properties.items():
        if value is None or isinstance(value, dict | list) or len(str(value)) > 255:
            continue
        name = str(key)
        known = name if name in ("height", "name") else KEYS.get(name.lower())
        if known is None and name.lower() in ("height", "min_height"):
            known = name.lower()
        if known is None and _LIKE_HEIGHT.search(name) and not _READ.fullmatch(name):
            notes[f"properties '{one_line(name)[:40]}' not read; rename to 'height' in metres"] += 1
        tags.setdefault(known or name, str(value))
    _overture(properties, tags)
    _difference(tags)
    return tags


def _overture(properties: dict[str, Any], tags: dict[str, str]) -> None:
    """What Overture Maps says in other words: parts, cellars, names, classes."""
    if tags.get("type") == "building_part" and "building" not in tags:
        tags["building:part"] = "yes"
    if str(tags.get("is_underground", "")).lower() in _TRUE:
        tags["location"] = "underground"
    names = properties.get("names")
    if isinstance(names, dict) and isinstance(names.get("primary"), str):
        tags.setdefault("name", names["primary"][:255])
    if tags.get("type") == "building":
        tags["building"] = tags.get("class") or tags.get("subtype") or "yes"
    elif tags.get("type") == "segment" and tags.get("class"):
        tags.setdefault("highway", tags["class"])


def _difference(tags: dict[str, str]) -> None:
    """3DBAG gives heights of roof and ground above sea level."""
    roof, ground = (number(tags.get(k)) for k in ("b3_h_dak_70p", "b3_h_maaiveld"))
    if roof is not None and ground is not None and "height" not in tags:
        tags["height"] = f"{roof - ground:.2f}"
