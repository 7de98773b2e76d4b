"""Reading radio map files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Singles
from rtwin.channel import interpolate_path_gain
from rtwin.dataset.inspection import open_checked, plain
from rtwin.dataset.schema import MAP_FORMAT, PATH_MAP_VARIABLES
from rtwin.shown import Shown
from rtwin.units import to_db


@dataclass(frozen=True, repr=False)
class RadioMap(Shown):
    """A radio map in memory: a twin of the power that transmitters bring to an area."""

    tx_name: tuple[str, ...]
    tx_position_m: Floats  # [tx, 3]
    tx_power_dbm: Floats  # [tx]
    cell_centers_m: Floats  # [cell_y, cell_x, 3]
    path_gain: Floats  # [tx, cell_y, cell_x], linear
    path_gain_standard_error: Floats
    rss_dbm: Singles
    sinr: Floats
    serving_transmitter: NDArray[np.int16]  # [cell_y, cell_x], -1 where none
    attributes: dict[str, Any]
    # Of maps from paths: the variables of schema.PATH_MAP_VARIABLES, [tx, cell_y, cell_x] each.
    path_statistics: dict[str, NDArray[Any]] = field(default_factory=dict)

    def facts(self) -> dict[str, object]:
        """What it is, in a few words each."""
        reached = (self.path_gain > 0).any(axis=0)
        gain = self.path_gain[self.path_gain > 0]
        level = f"{to_db(np.median(gain)):.1f} dB in the middle" if gain.size else "none"
        return {
            "scene": self.attributes.get("scene", ""),
            "transmitters": ", ".join(self.tx_name),
            "cells": f"{reached.shape[1]} x {reached.shape[0]}",
            "cells reached": f"{100 * reached.mean():.0f} %",
            "path gain": level,
        }

    def path_gain_at(self, xy_m: Floats) -> tuple[Floats, Floats]:
        """Path gain between the cells and its standard error at places; see interpolate_path_gain.

        Args:
            xy_m: Places [m], [place, 2].
        """
        centers = self.cell_centers_m
        x, y = centers[0, :, 0], centers[:, 0, 1]
        return interpolate_path_gain(self.path_gain, self.path_gain_standard_error, x, y, xy_m)


def open_radio_map(file: str | Path) -> RadioMap:
    """Read a radio map file.

    Raises:
        StoreError: if the file is missing, broken, of another kind or newer.
    """
    with open_checked(file, MAP_FORMAT) as h5:
        names = (
            "tx_position_m",
            "tx_power_dbm",
            "cell_centers_m",
            "path_gain",
            "path_gain_standard_error",
            "rss_dbm",
            "sinr",
            "serving_transmitter",
        )
        return RadioMap(
            tx_name=tuple(h5["tx_name"].asstr()[...]),
            **{name: h5[name][...] for name in names},
            attributes={name: plain(value) for name, value in h5.attrs.items()},
            path_statistics={v.name: h5[v.name][...] for v in PATH_MAP_VARIABLES if v.name in h5},
        )
