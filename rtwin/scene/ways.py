"""Streets and paths as places of receivers: a GeoJSON file of lines, walked at even steps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import RecipeError
from rtwin.scene._model import one_line, shown
from rtwin.scene.georeference import Georeference

Floats = NDArray[np.float64]
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
    Checked by tests/scene/test_ways.py.
    """
    where = one_line(path)
    if georeference is None:
        raise RecipeError(
            f"{where}: ways are in longitude and latitude, but the recipe has no [georeference]; "
            "add one"
        )
    if path.stat().st_size > MAX_WAYS_BYTES:
        raise RecipeError(
            f"{where}: has {path.stat().st_size / 2**20:.0f} MiB; at most "
            f"{MAX_WAYS_BYTES / 2**20:.0f} MiB are read"
        )
    try:
        features = json.loads(path.read_bytes())["features"]
        lines = [np.array(line, np.float64) for line in _lines(features, kinds)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = one_line(error)[:80] or type(error).__name__
        raise RecipeError(f"{where}: is no GeoJSON of lines ({reason}); build it again") from None
    found = []
    for line in lines:
        if line.ndim != 2 or line.shape[1] < 2 or not np.isfinite(line).all():
            raise RecipeError(f"{where}: holds a line without pairs of numbers; build it again")
        xy = georeference.to_local(line[:, 1], line[:, 0])[:, :2]
        if np.isfinite(xy).all():
            found.append(xy)
    if not found:
        there = {_kind(f) for f in features if isinstance(f, dict)} - {""}
        raise RecipeError(
            f"{where}: has no ways of kind {', '.join(kinds) or 'any'}; "
            f"there are {shown(', '.join(sorted(there)) or 'none')}"
        )
    return found


def _kind(feature: dict[str, Any]) -> str:
    properties = feature.get("properties")
    return str(properties.get("highway", "")) if isinstance(properties, dict) else ""


def _lines(features: list[Any], kinds: tuple[str, ...]) -> Iterator[Any]:
    for feature in features:
        geometry = feature["geometry"]
        if kinds and _kind(feature) not in kinds:
            continue
        if geometry["type"] == "LineString":
            yield geometry["coordinates"]
        elif geometry["type"] == "MultiLineString":
            yield from geometry["coordinates"]


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
