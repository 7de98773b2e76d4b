"""Paths over time as ns-3's ray-tracing channels read them: QdFiles and SioLENA.

Both count delays from the transmitter and add the carrier phase themselves, so
the phase that is written is that of `a`. QdFiles hold gains in dB, SioLENA's
hold amplitudes. Angles are degrees, the elevation is the zenith, azimuths run
from 0 to 360. Written from the readers: qd-channel (QdChannelModel) and SioLENA
(TracesChannelModel).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import PathSet
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView, even_step_s, shared_times_s, simulated_times_s
from rtwin.export.registry import Report
from rtwin.progress import Progress
from rtwin.units import to_db

QD_MANY_TRANSMITTERS = (
    "qd-channel for ns-3 3.44 keeps 32 bits of a pair's key and is right for the first "
    "transmitter only; export each into a folder of its own with tx (--tx)"
)
SIOLENA_MAX_PATHS = 255
"""SioLENA counts the paths of a link in one byte and would never get past the last."""

Duration = Annotated[float, "time that a twin that stands lasts"]
Steps = Annotated[int, "channel updates in that time, turned by Doppler"]
Complete = Annotated[bool, "pairs that the twin does not hold as pairs without a path"]


def write_qd(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    duration_s: Duration = 1.0,
    steps: Steps = 1,
    complete: Complete = False,
) -> Report:
    """Write a qd-channel scenario: transmitters are nodes 0, 1, ..., receivers follow."""
    view = view.one_port("QdFiles")
    nodes = _Nodes(view, "QdFiles", duration_s, steps)
    folder = target / "Output" / "Ns3"
    (folder / "NodesPosition").mkdir(parents=True)
    rows = [f"{x:.9g},{y:.9g},{z:.9g}\n" for x, y, z in nodes.first_m]
    (folder / "NodesPosition" / "NodesPosition.csv").write_text("".join(rows), "ascii")
    # The newer reader takes the places from a file of ns-2's mobility helper.
    moves = [
        f"$node_({node}) set {axis}_ {value:.9g}\n"
        for node, place in enumerate(nodes.first_m)
        for axis, value in zip("XYZ", place, strict=True)
    ]
    (folder / "NodesPosition" / "ns3_position.txt").write_text("".join(moves), "ascii")
    report = nodes.write(target, folder / "QdFiles", to_amplitude_db, complete, progress)
    return {**report, "note": QD_MANY_TRANSMITTERS} if view.num_tx > 1 else report


def write_siolena(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    duration_s: Duration = 1.0,
    steps: Steps = 1,
    complete: Complete = False,
) -> Report:
    """Write a SioLENA scenario for 5G-LENA: gNBs are nodes 0, 1, ..., UEs follow."""
    view = view.one_port("SioLENA")
    most = int(view.num_paths.max(initial=0))
    if most > SIOLENA_MAX_PATHS:
        raise OutOfRangeError(
            f"a link has {most} paths, SioLENA reads {SIOLENA_MAX_PATHS}; "
            f"take the strongest with strongest_paths {SIOLENA_MAX_PATHS} or less"
        )
    nodes = _Nodes(view, "SioLENA", duration_s, steps)
    folder = target / "Output" / "Ns3"
    (folder / "NodesPosition").mkdir(parents=True)
    for node, places in enumerate(nodes.places_m):
        rows = [f"{x:.9g},{y:.9g},{z:.9g}\n" for x, y, z in places]
        (folder / "NodesPosition" / f"device{node}.csv").write_text("".join(rows), "ascii")
    return nodes.write(target, folder / "Channel", np.abs, complete, progress)


def to_amplitude_db(a: NDArray[Any]) -> Floats:
    """Magnitude of coefficients in decibel, 20 log10 abs(a)."""
    return 2.0 * to_db(np.abs(a))


class _Nodes:
    """The devices of a twin as the nodes of a scenario, and the links between them."""

    def __init__(self, view: PathView, tool: str, duration_s: float, steps: int) -> None:
        self.view = view
        moving = view.time_s is not None
        self.times_s = shared_times_s(view, tool)
        step = even_step_s(self.times_s, tool)
        if moving:
            simulated_times_s(steps, duration_s, moving)
            self.num_steps = len(self.times_s)
            self.duration_s = duration_s if np.isnan(step) else step * self.num_steps
            self.turns_s = np.zeros(1)  # each time has its own paths
        else:
            self.turns_s = simulated_times_s(steps, duration_s, moving)
            self.num_steps, self.duration_s = steps, duration_s
        rx_m = view.of_rx("rx_position_m")
        self.places_m = [
            *(place[None] for place in view.of_tx("tx_position_m")),
            *(rx_m[track] for track in view.tracks),
        ]
        self.first_m = [places[0] for places in self.places_m]

    def write(
        self, target: Path, folder: Path, gain: Any, complete: bool, progress: Progress
    ) -> Report:
        """Write parameters and links; what was written."""
        view = self.view
        folder.mkdir()
        (target / "Input").mkdir()
        (target / "Input" / "paraCfgCurrent.txt").write_text(
            "ParameterName\tParameterValue\n"
            f"numberOfTimeDivisions\t{self.num_steps}\n"
            f"totalTimeDuration\t{self.duration_s:.12g}\n"
            f"carrierFrequency\t{view.frequency_hz:.12g}\n",
            "ascii",
        )
        device = np.repeat(
            np.arange(len(view.tracks)), [track.stop - track.start for track in view.tracks]
        )
        for block in view.blocks():
            texts: dict[tuple[int, int], list[str]] = {}
            for link in range(block.paths.num_links):
                row, tx = divmod(link, view.num_tx)
                rx = view.num_tx + int(device[block.rx.start + row])
                part = block.paths.select([link])
                for pair, swap in (((tx, rx), False), ((rx, tx), True)):
                    texts.setdefault(pair, []).extend(self._steps(part, gain, swap))
            for (one, other), parts in texts.items():
                with open(folder / self.pair(one, other), "a", encoding="ascii") as file:
                    file.writelines(parts)
            progress("export", block.rx.stop, view.num_rx)
        if complete:
            self._complete(folder)
        return {
            "nodes": f"{view.num_tx} tx, {len(view.tracks)} rx",
            "time": f"{self.num_steps} steps of {self.duration_s / self.num_steps:g} s",
            "link files": sum(1 for _ in folder.iterdir()),
        }

    def _steps(self, paths: PathSet, gain: Any, swap: bool) -> Iterable[str]:
        """The text of one link at each time; `swap` for the way back."""
        a = paths.a[:, 0, 0]
        if not len(a):
            yield "0\n" * len(self.turns_s)
            return
        aod = np.degrees(paths.aod_zenith), np.degrees(paths.aod_azimuth) % 360.0
        aoa = np.degrees(paths.aoa_zenith), np.degrees(paths.aoa_azimuth) % 360.0
        first, last = (aoa, aod) if swap else (aod, aoa)
        fixed = [_line(values) for values in (*first, *last)]
        head = f"{len(a)}\n" + _line(paths.delay_s, 16) + _line(gain(a), 12)
        for time_s in self.turns_s:
            # The Doppler shift turns the phase at the carrier; delays stay.
            phase = np.angle(a * np.exp(2j * np.pi * paths.doppler_hz * time_s))
            yield head + _line(phase, 12) + "".join(fixed)

    def pair(self, one: int, other: int) -> str:
        """Name of a pair's file.

        Readers go through the files by name and keep the first of a pair, from the lower
        node to the higher; without zeros in front Tx10Rx1 would come before Tx1Rx10.
        """
        width = len(str(len(self.places_m) - 1))
        return f"Tx{one:0{width}d}Rx{other:0{width}d}.txt"

    def _complete(self, folder: Path) -> None:
        nodes = range(len(self.places_m))
        for one in nodes:
            for other in nodes:
                file = folder / self.pair(one, other)
                if one != other and not file.exists():
                    file.write_text("0\n" * self.num_steps, "ascii")


def _line(values: NDArray[Any], digits: int = 9) -> str:
    return ",".join(f"{value:.{digits}g}" for value in values.astype(np.float64)) + "\n"
