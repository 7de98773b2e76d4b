"""ns-3's nodes as devices of a twin, and the channels between them at a time.

A node is the device that stands where the node begins: a transmitter, a receiver that stands, or
one that moves along the times of the twin. What the twin does not hold, between two transmitters
or two receivers, has a loss beyond hearing.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Complexes, Floats, Ints
from rtwin.channel import cfr
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

NO_PATH_DB = 300.0
FOREVER_NS = 10**18
P2P, LOOKAHEAD = 1, 3  # of ns3sionna's modes; 2 asks for all receivers of a transmitter
MAX_SUBCARRIERS = 2**16
MAX_NODES = 10_000


@dataclass(frozen=True)
class Device:
    """A device of the twin: a transmitter's row, or rows of a receiver with their times [ns]."""

    tx: int | None
    rx: Ints
    time_ns: Ints
    position_m: Floats  # [time, 3]

    def row(self, time_ns: int) -> int:
        """Which of its places it has at a time; the first before its time begins."""
        return max(0, int(np.searchsorted(self.time_ns, time_ns, side="right")) - 1)

    def until_ns(self, row: int) -> int:
        """When it leaves a place."""
        last = row + 1 >= len(self.time_ns)
        return FOREVER_NS if last else int(self.time_ns[row + 1]) - 1


