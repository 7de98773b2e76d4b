"""Links as TFRecord examples, for tf.data: written without TensorFlow.

One record per link. Coefficients are baseband, b = a exp(-j 2 pi f tau): single
precision keeps a delay, but not the carrier phase that belongs to it.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import cir
from rtwin.export.learning.crc import masked_crc32c
from rtwin.export.record import PathView
from rtwin.export.registry import Report
from rtwin.progress import Progress

FEATURES = (
    ("tx", "int64", "row of the transmitter in the twin"),
    ("rx", "int64", "row of the receiver in the twin"),
    ("time_s", "float", "time of the receiver [s]; NaN where it stands"),
    ("tx_position_m", "float", "x, y, z [m]"),
    ("rx_position_m", "float", "x, y, z [m]"),
    ("num_paths", "int64", "number of paths"),
    ("ports", "int64", "receive and transmit ports of a path"),
    ("path_gain", "float", "powers of the paths, linear, [path]"),
    ("b_real", "float", "baseband coefficients, real part, [path, rx port, tx port]"),
    ("b_imag", "float", "their imaginary part"),
    ("delay_s", "float", "absolute delays [s], [path]"),
    ("aod_azimuth", "float", "[rad], [path]"),
    ("aod_zenith", "float", "[rad], [path]"),
    ("aoa_azimuth", "float", "[rad], [path]"),
    ("aoa_zenith", "float", "[rad], [path]"),
    ("doppler_hz", "float", "[Hz], [path]"),
    ("interactions", "int64", "codes of docs/conventions.md, [path, depth]"),
)


def write_tfrecord(view: PathView, target: Path, progress: Progress) -> Report:
    """Write one example per link, receivers in order, transmitters inside."""
    tx_m, rx_m = view.of_tx("tx_position_m"), view.of_rx("rx_position_m")
    time_s = view.of_rx("rx_time_s")
    with open(target, "wb") as file:
        for block in view.blocks():
            paths = block.paths
            b = cir(paths)[..., 0]
            per_path: dict[str, NDArray[Any]] = {
                "path_gain": paths.power,
                "b_real": b.real,
                "b_imag": b.imag,
                "interactions": paths.interactions,
                **{
                    name: getattr(paths, name)
                    for name, _, _ in FEATURES
                    if name.startswith("ao") or name in ("delay_s", "doppler_hz")
                },
            }
            for link in range(paths.num_links):
                row, tx = divmod(link, view.num_tx)
                rx = block.rx.start + row
                mine = slice(int(paths.offsets[link]), int(paths.offsets[link + 1]))
                values = {
                    "tx": view.tx[[tx]],
                    "rx": view.rx[[rx]],
                    "time_s": time_s[[rx]],
                    "tx_position_m": tx_m[tx],
                    "rx_position_m": rx_m[rx],
                    "num_paths": paths.num_paths[[link]],
                    "ports": np.array(b.shape[1:]),
                    **{name: array[mine].ravel() for name, array in per_path.items()},
                }
                _write_record(file, _example(values))
            progress("export", block.rx.stop, view.num_rx)
    return {"records": view.num_links}


def _write_record(file: Any, data: bytes) -> None:
    length = struct.pack("<Q", len(data))
    file.write(length + struct.pack("<I", masked_crc32c(length)))
    file.write(data + struct.pack("<I", masked_crc32c(data)))


def _example(values: dict[str, NDArray[Any]]) -> bytes:
    """tf.train.Example: features (1) is a map (1) of names (1) to float (2) or int64 (3) lists."""
    entries = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, _list(values[name], kind)))
        for name, kind, _ in FEATURES
    )
    return _field(1, entries)


def _list(values: NDArray[Any], kind: str) -> bytes:
    if kind == "float":
        return _field(2, _field(1, values.astype("<f4").tobytes()))
    return _field(3, _field(1, b"".join(_varint(int(value)) for value in values)))


def _field(number: int, data: bytes) -> bytes:
    """A protocol buffer field of bytes."""
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
