"""Root attributes of rtwin's files, read as data of strangers: type by type, in range."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rtwin.dataset.inspection.container import DAMAGE, first_line, printable, texts_bounded
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT, SWEEP_FORMAT, TRACE_FORMAT
from rtwin.errors import StoreError

MAX_ITEMS = 4096
MAX_TEXT_BYTES = 64 * 2**20
_OF_HDF5 = ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST")


class Attributes(dict[str, Any]):
    """Attributes as plain Python values and arrays; a missing one is an error of one line."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.where = where

    def __missing__(self, name: str) -> Any:
        raise StoreError(f"{self.where}: attribute {name!r} is missing; the file is damaged")


def plain(value: Any) -> Any:
    """An attribute of a file as a plain Python value; JSON texts become what they say."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def read_attributes(where: str, item: Any) -> Attributes:
    """All attributes of a file, group or variable that say something.

    Raises:
        StoreError: if one cannot be read, or is of a type that no file of rtwin has.
    """
    found: dict[str, Any] = {}
    try:
        with texts_bounded(item.file.id.get_filesize()):
            for name in item.attrs:
                if name not in _OF_HDF5:
                    found[name] = _value(where, name, item)
    except StoreError:
        raise
    except DAMAGE as error:
        raise StoreError(f"{where}: attributes cannot be read ({first_line(error)})") from None
    return Attributes(where, found)


def _value(where: str, name: str, item: Any) -> Any:
    stored = item.attrs.get_id(name)
    items = int(np.prod([int(n) for n in stored.shape or ()], dtype=object))
    if items > MAX_ITEMS or stored.get_type().get_size() > MAX_TEXT_BYTES:
        raise StoreError(f"{where}: attribute {printable(name)} is too large; the file is damaged")
    value = item.attrs[name]
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        value = [text.decode() if isinstance(text, bytes) else str(text) for text in value.flat]
    if isinstance(value, str):
        value.encode()  # h5py keeps broken UTF-8 as surrogates
        return value
    if isinstance(value, np.generic):
        value = value.item()
    is_array = isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    if not (is_array or isinstance(value, bool | int | float | list)):
        what = "empty" if isinstance(value, h5py.Empty) else f"a {type(value).__name__}"
        raise StoreError(
            f"{where}: attribute {printable(name)} is {what}; it must be text or numbers"
        )
    return value


Check = Callable[[Any], str | None]
"""What is wrong with a value, in words; None if nothing is."""


def _number(low: float, high: float, *, above: bool = False) -> Check:
    def check(value: Any) -> str | None:
        ok = isinstance(value, int | float) and not isinstance(value, bool)
        ok = ok and math.isfinite(value) and low <= value <= high and not (above and value == low)
        return None if ok else f"a number {'above ' if above else ''}{low:g} to {high:g}"

    return check


def _whole(value: Any) -> str | None:
    ok = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if ok else "a whole number, 0 or more"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _json(kind: type, words: str) -> Check:
    def check(value: Any) -> str | None:
        try:
            data = json.loads(value, parse_constant=_no_constant) if isinstance(value, str) else 0
        except (ValueError, RecursionError):
            data = 0
        return None if isinstance(data, kind) else f"JSON of {words}"

    return check


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_CHECKS: dict[str, Check] = {
    **dict.fromkeys(
        (
            *("title", "scene", "source", "licence", "variant", "method", "featureType", "link"),
            *("geometry_hash", "scene_hash", "content_hash", "request_hash", "parent"),
            *("twin_hash", "tracks_hash", "map_hash", "created", "news", "merged_rule"),
        ),
        _text,
    ),
    **dict.fromkeys(
        ("recipe", "base_recipe", "versions", "more", "link_settings"), _json(dict, "a table")
    ),
    **dict.fromkeys(
        ("remarks", "edits", "merged_from", "merged_ages_days", "low_m"), _json(list, "a list")
    ),
    **dict.fromkeys(
        (
            *("num_candidates", "num_inside", "num_underground", "num_without_ground"),
            *("seed", "rays", "num_lattices", "snapshot", "num_prb", "hash_version"),
        ),
        _whole,
    ),
    "frequency_hz": _number(1e6, 1e12),
    "cell_size_m": _number(0, 1e6, above=True),
    "height_m": _number(-1e6, 1e6),
    "noise_power_w": _number(0, 1e6, above=True),
    "interference_load": _number(0, 1),
    "step_s": _number(0, 1e12, above=True),
    "bandwidth_hz": _number(0, 1e13, above=True),
    "demand_mbps": _number(0, 1e9, above=True),
    "seconds": _number(0, 1e12),
    "full_s": _number(0, 1e12),
}
_OF_SCENE = ("scene", "recipe", "scene_hash", "geometry_hash", "content_hash")
_COUNTS = ("num_candidates", "num_inside", "num_underground", "num_without_ground")
REQUIRED: dict[str, tuple[str, ...]] = {
    PATHS_FORMAT: (*_OF_SCENE, *_COUNTS, "frequency_hz"),
    SWEEP_FORMAT: (*_OF_SCENE, *_COUNTS),
    MAP_FORMAT: (*_OF_SCENE, "frequency_hz", "cell_size_m", "noise_power_w", "method"),
    TRACE_FORMAT: ("step_s", "noise_power_w", "interference_load"),
}
"""Attributes without which a file of a format means nothing."""
_OF_SNAPSHOT = ("snapshot", "parent", "created", "base_recipe", "edits", "more", "low_m")


def attribute_problems(kind: str, attributes: Mapping[str, Any]) -> list[str]:
    """What is wrong with the root attributes of a file of a format, one line each."""
    problems = []
    needed = REQUIRED.get(kind, ())
    if kind == MAP_FORMAT and "snapshot" in attributes:
        needed = (*needed, *_OF_SNAPSHOT)
    for name in needed:
        if name not in attributes:
            problems.append(f"attribute {name!r} is missing")
    for name, value in attributes.items():
        allowed = _CHECKS[name](value) if name in _CHECKS else None
        if allowed is not None:
            problems.append(f"attribute {name} is {_shown(value)}; it must be {allowed}")
    return problems


def _shown(value: Any) -> str:
    return printable(value) if isinstance(value, str) else printable(repr(value)).strip("'\"")


def scene_folder(attributes: Mapping[str, Any]) -> Path | None:
    """Where a file's scene was when it was traced, if its geometry is in files still there."""
    told = attributes.get("scene_folder")
    folder = None if told is None else Path(str(told))
    return folder if folder is not None and folder.is_dir() else None
