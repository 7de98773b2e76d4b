"""A first deployment for a scene that has none: it traces as it is, and is there to be edited."""

from dataclasses import dataclass

import numpy as np

from rtwin.scene.build.built import BuiltObject
from rtwin.scene.build.elements import Box
from rtwin.scene.build.objects import BuiltScene

MAST_M = 10.0
LOWEST_MAST_M = 25.0
RECEIVER_MARGIN_M = 10.0
MOST_CELLS = 250_000


@dataclass(frozen=True)
class Deployment:
    """One mast, and where receivers and the radio map are."""

    tx_position_m: tuple[float, float, float]
    tx_on: str  # name of the building under it
    area: Box  # receivers and radio map
    cell_size_m: float


def deployment(scene: BuiltScene, ground_m: float) -> Deployment:
    """A mast over the highest roof of the middle, receivers and map between the buildings.

    Args:
        scene: What was built.
        ground_m: Height of the ground in the middle of the scene.
    """
    buildings = scene.of("building") or scene.of("structure")
    spans = np.array([_bounds(item) for item in buildings])
    low, high = spans[:, :2].min(axis=0), spans[:, 2:].max(axis=0)
    area = _area(scene.box, low, high)
    middle = np.array([area[0] + area[2], area[1] + area[3]]) / 2
    half = np.array([area[2] - area[0], area[3] - area[1]]) / 2
    places = np.array([_top_place(item) for item in buildings])
    # Anything in the inner half of the area; of equal height, the one nearest to the middle.
    off = np.abs(places[:, :2] - middle) / np.maximum(half, 1e-9)
    central = off.max(axis=1) <= 0.5
    rank = places[:, 2] - 1e-3 * np.linalg.norm(places[:, :2] - middle, axis=1)
    best = int(np.argmax(np.where(central, rank, rank - 1e6 * off.max(axis=1))))
    z = max(places[best, 2] + MAST_M, ground_m + LOWEST_MAST_M)
    x, y = places[best, :2]
    cell = 5.0
    while (2 * half[0] / cell) * (2 * half[1] / cell) > MOST_CELLS:
        cell *= 2
    return Deployment(
        tx_position_m=_rounded(x, y, z),
        tx_on=buildings[best].name,
        area=area,
        cell_size_m=cell,
    )


def _rounded(x: float, y: float, z: float) -> tuple[float, float, float]:
    return round(float(x), 2), round(float(y), 2), round(float(z), 2)


def _bounds(item: BuiltObject) -> tuple[float, float, float, float]:
    if item.polygon is not None:
        return item.polygon.bounds
    assert item.vertices is not None
    low, high = item.vertices.min(axis=0), item.vertices.max(axis=0)
    return low[0], low[1], high[0], high[1]


def _top_place(item: BuiltObject) -> tuple[float, float, float]:
    """A place on top of a building: above its footprint, or its highest corner."""
    if item.polygon is not None:
        point = item.polygon.representative_point()
        return point.x, point.y, item.top_m
    assert item.vertices is not None
    x, y, z = item.vertices[int(np.argmax(item.vertices[:, 2]))]
    return x, y, z


def _area(box: Box, low: np.ndarray, high: np.ndarray) -> Box:
    """The buildings and the streets around them, within the ground."""
    first = np.maximum(low - RECEIVER_MARGIN_M, np.array(box[:2]) + 1.0)
    last = np.minimum(high + RECEIVER_MARGIN_M, np.array(box[2:]) - 1.0)
    x0, y0, x1, y1 = (*np.floor(first), *np.ceil(last))
    return float(x0), float(y0), float(x1), float(y1)
