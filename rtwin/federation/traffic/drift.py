"""Traffic that changes its ways: a closed cell, cells that grow."""

from dataclasses import replace

import numpy as np

from rtwin.federation.traffic.series import DAY, Traffic


def close_cell(traffic: Traffic, cell: int, day: int) -> Traffic:
    """A cell closes at the start of a day; its neighbours within 1.5 squares share its traffic.

    Args:
        traffic: What was carried.
        cell: Rank of the cell.
        day: From when on.
    """
    values = traffic.values.copy()
    apart = np.linalg.norm(traffic.position_m - traffic.position_m[cell], axis=1)
    near = np.flatnonzero((apart < 1.5 * 235.0) & (apart > 0))
    moved = values[DAY * day :, cell].copy()
    values[DAY * day :, cell] = 0.0
    if near.size:
        values[DAY * day :, near] += moved[:, None] / near.size
    return replace(traffic, values=values)


def scale_cells(traffic: Traffic, factor: float, day: int, share: float, seed: int) -> Traffic:
    """Some cells carry a multiple of their traffic from a day on.

    Args:
        traffic: What was carried.
        factor: By how much.
        day: From when on.
        share: Of the cells, 0 to 1.
        seed: Which ones.
    """
    values = traffic.values.copy()
    count = round(share * values.shape[1])
    grown = np.random.default_rng(seed).permutation(values.shape[1])[:count]
    values[DAY * day :, grown] *= factor
    return replace(traffic, values=values)
