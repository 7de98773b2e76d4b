"""ns-3's nodes as devices of a twin, and the channels between them at a time.

What the twin does not hold, between two transmitters or two receivers, has a loss beyond hearing.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from rtwin.arrays import Complexes, Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.units import SPEED_OF_LIGHT_M_S

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


class Link(NamedTuple):
    """A channel: delay [ns], if known, loss over the band [dB], response of mean power 1."""

    delay_ns: int | None
    loss_db: float
    response: Complexes


class Twin(Protocol):
    """What answers are made from."""

    @property
    def frequency_hz(self) -> float:
        """The carrier [Hz]."""

    def device(self, number: int, place: Floats, walks: bool, within_m: float) -> Device:
        """The device that a node is, which begins at a place [m].

        Raises:
            OutOfRangeError: if it is none, or moves as the twin does not know.
        """

    def link(self, tx: int, rx: int, frequencies_hz: Ints) -> Link | None:
        """The channel from a transmitter to a row of receivers; None where nothing arrives."""


class StoredChannels:
    """Answers of a twin to requests of a simulation.

    Args:
        twin: What they are made from.
        init: What the simulation said of itself.
        within_m: How far a node may be from its device [m].
    Raises:
        OutOfRangeError: if the carrier is another one, or a node is at no device.
    Checked by tests/export/serving/test_channels.py.
    """

    def __init__(self, twin: Twin, init: dict[str, Any], within_m: float) -> None:
        asked_hz = init.get("frequency", 0) * 1e6
        if abs(asked_hz - twin.frequency_hz) > max(init.get("channel_bw", 0) * 1e6, 1e6) / 2:
            raise OutOfRangeError(
                f"the simulation asks for {asked_hz / 1e6:g} MHz, the twin is one of "
                f"{twin.frequency_hz / 1e6:g} MHz; configure the one or generate the other"
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
        self._twin = twin
        self._frequencies: Ints = (np.arange(size) - size // 2) * spacing
        self._mode, self._sub_mode = init.get("mode", -1), init.get("sub_mode", -1)
        self._node = {node.get("id", 0): _device(twin, node, within_m) for node in nodes}

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
            delay_ns, loss_db, csi = self._link(own, own_row, device, row)
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

    def _link(self, a: Device, a_row: int, b: Device, b_row: int) -> Link:
        found = None
        if (a.tx is None) != (b.tx is None):
            tx, rx = (a.tx, b.rx[b_row]) if a.tx is not None else (b.tx, a.rx[a_row])
            assert tx is not None
            found = self._twin.link(tx, int(rx), self._frequencies)
        return found or Link(None, NO_PATH_DB, np.ones(len(self._frequencies), complex))


def _device(twin: Twin, node: dict[str, Any], within_m: float) -> Device:
    model = node.get("constant_position_model") or node.get("random_walk_model") or {}
    told = model.get("position", {})
    place = np.array([told.get(axis, 0.0) for axis in "xyz"])
    return twin.device(node.get("id", 0), place, "random_walk_model" in node, within_m)


def shown(place: Floats) -> str:
    """A place in words."""
    return "(" + ", ".join(f"{value:.2f}" for value in place) + ") m"


def _vector(place: Floats) -> dict[str, float]:
    return dict(zip("xyz", map(float, place), strict=True))
