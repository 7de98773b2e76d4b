"""Answers from a radio map: the power that transmitters bring to any place of it.

A node near a transmitter is it, any other a receiver somewhere on the map. A map knows no delays
and no phases: the delay is that of the straight way, the response is flat.
"""

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.export.serving.channels import Device, Link, shown
from rtwin.units import to_db


class MapCells:
    """A radio map that is asked for places on it.

    Args:
        radio_map: The map; between the centres of its cells it is interpolated.
    Checked by tests/export/serving/test_map_cells.py.
    """

    def __init__(self, radio_map: RadioMap) -> None:
        self._map = radio_map
        self._gain: list[Floats] = []  # of each receiver, [tx]

    @property
    def frequency_hz(self) -> float:
        """The carrier [Hz]."""
        return float(self._map.attributes["frequency_hz"])

    def device(self, number: int, place: Floats, walks: bool, within_m: float) -> Device:
        """The transmitter near a place, else a receiver there."""
        still = np.zeros(1, np.int64)
        away = np.linalg.norm(self._map.tx_position_m - place, axis=1)
        if away.min() <= within_m:
            tx = int(away.argmin())
            return Device(tx, still, still, self._map.tx_position_m[tx][None])
        if walks:
            raise OutOfRangeError(
                f"node {number} walks at random, and a radio map does not know where to; give it "
                "a constant position, or take a dataset with its trajectory"
            )
        centers = self._map.cell_centers_m.reshape(-1, 3)
        # The map may follow the ground.
        height_m = centers[np.square(centers[:, :2] - place[:2]).sum(axis=1).argmin(), 2]
        gain = self._map.path_gain_at(place[None, :2])[0][0]
        # Written so that a place that is no number is refused.
        if not (abs(place[2] - height_m) <= within_m and np.isfinite(gain).all()):
            raise OutOfRangeError(
                f"node {number} begins at {shown(place)}, which is at no transmitter and not on "
                f"the map, {self.extent}; put it there, or trace the map for it"
            )
        self._gain.append(gain)
        return Device(None, np.array([len(self._gain) - 1]), still, place[None])

    @property
    def extent(self) -> str:
        """Where the map is, in words."""
        centers = self._map.cell_centers_m
        half = float(self._map.attributes["cell_size_m"]) / 2
        (x0, y0), (x1, y1) = centers[0, 0, :2] - half, centers[-1, -1, :2] + half
        low, high = centers[..., 2].min(), centers[..., 2].max()
        height = f"{low:g}" if high - low < 0.01 else f"{low:g} to {high:g}"
        return f"x {x0:g} to {x1:g}, y {y0:g} to {y1:g}, z {height} m"

    def link(self, tx: int, rx: int, frequencies_hz: Ints) -> Link | None:
        """The loss alone."""
        gain = float(self._gain[rx][tx])
        if gain <= 0:
            return None
        return Link(None, float(-to_db(gain)), np.ones(len(frequencies_hz), complex))
