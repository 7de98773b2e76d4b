"""Answers from stored paths.

A node is the device that stands where the node begins: a transmitter, a receiver that stands, or
one that moves along the times of the twin.
"""

from dataclasses import replace

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.channel import cfr
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView
from rtwin.export.serving.channels import Device, Link, shown
from rtwin.units import to_db


class StoredPaths:
    """Links of a dataset.

    Args:
        view: With one port at each end.
    Checked by tests/export/serving/test_channels.py.
    """

    def __init__(self, view: PathView) -> None:
        self._view, self._devices = view, devices_of(view)

    @property
    def frequency_hz(self) -> float:
        """The carrier [Hz]."""
        return self._view.frequency_hz

    def device(self, number: int, place: Floats, walks: bool, within_m: float) -> Device:
        """The device at whose first place a node begins."""
        away = [float(np.linalg.norm(device.position_m[0] - place)) for device in self._devices]
        best = int(np.argmin(away))
        # Written so that a place that is no number is refused.
        if not away[best] <= within_m:
            raise OutOfRangeError(
                f"node {number} begins at {shown(place)}, the nearest device of the twin is "
                f"{away[best]:.2f} m away; put it there, generate the twin for it, or allow more "
                f"than {within_m:g} m"
            )
        found = self._devices[best]
        if walks and len(found.time_ns) < 2:
            raise OutOfRangeError(
                f"node {number} walks at random, and the twin holds one place of it; give it a "
                "constant position, or a twin with a trajectory, which it then follows"
            )
        return found

    def link(self, tx: int, rx: int, frequencies_hz: Ints) -> Link | None:
        """The response of the paths, its delays counted from the first one."""
        block = next(replace(self._view, rx=np.array([rx])).blocks())
        paths = block.paths.select([tx])
        if paths.num_paths[0] == 0:
            return None
        response = cfr(paths, frequencies_hz, normalize_delays=True)[0, 0, 0, 0]
        power = float(np.square(np.abs(response)).mean())
        if power <= 0:
            return None
        delay_ns = round(float(paths.delay_s.min()) * 1e9)
        return Link(delay_ns, float(-to_db(power)), response / np.sqrt(power))


def devices_of(view: PathView) -> list[Device]:
    """The devices of a twin that nodes may be: its transmitters, then its receivers."""
    still = np.zeros(1, np.int64)
    found = [
        Device(row, still, still, place[None])
        for row, place in enumerate(view.of_tx("tx_position_m"))
    ]
    position = view.of_rx("rx_position_m")
    for track in view.tracks:
        time = still if view.time_s is None else np.rint(view.time_s[track] * 1e9).astype(np.int64)
        found.append(Device(None, view.rx[track], time, position[track]))
    return found
