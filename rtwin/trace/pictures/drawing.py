"""Things drawn into a picture of a scene: devices, paths and radio maps as one coloured mesh."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Floats, Singles
from rtwin.errors import ShapeError

TUBE_SIDES = 8
# The colours of rtwin.plot (Okabe and Ito, told apart by colour-blind eyes).
TX_COLOR, RX_COLOR = (0.835, 0.369, 0.0), (1.0, 1.0, 1.0)
MIXED_COLOR = (0.25, 0.25, 0.25)
PATH_COLORS = {
    0: (0.0, 0.620, 0.451),
    1: (0.0, 0.447, 0.698),
    2: (0.337, 0.706, 0.914),
    4: (0.902, 0.624, 0.0),
    8: (0.800, 0.475, 0.655),
}


@dataclass(frozen=True)
class PathLines:
    """Paths to draw, coloured by what happens on them; the arrays of a dataset fit."""

    tx_m: ArrayLike  # [path, 3] m, or [3] for all
    rx_m: ArrayLike  # [path, 3] m, or [3] for all
    vertices_m: ArrayLike  # [path, depth, 3] m, NaN where none
    interactions: ArrayLike  # [path, depth], InteractionType


@dataclass(frozen=True)
class MapOverlay:
    """A radio map to lay over the ground; cells that are not finite stay clear."""

    values_db: ArrayLike  # [cell_y, cell_x]
    centers_m: ArrayLike  # [cell_y, cell_x, 3]
    cell_size_m: float
    opacity: float = 0.75


@dataclass(frozen=True)
class Drawing:
    """A triangle soup with a colour and an opacity for each triangle."""

    triangles: Singles  # [triangle, 3, 3] m
    color: Singles  # [triangle, 4], red, green, blue, opacity

    @staticmethod
    def join(parts: list["Drawing"]) -> "Drawing":
        """All triangles of several drawings; an empty list gives an empty drawing."""
        nothing = Drawing(np.zeros((0, 3, 3), np.float32), np.zeros((0, 4), np.float32))
        parts = [nothing, *parts]
        return Drawing(
            np.concatenate([part.triangles for part in parts]),
            np.concatenate([part.color for part in parts]),
        )


def draw_devices(positions_m: ArrayLike, radius_m: float, color: ArrayLike) -> Drawing:
    """A ball for each position [device, 3]."""
    positions = np.asarray(positions_m, np.float64).reshape(-1, 3)
    ball = _icosphere() * radius_m
    triangles = (positions[:, None, None] + ball[None]).reshape(-1, 3, 3)
    return _painted(triangles, np.broadcast_to(np.asarray(color), (len(triangles), 3)))


def draw_paths(paths: PathLines, radius_m: float) -> Drawing:
    """A tube along each segment of each path.

    Raises:
        ShapeError: if the arrays do not fit together.
    """
    vertices = np.asarray(paths.vertices_m, np.float64)
    kinds = np.asarray(paths.interactions)
    if vertices.ndim != 3 or vertices.shape[2] != 3 or kinds.shape != vertices.shape[:2]:
        raise ShapeError(
            f"vertices_m has shape {vertices.shape} and interactions {kinds.shape}; "
            "they must be [path, depth, 3] and [path, depth]"
        )
    num, depth = kinds.shape
    start = np.broadcast_to(np.asarray(paths.tx_m, np.float64), (num, 3))
    end = np.broadcast_to(np.asarray(paths.rx_m, np.float64), (num, 3))
    # Unused depths repeat the receiver; their segments have no length and fall out.
    inner = np.where((kinds != 0)[..., None], vertices, end[:, None])
    points = np.concatenate([start[:, None], inner, end[:, None]], axis=1)
    a, b = points[:, :-1].reshape(-1, 3), points[:, 1:].reshape(-1, 3)
    color = np.repeat(_path_colors(kinds), depth + 1, axis=0)
    long = np.linalg.norm(b - a, axis=1) > 1e-6
    tubes = _tubes(a[long], b[long], radius_m)
    return _painted(tubes, np.repeat(color[long], 2 * TUBE_SIDES, axis=0))


def draw_map(radio_map: MapOverlay) -> Drawing:
    """A coloured square for each finite cell, viridis between the 2nd and 98th percentile.

    Raises:
        ShapeError: if the arrays do not fit together.
    """
    values = np.asarray(radio_map.values_db, np.float64)
    centers = np.asarray(radio_map.centers_m, np.float64)
    if centers.shape != (*values.shape, 3):
        raise ShapeError(
            f"values_db has shape {values.shape} and centers_m {centers.shape}; "
            "they must be [cell_y, cell_x] and [cell_y, cell_x, 3]"
        )
    seen = np.isfinite(values)
    if not seen.any():
        return Drawing.join([])
    low, high = np.percentile(values[seen], [2, 98])
    share = np.clip((values[seen] - low) / max(high - low, 1e-9), 0.0, 1.0)
    half = radio_map.cell_size_m / 2
    corners = half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    square = centers[seen][:, None] + corners
    triangles = np.stack([square[:, [0, 1, 2]], square[:, [0, 2, 3]]], axis=1).reshape(-1, 3, 3)
    return _painted(triangles, np.repeat(_viridis(share), 2, axis=0), radio_map.opacity)


def _painted(triangles: Floats, color: Any, opacity: float = 1.0) -> Drawing:
    rgba = np.empty((len(triangles), 4), np.float32)
    rgba[:, :3] = color
    rgba[:, 3] = opacity
    return Drawing(triangles.astype(np.float32), rgba)


def _path_colors(kinds: NDArray[Any]) -> Floats:
    """Colour of each path: that of its only kind of interaction, or the mixed one."""
    any_kind = np.bitwise_or.reduce(kinds.astype(np.int64), axis=1)
    return np.array([PATH_COLORS.get(int(kind), MIXED_COLOR) for kind in any_kind]).reshape(-1, 3)


def _tubes(a: Floats, b: Floats, radius_m: float) -> Floats:
    """Open tubes from points a to b, [segment * 2 * TUBE_SIDES, 3, 3]."""
    along = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    helper = np.where(np.abs(along[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    side = np.cross(along, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    angle = np.linspace(0.0, 2.0 * np.pi, TUBE_SIDES, endpoint=False)
    ring = radius_m * (
        np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * other[:, None]
    )
    low, high = a[:, None] + ring, b[:, None] + ring
    next_low, next_high = np.roll(low, -1, axis=1), np.roll(high, -1, axis=1)
    first = np.stack([low, next_low, next_high], axis=2)
    second = np.stack([low, next_high, high], axis=2)
    return np.stack([first, second], axis=2).reshape(-1, 3, 3)


def _icosphere() -> Floats:
    """Triangles of a unit ball, [80, 3, 3]."""
    import trimesh

    return np.asarray(trimesh.creation.icosphere(subdivisions=1).triangles)


def _viridis(share: Floats) -> Floats:
    """Matplotlib's viridis, interpolated between nine of its colours, [n, 3]."""
    stops = np.array(
        [
            [0.267, 0.005, 0.329],
            [0.279, 0.175, 0.483],
            [0.230, 0.322, 0.546],
            [0.173, 0.449, 0.558],
            [0.128, 0.567, 0.551],
            [0.158, 0.684, 0.502],
            [0.369, 0.789, 0.383],
            [0.678, 0.864, 0.190],
            [0.993, 0.906, 0.144],
        ]
    )
    place = share * (len(stops) - 1)
    return np.stack(
        [np.interp(place, np.arange(len(stops)), stops[:, channel]) for channel in range(3)], axis=1
    )
