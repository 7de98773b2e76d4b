"""Readers of other tools' formats, written from the formats' own descriptions.

They share no code with the writers. Channels come back as [link] or [rx, tx]
arrays of frequency responses, built as the tool builds them.
"""

import csv
import json
import re
import struct
from pathlib import Path

import numpy as np


def response(amplitude, phase, delay_s, frequencies_hz):
    """Sum over paths of amplitude exp(j(phase - 2 pi f delay)), [frequency]."""
    turn = phase[:, None] - 2 * np.pi * delay_s[:, None] * frequencies_hz
    return (amplitude[:, None] * np.exp(1j * turn)).sum(axis=0)


def deepmimo(folder, tx, frequencies_hz):
    """Responses of one transmitter [rx, frequency], and its matrices."""
    names = (
        "power",
        "phase",
        "delay",
        "inter",
        "inter_pos",
        "aod_az",
        "aod_el",
        "aoa_az",
        "aoa_el",
        "rx_pos",
        "tx_pos",
        "doppler",
    )
    matrices = {n: np.load(folder / f"{n}_t000_tx{tx:03d}_r001.npz")[n] for n in names}
    h = np.zeros((len(matrices["power"]), len(frequencies_hz)), complex)
    for rx, power in enumerate(matrices["power"]):
        there = ~np.isnan(power)
        h[rx] = response(
            10 ** (power[there].astype(float) / 20),
            np.radians(matrices["phase"][rx, there].astype(float)),
            matrices["delay"][rx, there].astype(float),
            frequencies_hz,
        )
    return h, matrices


def qd_block(lines):
    """One time step of a QdFile: [7, path], delay, gain, phase and four angles."""
    count = int(next(lines))
    if count == 0:
        return np.zeros((7, 0))
    rows = [[float(value) for value in next(lines).split(",")] for _ in range(7)]
    assert all(len(row) == count for row in rows)
    return np.array(rows)


def qd_file(file, num_steps):
    """All time steps of a QdFile; nothing is left over."""
    lines = iter(Path(file).read_text().splitlines())
    steps = [qd_block(lines) for _ in range(num_steps)]
    assert next(lines, None) is None
    return steps


def qd_parameters(folder):
    lines = (folder / "Input" / "paraCfgCurrent.txt").read_text().splitlines()
    assert lines[0] == "ParameterName\tParameterValue"
    return {name: float(value) for name, value in (line.split("\t") for line in lines[1:])}


def qd_response(step, frequencies_hz, carrier_hz, linear):
    """As ns-3 adds the paths: it brings the carrier phase itself."""
    delay, gain, phase = step[:3]
    amplitude = gain if linear else 10 ** (gain / 20)
    return response(amplitude, phase - 2 * np.pi * carrier_hz * delay, delay, frequencies_hz)


def loss_csv(file):
    """Loss [dB] by (time, tx, rx)."""
    with open(file, newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {(float(r["time_s"]), int(r["tx"]), int(r["rx"])): float(r["loss_db"]) for r in rows}


def fading(file, resource_blocks, samples):
    """As ns-3 streams it: numbers in the order of the file, whatever the line breaks."""
    numbers = np.array(re.split(r"\s+", Path(file).read_text().strip()), float)
    return numbers.reshape(resource_blocks, samples)


def cirs_bin(folder):
    """Taps [symbol, 256], norm put back, and the configuration."""
    config = json.loads((folder / "config.json").read_text())["channel_emulation"]
    count = config["num_taps"]
    size = (4 + count * 8 + count * 2 + 3) & ~3
    data = (folder / "cirs.bin").read_bytes()
    assert len(data) == size * config["num_cirs"]
    h = np.zeros((config["num_cirs"], 256), complex)
    for symbol in range(config["num_cirs"]):
        entry = data[symbol * size :]
        (norm,) = struct.unpack_from("<f", entry, 0)
        values = np.frombuffer(entry, "<f4", 2 * count, 4).reshape(count, 2)
        places = np.frombuffer(entry, "<u2", count, 4 + 8 * count)
        assert len(set(places.tolist())) == count
        np.add.at(h[symbol], places, norm * (values[:, 0] + 1j * values[:, 1]))
    return h, config


def tfrecords(file):
    """Every record as a dict of arrays; both checks of each record are recomputed."""
    data, at = Path(file).read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        assert _masked(data[at : at + 8]) == struct.unpack_from("<I", data, at + 8)[0]
        body = data[at + 12 : at + 12 + length]
        assert _masked(body) == struct.unpack_from("<I", data, at + 12 + length)[0]
        at += 16 + length
        yield _example(body)


def _masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        assert key & 7 == 2, "only fields of bytes are in an example"
        length, at = _varint(data, at)
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _example(body):
    ((number, features),) = _fields(body)
    assert number == 1
    found = {}
    for _, entry in _fields(features):
        parts = dict(_fields(entry))
        ((kind, lists),) = _fields(parts[2])
        ((_, packed),) = _fields(lists)
        if kind == 2:
            found[parts[1].decode()] = np.frombuffer(packed, "<f4")
        else:
            values, at = [], 0
            while at < len(packed):
                value, at = _varint(packed, at)
                values.append(value)
            found[parts[1].decode()] = np.array(values)
    return found