class StoredChannels:
    """Answers of a twin to requests of a simulation.

    Args:
        view: Links of a dataset with one port at each end.
        init: What the simulation said of itself.
        within_m: How far a node may be from its device [m].
    Raises:
        OutOfRangeError: if the carrier is another one, or a node is at no device.
    Checked by tests/export/serving/test_channels.py.
    """

    def __init__(self, view: PathView, init: dict[str, Any], within_m: float) -> None:
        asked_hz = init.get("frequency", 0) * 1e6
        if abs(asked_hz - view.frequency_hz) > max(init.get("channel_bw", 0) * 1e6, 1e6) / 2:
            raise OutOfRangeError(
                f"the simulation asks for {asked_hz / 1e6:g} MHz, the twin is one of "
                f"{view.frequency_hz / 1e6:g} MHz; configure the one or generate the other"
            )
        size, spacing = init.get("fft_size", 0), init.get("subcarrier_spacing", 0)
        if not (1 <= size <= MAX_SUBCARRIERS and spacing > 0):
            raise OutOfRangeError(
                f"fft_size is {size} and subcarrier_spacing {spacing} Hz; they must be 1 to "
                f"{MAX_SUBCARRIERS} and above 0"
            )
        nodes = init.get("nodes", [])
        if not 1 <= len(nodes) <= MAX_NODES:
            raise OutOfRangeError(f"there are {len(nodes)} nodes; there must be 1 to {MAX_NODES}")
        self._view = view
        self._frequencies: Ints = (np.arange(size) - size // 2) * spacing
        self._mode, self._sub_mode = init.get("mode", -1), init.get("sub_mode", -1)
        devices = devices_of(view)
        self._node = {
            node.get("id", 0): devices[_nearest(node, devices, within_m)] for node in nodes
        }

    @property
    def nodes(self) -> dict[int, Device]:
        """The device of every node."""
        return self._node

    def response(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            OutOfRangeError: if it names a node that there is not.
        """
        sender, receiver = request.get("tx_node", 0), request.get("rx_node", 0)
        for node in (sender, receiver):
            if node not in self._node:
                raise OutOfRangeError(f"node {node} was not told of when the simulation began")
        if sender == receiver:
            raise OutOfRangeError(f"node {sender} asks for the channel to itself")
        time_ns = int(request.get("time", 0))
        others = [receiver]
        if self._mode != P2P:
            others += [n for n in self._node if n != receiver and self._is_held(sender, n)]
        ahead = max(1, self._sub_mode // len(others)) if self._mode == LOOKAHEAD else 1
        states = []
        for _ in range(ahead):
            states.append(self._state(sender, others, time_ns))
            time_ns = states[-1]["end_time"] + 1
            if time_ns > FOREVER_NS:
                break
        return {"csi": states}

    def _is_held(self, a: int, b: int) -> bool:
        """Whether the twin holds the link of two nodes, in either direction."""
        return (self._node[a].tx is None) != (self._node[b].tx is None)

    def _state(self, sender: int, others: list[int], time_ns: int) -> dict[str, Any]:
        own = self._node[sender]
        own_row = own.row(time_ns)
        found, ends = [], [own.until_ns(own_row)]
        for node in others:
            device = self._node[node]
            row = device.row(time_ns)
            place, other = own.position_m[own_row], device.position_m[row]
            delay_ns, loss_db, csi = self._channel(own, own_row, device, row)
            if delay_ns is None:
                delay_ns = round(float(np.linalg.norm(place - other)) / SPEED_OF_LIGHT_M_S * 1e9)
            ends.append(device.until_ns(row))
            found.append(
                {
                    "id": node,
                    "position": _vector(other),
                    "delay": delay_ns,
                    "wb_loss": loss_db,
                    "frequencies": self._frequencies.tolist(),
                    "csi_real": csi.real.tolist(),
                    "csi_imag": csi.imag.tolist(),
                    "end_time2": min(ends[0], ends[-1]),
                }
            )
        return {
            "start_time": time_ns,
            "end_time": max(min(ends), time_ns),
            "tx_node": {"id": sender, "position": _vector(own.position_m[own_row])},
            "rx_nodes": found,
        }

    def _channel(
        self, a: Device, a_row: int, b: Device, b_row: int
    ) -> tuple[int | None, float, Complexes]:
        """Delay of the first path [ns], loss over the band [dB], and the response without it."""
        flat = np.ones(len(self._frequencies), complex)
        if (a.tx is None) == (b.tx is None):
            return None, NO_PATH_DB, flat
        tx, rx = (a.tx, b.rx[b_row]) if a.tx is not None else (b.tx, a.rx[a_row])
        assert tx is not None
        one = replace(self._view, rx=np.array([rx]))
        block = next(one.blocks())
        paths = block.paths.select([tx])
        if paths.num_paths[0] == 0:
            return None, NO_PATH_DB, flat
        response = cfr(paths, self._frequencies, normalize_delays=True)[0, 0, 0, 0]
        power = float(np.square(np.abs(response)).mean())
        if power <= 0:
            return None, NO_PATH_DB, flat
        delay_ns = round(float(paths.delay_s.min()) * 1e9)
        return delay_ns, float(-to_db(power)), response / np.sqrt(power)


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


def _nearest(node: dict[str, Any], devices: list[Device], within_m: float) -> int:
    """The device at whose first place a node begins."""
    model = node.get("constant_position_model") or node.get("random_walk_model") or {}
    told = model.get("position", {})
    place = np.array([told.get(axis, 0.0) for axis in "xyz"])
    away = [float(np.linalg.norm(device.position_m[0] - place)) for device in devices]
    best = int(np.argmin(away))
    # Written so that a place that is no number is refused.
    if not away[best] <= within_m:
        shown = ", ".join(f"{value:.2f}" for value in place)
        raise OutOfRangeError(
            f"node {node.get('id', 0)} begins at ({shown}) m, the nearest device of the twin is "
            f"{away[best]:.2f} m away; put it there, generate the twin for it, or allow more than "
            f"{within_m:g} m"
        )
    if "random_walk_model" in node and len(devices[best].time_ns) < 2:
        raise OutOfRangeError(
            f"node {node.get('id', 0)} walks at random, and the twin holds one place of it; give "
            "it a constant position, or a twin with a trajectory, which it then follows"
        )
    return best


def _vector(place: Floats) -> dict[str, float]:
    return dict(zip("xyz", map(float, place), strict=True))
