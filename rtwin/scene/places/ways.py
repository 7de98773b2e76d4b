"""Streets and paths as places of receivers: a GeoJSON file of lines, walked at even steps."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import RecipeError
from rtwin.scene._model import MAX_COORDINATE_M, one_line, shown
from rtwin.scene.georeference import Georeference

MAX_WAYS_BYTES = 256 * 2**20


def read_ways(
    path: Path, kinds: tuple[str, ...], georeference: Georeference | None
) -> list[Floats]:
    """Lines of a GeoJSON file in scene coordinates.

    Args:
        path: A file as `rtwin scene build` writes, longitude and latitude.
        kinds: Values of the property `highway` that are taken; empty: all lines.
        georeference: Where the scene lies on Earth.
    Returns:
        One array [corner, 2] m per line.
    Raises:
        RecipeError: if the file is no such GeoJSON, or the scene has no place on Earth.
    Checked by tests/scene/places/test_ways.py.
    """
    where = one_line(path)
    if georeference is None:
        raise RecipeError(
            f"{where}: ways are in longitude and latitude, but the recipe has no [georeference]; "
            "add one"
        )
    found, kinds_there = _read(path, lambda tags: not kinds or _kind(tags) in kinds)
    lines = _in_scene(found, georeference)
    if not lines:
        raise RecipeError(
            f"{where}: has no ways of kind {', '.join(kinds) or 'any'}; "
            f"there are {shown(', '.join(sorted(kinds_there)) or 'none')}"
        )
    return lines


FOOTWAYS = ("footway", "path", "pedestrian", "steps", "living_street", "corridor")


def read_footways(path: str | Path, georeference: Georeference | None = None) -> list[Floats]:
    """Lines of a GeoJSON file that people walk along, in scene coordinates.

    Of features that say which kind of `highway` they are, only those for people
    on foot count: FOOTWAYS, and any with `foot` set to yes or designated, but
    not with no. If there is none of these, all lines count.

    Args:
        path: The file; a FeatureCollection, a Feature or a geometry.
        georeference: Where the scene lies on Earth. With it, coordinates are
            longitude and latitude, as the standard (RFC 7946) has it; without
            it, they are metres of the scene.
    Returns:
        One array [corner, 2] m per line; at least one.
    Raises:
        RecipeError: if the file is missing, is no such GeoJSON, holds no line, or
            lies far outside of any scene.
    Checked by tests/scene/places/test_ways.py.
    """
    path = Path(path)
    where = one_line(path)
    found, _ = _read(path, _is_for_walking)
    if not found:
        found, _ = _read(path, lambda tags: True)
    lines = found if georeference is None else _in_scene(found, georeference)
    if not lines:
        raise RecipeError(f"{where}: holds no LineString; give the scene's footways as lines")
    for line in lines:
        far = ~(np.abs(line) <= MAX_COORDINATE_M).all(axis=1)
        if far.any():
            raise RecipeError(
                f"{where}: a place at {line[far][0].tolist()} is not in scene coordinates; they "
                f"must be within {MAX_COORDINATE_M:g} m of the origin"
            )
    return lines


def _is_for_walking(tags: dict[str, Any]) -> bool:
    if tags.get("foot") == "no":
        return False
    return _kind(tags) in FOOTWAYS or tags.get("foot") in ("yes", "designated")


def _read(path: Path, keep: Callable[[dict[str, Any]], bool]) -> tuple[list[Floats], set[str]]:
    """Lines of some features, [corner, 2] each as in the file, and the kinds of all features."""
    where = one_line(path)
    try:
        if path.stat().st_size > MAX_WAYS_BYTES:
            raise RecipeError(
                f"{where}: has {path.stat().st_size / 2**20:.0f} MiB; at most "
                f"{MAX_WAYS_BYTES / 2**20:.0f} MiB are read"
            )
        every = list(_lines(json.loads(path.read_bytes()), {}))
        lines = [np.array(line, np.float64) for line, tags in every if keep(tags)]
    except RecipeError:
        raise
    except FileNotFoundError:
        raise RecipeError(f"{where}: no such file; give the name of a GeoJSON file") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = one_line(error)[:80] or type(error).__name__
        raise RecipeError(f"{where}: is no GeoJSON of lines ({reason}); build it again") from None
    for line in lines:
        if line.ndim != 2 or line.shape[1] < 2 or not np.isfinite(line).all():
            raise RecipeError(f"{where}: holds a line without pairs of numbers; build it again")
    return [line[:, :2] for line in lines], {_kind(tags) for _, tags in every} - {""}


def _in_scene(lines: list[Floats], georeference: Georeference) -> list[Floats]:
    """Lines in longitude and latitude as lines of the scene; without those out of its reach."""
    found = [georeference.to_local(line[:, 1], line[:, 0])[:, :2] for line in lines]
    return [line for line in found if np.isfinite(line).all()]


def _kind(tags: dict[str, Any]) -> str:
    return str(tags.get("highway", ""))


def _lines(data: Any, tags: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Coordinates of every line in some GeoJSON, and the properties of its feature."""
    if "features" in data:
        for feature in data["features"]:
            yield from _lines(feature, tags)
    elif "geometry" in data:
        if data["geometry"]:
            found = data.get("properties")
            yield from _lines(data["geometry"], found if isinstance(found, dict) else {})
    elif data["type"] == "GeometryCollection":
        for part in data["geometries"]:
            yield from _lines(part, tags)
    elif data["type"] == "LineString":
        yield data["coordinates"], tags
    elif data["type"] == "MultiLineString":
        yield from ((line, tags) for line in data["coordinates"])


def walked(line: Floats, spacing_m: float) -> tuple[Floats, Floats]:
    """Places every so many metres along a line, and the directions there.

    Args:
        line: Corners [m], [corner, 2].
        spacing_m: Distance along the line [m]; the first place is half of it from the start.
    Returns:
        Places [m] and unit vectors, [place, 2] each; none for a line that is too short.
    """
    steps = np.diff(line, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    steps, starts, lengths = steps[lengths > 0], line[:-1][lengths > 0], lengths[lengths > 0]
    if not len(lengths):
        return np.zeros((0, 2)), np.zeros((0, 2))
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    way = np.arange(spacing_m / 2, reached[-1], spacing_m)
    segment = np.minimum(np.searchsorted(reached, way, side="right") - 1, len(steps) - 1)
    direction = (steps / lengths[:, None])[segment]
    return starts[segment] + (way - reached[segment])[:, None] * direction, direction
