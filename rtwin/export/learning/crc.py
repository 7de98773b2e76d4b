"""CRC-32C (Castagnoli) in NumPy: many stretches of the data at once, then put together.

Source: RFC 3720, appendix B.4; checked by tests/export/learning/test_tfrecord.py.
"""

from functools import cache

import numpy as np

from rtwin.arrays import Unsigned

_POLYNOMIAL = 0x82F63B78  # reflected
_MASK = 0xA282EAD8


def crc32c(data: bytes) -> int:
    """CRC-32C of some bytes."""
    stretch = 1 << max(0, (len(data) - 1).bit_length() // 2)
    lanes = len(data) // stretch
    state = 0xFFFFFFFF
    if lanes > 1:
        table = np.frombuffer(data, np.uint8, lanes * stretch).reshape(lanes, stretch)
        crc = np.zeros(lanes, np.uint32)
        byte_table = _byte_table()
        for column in table.T:
            crc = byte_table[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
        # The CRC of joined data is that of the first, pushed on by zeros, and of the second.
        push = _zeros_table(stretch)
        for part in crc.tolist():
            state = _pushed(push, state) ^ part
    for byte in data[lanes * stretch :] if lanes > 1 else data:
        state = int(_byte_table()[(state ^ byte) & 0xFF]) ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """CRC-32C as TFRecord files hold it: turned and shifted, as a CRC of CRCs is weak."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


@cache
def _byte_table() -> Unsigned:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


@cache
def _zeros_table(count: int) -> tuple[tuple[int, ...], ...]:
    """What `count` zero bytes make of each byte of the state, [4][256]."""
    states = np.arange(256, dtype=np.uint32) << (8 * np.arange(4, dtype=np.uint32))[:, None]
    state = states.ravel()
    for _ in range(count):
        state = _byte_table()[state & 0xFF] ^ (state >> np.uint32(8))
    return tuple(tuple(row) for row in state.reshape(4, 256).tolist())


def _pushed(table: tuple[tuple[int, ...], ...], state: int) -> int:
    return (
        table[0][state & 0xFF]
        ^ table[1][(state >> 8) & 0xFF]
        ^ table[2][(state >> 16) & 0xFF]
        ^ table[3][state >> 24]
    )
