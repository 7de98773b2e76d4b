"""Numbers, lengths and storeys as people write them into tags."""

import math
import re
from collections import Counter
from collections.abc import Callable

from rtwin.scene._model import one_line

LONGEST = 40  # characters of a value that are looked at
_NUMBER = r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
_METRES = {
    "": 1.0,
    "m": 1.0,
    "mt": 1.0,
    "mts": 1.0,
    "metre": 1.0,
    "metres": 1.0,
    "meter": 1.0,
    "meters": 1.0,
    "mm": 1e-3,
    "cm": 1e-2,
    "km": 1e3,
    "'": 0.3048,
    "ft": 0.3048,
    "feet": 0.3048,
    "foot": 0.3048,
    '"': 0.0254,
    "in": 0.0254,
    "inch": 0.0254,
    "inches": 0.0254,
}
_STOREYS = r"(?:floors?|storeys?|stor(?:y|ies)|levels?|fl|[ée]tages?|etagen?|geschosse?|pisos?)"
_ABOUT = re.compile(r"^(?:~|≈|±|\+/-|[<>]=?|≤|≥|ca?\.|ca|circa|about|approx\.?|est\.?|max\.?)\s*")
# Between two numbers: "5;6", "5-6", "5 to 6", "5/6".
_BETWEEN = re.compile(
    r"\s*(?:;|/|\||\bto\b|\bor\b|\band\b|(?<=[\dmt])\s*[-\u2013\u2014]\s*(?=\d))\s*"
)
_COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W")
COMPASS_DEG = {name: 22.5 * i for i, name in enumerate((*_COMPASS, "WNW", "NW", "NNW"))} | {
    "NORTH": 0.0,
    "EAST": 90.0,
    "SOUTH": 180.0,
    "WEST": 270.0,
}


def number(text: str | None) -> float | None:
    """The number in a tag's value; None if it is anything else."""
    if text is None:
        return None
    found = re.fullmatch(rf"\s*({_NUMBER})\s*", text[:LONGEST])
    value = float(found[1].replace(",", ".")) if found else math.nan
    return value if math.isfinite(value) else None


def length_m(text: str | None) -> float | None:
    """A length in a tag's value [m]; None if unusable.

    "12", "12.5 m", "40 ft", 5'6", "1200 cm"; of several or a range ("12;15", "12-15") the
    greatest; signs for about ("~12", "ca. 12") are passed over.
    """
    return _greatest(text, _one_length_m)


def storeys(text: str | None) -> float | None:
    """A number of storeys in a tag's value: "4", "12 floors", "G+3"; of several the greatest."""
    return _greatest(text, _one_storeys)


def says_storeys(text: str) -> bool:
    """Whether a value counts storeys in words, whatever its key is."""
    return re.search(rf"\d\s*{_STOREYS}\b", text[:LONGEST].lower()) is not None


def is_plain(text: str) -> bool:
    """Whether a value is written as the map's own rules ask: a number, with a unit at most."""
    return re.fullmatch(rf"\s*{_NUMBER}\s*[a-z'\"]*\s*(?:\d+\")?\s*", text) is not None


def compass_deg(text: str | None) -> float | None:
    """A direction in a tag's value, clockwise from north [deg]: "90", "E", "south"."""
    if text is None:
        return None
    named = COMPASS_DEG.get(text[:LONGEST].strip().upper())
    value = number(text.replace("°", "")) if named is None else named
    return value if value is None or -360.0 <= value <= 360.0 else None


def usable(
    tags: dict[str, str],
    key: str,
    read: Callable[[str | None], float | None],
    notes: Counter[str],
) -> float | None:
    """The value of a tag; one that cannot be used, or that was read freely, is named."""
    text = tags.get(key)
    if text is None:
        return None
    value = read(text)
    shown = f"{key} '{one_line(text)[:30]}'"
    if value is None:
        notes[f"{shown} cannot be used, taken as not given"] += 1
    elif not is_plain(text):
        notes[f"{shown} read as {value:g}"] += 1
    return value


def _greatest(text: str | None, read: Callable[[str], float | None]) -> float | None:
    if text is None:
        return None
    parts = _BETWEEN.split(text[:LONGEST].strip().lower())
    values = [read(_ABOUT.sub("", part).rstrip("?+ ")) for part in parts if part]
    if not values or any(value is None for value in values):
        return None
    return max(value for value in values if value is not None)


def _one_length_m(text: str) -> float | None:
    feet = re.fullmatch(
        r"(\d+(?:[.,]\d+)?)\s*(?:'|ft|feet|foot)\s*(?:-?\s*(\d+(?:\.\d+)?)\s*(?:\"|in)?)?", text
    )
    if feet:
        return 0.3048 * (float(feet[1].replace(",", ".")) + float(feet[2] or 0.0) / 12.0)
    found = re.fullmatch(rf"({_NUMBER})\s*([a-z\"']*)\.?", text)
    if not found or found[2] not in _METRES:
        return None
    value = float(found[1].replace(",", ".")) * _METRES[found[2]]
    return value if math.isfinite(value) else None


def _one_storeys(text: str) -> float | None:
    above = re.fullmatch(r"g\s*\+\s*(\d{1,3})", text)  # ground floor and those above it
    if above:
        return 1.0 + float(above[1])
    return number(re.sub(rf"\s*{_STOREYS}\.?$", "", text))
