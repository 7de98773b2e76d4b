"""A MATLAB file: the rays of every link by the names of `comm.Ray`, and the channels.

Rays are structs with the properties of MATLAB's `comm.Ray` in the form "Delay and
angles": path loss in dB, angles [azimuth; elevation] in degrees with the elevation
counted from the horizon, and the phase of b = a exp(-j 2 pi f tau) in rad.

Source: MathWorks, comm.Ray and comm.RayTracingChannel (reference pages). Checked by
tests/export/analysis/test_matlab.py.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import PathSet, cfr, cir
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView
from rtwin.export.registry import Report
from rtwin.export.writing import save_mat
from rtwin.progress import Progress
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

MAX_LINKS = 100_000
"""Each link is a MATLAB array of its own, and the file is made in memory."""
MAX_CHANNEL_VALUES = 50_000_000
_WORDS = {1: "Reflection", 2: "Scattering", 4: "Transmission", 8: "Diffraction"}


def write_matlab(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    bandwidth_hz: Annotated[float, "of the channels, around the carrier"] = 20e6,
    subcarriers: Annotated[int, "of the channels; 0 leaves them out"] = 64,
) -> Report:
    """Write rays{rx, tx}, channel, frequencies, positions and powers."""
    if subcarriers < 0 or not bandwidth_hz > 0:
        raise OutOfRangeError(
            f"subcarriers is {subcarriers} and bandwidth_hz is {bandwidth_hz:g}; they must be 0 "
            "or more, and above 0"
        )
    if view.num_links > MAX_LINKS:
        raise OutOfRangeError(
            f"{view.num_links} links are chosen, a MATLAB file takes {MAX_LINKS}; "
            "choose with tx and rx"
        )
    single = view.tx_port is not None or view.rx_port is not None
    rays = np.empty((view.num_rx, view.num_tx), object)
    offsets_hz = (
        (np.arange(subcarriers) - (subcarriers - 1) / 2) * bandwidth_hz / max(subcarriers, 1)
    )
    channels: list[NDArray[np.complex64]] = []
    values = num_rays = 0
    for block in view.blocks():
        arrays = (None, None) if single else view.arrays(block)
        b = cir(block.paths)[..., 0]  # [path, rx port, tx port]
        for link in range(block.paths.num_links):
            row, tx = divmod(link, view.num_tx)
            part = slice(block.paths.offsets[link], block.paths.offsets[link + 1])
            rx = block.rx.start + row
            rays[rx, tx] = _rays(view, block.paths, b, part, tx, rx)
            num_rays += part.stop - part.start
        if subcarriers:
            h = cfr(block.paths, offsets_hz, tx_array=arrays[0], rx_array=arrays[1])[:, :, :, 0]
            values += h.size
            if values > MAX_CHANNEL_VALUES:
                raise OutOfRangeError(
                    f"the channels have more than {MAX_CHANNEL_VALUES} values; choose with tx and "
                    "rx, or take fewer subcarriers"
                )
            channels.append(h.reshape(-1, view.num_tx, *h.shape[1:]).astype(np.complex64))
        progress("export", block.rx.stop, view.num_rx)
    content: dict[str, Any] = {
        "rays": rays,
        "frequency_hz": view.frequency_hz,
        "tx_position_m": view.of_tx("tx_position_m"),
        "tx_orientation_rad": view.of_tx("tx_orientation_rad"),
        "tx_power_dbm": view.of_tx("tx_power_dbm"),
        "tx_name": np.array([str(name) for name in view.of_tx("tx_name")], object),
        "rx_position_m": view.of_rx("rx_position_m"),
        "rx_orientation_rad": view.of_rx("rx_orientation_rad"),
    }
    if channels:
        content["channel"] = np.concatenate(channels)
        content["channel_frequencies_hz"] = view.frequency_hz + offsets_hz
    save_mat(target, content)
    shape = "x".join(str(size) for size in content["channel"].shape) if channels else "none"
    return {"rays": int(num_rays), "channel": shape, "links": view.num_links}


def _rays(
    view: PathView, paths: PathSet, b: NDArray[np.complexfloating], rows: slice, tx: int, rx: int
) -> NDArray[Any]:
    """Struct array of one link, strongest ray first, [1, ray]."""
    order = np.argsort(-paths.power[rows], kind="stable") + rows.start
    amplitude = b[order].reshape(len(order), -1)
    # One polarisation has a phase; of several, the strongest pair stands for the ray.
    pair = np.abs(amplitude).argmax(axis=1)
    strongest = np.take_along_axis(amplitude, pair[:, None], 1)[:, 0]
    fields = (
        "PathSpecification",
        "CoordinateSystem",
        "Frequency",
        "PropagationDelay",
        "PropagationDistance",
        "PathLoss",
        "PhaseShift",
        "AngleOfDeparture",
        "AngleOfArrival",
        "LineOfSight",
        "NumInteractions",
        "Interactions",
        "Coefficient",
        "TransmitterLocation",
        "ReceiverLocation",
    )
    found = np.empty((1, len(order)), [(name, object) for name in fields])
    tx_m = view.of_tx("tx_position_m")[tx][:, None]
    rx_m = view.of_rx("rx_position_m")[rx][:, None]
    for n, path in enumerate(order):
        codes = [int(code) for code in paths.interactions[path] if code]
        words = np.array([_WORDS[code] for code in codes], object)
        found[0, n] = (
            "Delay and angles",
            "Cartesian",
            view.frequency_hz,
            float(paths.delay_s[path]),
            float(paths.delay_s[path]) * SPEED_OF_LIGHT_M_S,
            float(-2 * to_db(np.abs(strongest[n]))),
            float(np.angle(strongest[n])),
            _direction(paths.aod_azimuth[path], paths.aod_zenith[path]),
            _direction(paths.aoa_azimuth[path], paths.aoa_zenith[path]),
            not codes,
            float(len(codes)),
            words,
            b[path],
            tx_m,
            rx_m,
        )
    return found


def _direction(azimuth: float, zenith: float) -> Floats:
    """[azimuth; elevation] in degrees, the elevation from the horizon."""
    return np.array([[np.degrees(azimuth)], [90.0 - np.degrees(zenith)]])
