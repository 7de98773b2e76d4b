"""The radio map of a page: layers of small whole numbers, coarser where there are too many."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import rss_dbm, serving_transmitter, sinr
from rtwin.dataset import RadioMap
from rtwin.plot.fields import (
    corner_heights_m,
    map_extent,
    map_field,
    map_metrics,
)
from rtwin.view.buffers import Buffers

MAX_VALUES = 16_000_000  # two bytes each before compression
MAX_SIDE = 4096  # cells; what every graphics card takes as a texture
STEP = 0.01  # of the values, in their unit; coarser where they reach farther
NO_VALUE = -32768
FLAT_M = 0.01
LARGEST = 32767


def add_map(
    buffers: Buffers, radio_map: RadioMap, max_values: int = MAX_VALUES
) -> tuple[dict[str, Any], list[str]]:
    """Put a radio map into a page.

    Every metric of rtwin.plot becomes one layer for the best of all
    transmitters and, where there are several, one for each.

    Args:
        buffers: Takes the arrays: values in steps, NO_VALUE where there is none.
        radio_map: What `open_radio_map` returns.
        max_values: Most values of all layers together.
    Returns:
        What the page says of the map, and remarks on what was left out.
    """
    num_tx = len(radio_map.tx_name)
    choices = [None, *range(num_tx)] if num_tx > 1 else [None]
    metrics = [name for name in map_metrics(radio_map) if name != "serving"]
    factor = _factor(radio_map.path_gain.shape[1:], len(metrics) * len(choices), max_values)
    remarks = []
    if factor > 1:
        size = float(radio_map.attributes["cell_size_m"])
        is_averaged = not radio_map.path_statistics
        what = "cells are averaged into one" if is_averaged else "cells are one, the middle's value"
        remarks.append(
            f"Radio map: {factor} x {factor} {what}, {size:g} m become {factor * size:g} m; "
            "the file has them all."
        )
        radio_map = (coarsened if is_averaged else thinned)(radio_map, factor)
    layers, values = [], []
    for metric in metrics:
        for tx in choices:
            field = map_field(radio_map, metric, tx)
            step, steps = _whole_steps(field.values)
            layers.append(
                {
                    "metric": metric,
                    "tx": tx,
                    "limits": list(field.limits),
                    "title": field.title,
                    "unit": field.unit,
                    "colors": field.colors,
                    "empty": field.empty,
                    "step": step,
                }
            )
            values.append(steps)
    buffers.add("map_values", "i2", np.stack(values))
    buffers.add("map_serving", "i2", radio_map.serving_transmitter)
    z = radio_map.cell_centers_m[..., 2]
    is_flat = bool(np.ptp(z) < FLAT_M) if z.size else True
    if not is_flat:
        buffers.add("map_corner_z", "f4", corner_heights_m(radio_map))
    size = float(radio_map.attributes["cell_size_m"])
    west, _, south, _ = map_extent(radio_map)
    return {
        "layers": layers,
        "low_m": [west, south],
        "cell_size_m": size,
        "shape": list(z.shape),
        "z_m": float(z.flat[0]),
        "is_flat": is_flat,
        "height_m": float(radio_map.attributes["height_m"]),
        "no_value": NO_VALUE,
        "serving_title": map_field(radio_map, "serving").title,
    }, remarks


def _factor(shape: tuple[int, ...], layers: int, max_values: int) -> int:
    """How many cells along x and y become one."""
    factor = 1
    while True:
        sides = [-(-side // factor) for side in shape]
        if sides[0] * sides[1] * layers <= max_values and max(sides) <= MAX_SIDE:
            return factor
        factor += 1


def _whole_steps(values: Floats) -> tuple[float, NDArray[np.int16]]:
    """Values as whole numbers of a step, and the step."""
    reached = np.isfinite(values)
    shown = np.where(reached, values, 0.0)
    step = max(STEP, float(np.abs(shown).max(initial=0.0)) / LARGEST)
    steps = np.clip(np.round(shown / step), -LARGEST, LARGEST)
    return step, np.where(reached, steps, NO_VALUE).astype(np.int16)


def thinned(radio_map: RadioMap, factor: int) -> RadioMap:
    """The radio map with the middle one of factor x factor cells instead of them all.

    What maps from paths hold belongs to the middle of a cell, and angles have
    no mean that could be taken again.
    """
    num_y, num_x = radio_map.path_gain.shape[1:]
    rows, columns = (
        np.minimum(np.arange(factor // 2, n + factor // 2, factor), n - 1) for n in (num_y, num_x)
    )

    def chosen(values: NDArray[Any]) -> NDArray[Any]:
        return values[..., rows[:, None], columns]

    size = float(radio_map.attributes["cell_size_m"])
    return dataclasses.replace(
        radio_map,
        path_gain=chosen(radio_map.path_gain),
        path_gain_standard_error=chosen(radio_map.path_gain_standard_error),
        rss_dbm=chosen(radio_map.rss_dbm),
        sinr=chosen(radio_map.sinr),
        serving_transmitter=chosen(radio_map.serving_transmitter),
        cell_centers_m=_centers(radio_map, factor, chosen(radio_map.cell_centers_m[..., 2])),
        path_statistics={name: chosen(v) for name, v in radio_map.path_statistics.items()},
        attributes={**radio_map.attributes, "cell_size_m": factor * size},
    )


def _centers(radio_map: RadioMap, factor: int, z: Floats) -> Floats:
    """Centres of larger cells that start in the same corner."""
    west, _, south, _ = map_extent(radio_map)
    size = factor * float(radio_map.attributes["cell_size_m"])
    num_y, num_x = z.shape
    x, y = np.meshgrid(
        west + size * (np.arange(num_x) + 0.5), south + size * (np.arange(num_y) + 0.5)
    )
    return np.stack([x, y, z], axis=-1)


def coarsened(radio_map: RadioMap, factor: int) -> RadioMap:
    """The radio map with blocks of factor x factor cells averaged into one.

    Path gain is averaged as it is, linear; what follows from it is computed
    again. The last row and column average what is there.

    Args:
        radio_map: What `open_radio_map` returns.
        factor: Cells along x and y that become one, 1 or more.
    Returns:
        A smaller radio map.
    Source: a cell's value is its average; checked by tests/view/test_maps.py.
    """
    num_y, num_x = radio_map.path_gain.shape[1:]
    rows, columns = np.arange(0, num_y, factor), np.arange(0, num_x, factor)
    cells = np.outer(
        np.diff(np.r_[rows, num_y]), np.diff(np.r_[columns, num_x])
    )  # that make up each new one

    def total(values: NDArray[Any]) -> Floats:
        summed = np.add.reduceat(np.asarray(values, np.float64), rows, axis=-2)
        return np.add.reduceat(summed, columns, axis=-1)

    gain = total(radio_map.path_gain) / cells
    error = np.sqrt(total(radio_map.path_gain_standard_error**2)) / cells
    size = factor * float(radio_map.attributes["cell_size_m"])
    z = total(radio_map.cell_centers_m[..., 2]) / cells
    power, noise = radio_map.tx_power_dbm, float(radio_map.attributes["noise_power_w"])
    return dataclasses.replace(
        radio_map,
        cell_centers_m=_centers(radio_map, factor, z),
        path_gain=gain,
        path_gain_standard_error=error,
        rss_dbm=rss_dbm(gain, power).astype(np.float32),
        sinr=sinr(gain, power, noise),
        serving_transmitter=serving_transmitter(gain, power),
        attributes={**radio_map.attributes, "cell_size_m": size},
    )
