"""Passages of streets and paths through buildings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.scene.build.elements import Element
from rtwin.scene.build.tags import height_m, is_passage

PASSAGE_M = 4.0  # clear height where the map gives none
FOOT_WIDTH_M, STREET_WIDTH_M = 3.0, 6.0
BEYOND_M = 0.5  # ways end on the outline, more or less
_ON_FOOT = ("footway", "path", "steps", "cycleway", "pedestrian", "corridor", "bridleway")


@dataclass(frozen=True)
class Strip:
    """The ground that a passage takes, and its clear height."""

    area: Any  # shapely.Polygon
    height_m: float


def strips(elements: Iterable[Element]) -> list[Strip]:
    """The passages of a map.

    Args:
        elements: Elements in scene coordinates [m].
    Returns:
        One strip a line; empty if there are no passages.
    """
    import shapely

    found = []
    for element in elements:
        if not is_passage(element.tags):
            continue
        high = height_m(element.tags.get("maxheight") or element.tags.get("height"))
        for line in shapely.get_parts(element.geometry):
            if line.geom_type == "LineString" and line.length > 0:
                width = way_width_m(element.tags)
                area = shapely.buffer(_longer(line), width / 2, cap_style="flat")
                found.append(Strip(area, high or PASSAGE_M))
    return found


def way_width_m(tags: dict[str, str]) -> float:
    """Width of a street or path [m]: as given, by its lanes, else by its class."""
    width = height_m(tags.get("width"))
    if width is not None and width <= 60.0:
        return width
    lanes = tags.get("lanes", "")
    if lanes.isdigit() and 0 < int(lanes[:3]) <= 12:
        return 3.25 * int(lanes)
    return FOOT_WIDTH_M if tags.get("highway") in _ON_FOOT else STREET_WIDTH_M


def _longer(line: Any) -> Any:
    """A line that goes on a little at both ends."""
    import shapely

    xy = shapely.get_coordinates(line)
    first, last = xy[0] - xy[1], xy[-1] - xy[-2]
    first = first / max(float(np.linalg.norm(first)), 1e-9)
    last = last / max(float(np.linalg.norm(last)), 1e-9)
    return shapely.LineString([xy[0] + BEYOND_M * first, *xy, xy[-1] + BEYOND_M * last])
