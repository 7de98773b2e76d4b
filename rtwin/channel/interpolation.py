"""A radio map between its cell centres."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import ShapeError
from rtwin.units import from_db, to_db

_DB_PER_NEPER = 10.0 / np.log(10.0)


def interpolate_path_gain(
    path_gain: ArrayLike,
    standard_error: ArrayLike,
    cell_x_m: ArrayLike,
    cell_y_m: ArrayLike,
    xy_m: ArrayLike,
) -> tuple[Floats, Floats]:
    """Path gain of every transmitter at points of a radio map, and its standard error.

    Bilinear in decibel between the four nearest cell centres; cells that no
    ray reached do not take part. A point whose own cell no ray reached has no
    path gain. The error is the weighted mean of the cells' errors: neighbours
    share rays, so that their errors do not average out.

    Args:
        path_gain: Path gain, linear, [tx, cell_y, cell_x]; 0 where no ray came.
        standard_error: Its standard error, linear, same shape.
        cell_x_m: x of the cell centres [m], equally spaced, [cell_x].
        cell_y_m: y of the cell centres [m], equally spaced, [cell_y].
        xy_m: Points [m], [point, 2].
    Returns:
        Path gain, linear, [point, tx]: 0 where no ray came, NaN outside of the
        map or for points that are NaN. Its standard error [dB], [point, tx]:
        NaN where there is no path gain.
    Raises:
        ShapeError: if the shapes do not fit (they are printed).
    Source: own choice, see docs/link_traces.md; checked by tests/channel/test_interpolation.py.
    """
    gain = np.asarray(path_gain, np.float64)
    error = np.asarray(standard_error, np.float64)
    x, y = np.asarray(cell_x_m, np.float64), np.asarray(cell_y_m, np.float64)
    xy = np.asarray(xy_m, np.float64)
    if gain.shape != error.shape or gain.shape[1:] != (y.size, x.size) or xy.shape[1:] != (2,):
        raise ShapeError(
            f"path_gain, standard_error, cell_x_m, cell_y_m and xy_m have shapes {gain.shape}, "
            f"{error.shape}, {x.shape}, {y.shape} and {xy.shape}; they must be [tx, y, x] twice, "
            "[x], [y] and [point, 2]"
        )
    column, left, right, inside_x = _place(x, xy[:, 0])
    row, below, above, inside_y = _place(y, xy[:, 1])
    inside = inside_x & inside_y
    gain_db = to_db(gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        error_db = _DB_PER_NEPER * error / gain
    level = np.zeros((len(xy), len(gain)))
    spread, total = np.zeros_like(level), np.zeros_like(level)
    for rows, weight_y in ((row, below), (row + 1, above)):
        for columns, weight_x in ((column, left), (column + 1, right)):
            at = np.minimum(rows, y.size - 1), np.minimum(columns, x.size - 1)
            reached = gain[:, at[0], at[1]].T > 0
            weight = np.where(reached, (weight_y * weight_x)[:, None], 0.0)
            level += weight * np.where(reached, gain_db[:, at[0], at[1]].T, 0.0)
            spread += weight * np.where(reached, error_db[:, at[0], at[1]].T, 0.0)
            total += weight
    own = np.where(above > 0.5, row + 1, row), np.where(right > 0.5, column + 1, column)
    covered = (gain[:, own[0], own[1]].T > 0) & (total > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(covered, from_db(level / total), 0.0)
        found_error = np.where(covered, spread / total, np.nan)
    return np.where(inside[:, None], found, np.nan), np.where(inside[:, None], found_error, np.nan)


def _place(centers: Floats, values: Floats) -> tuple[Ints, Floats, Floats, Bools]:
    """Cell below each value, weights of it and of the next, and whether the map holds it."""
    step = centers[1] - centers[0] if centers.size > 1 else 1.0
    position = (values - centers[0]) / step
    inside = (position >= -0.5) & (position <= centers.size - 0.5)
    if centers.size == 1:
        inside = np.isfinite(values)
    # Half a cell at the rim has no neighbour on its other side.
    position = np.clip(np.where(inside, position, 0.0), 0.0, centers.size - 1)
    first = np.minimum(position.astype(np.int64), max(centers.size - 2, 0))
    share = position - first
    return first, 1.0 - share, share, inside
