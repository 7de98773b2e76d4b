"""The messages of ns3sionna on the wire: numbered fields, as protobuf 3 packs them.

Written from the wire format (protobuf.dev, Encoding) and from which numbers ns3sionna gives its
fields; so no compiler and no library of protobuf is needed. A message is a dict by name of field;
fields that are not there have no key, repeated ones are lists.
"""

import struct
from typing import Any, NamedTuple

from rtwin.errors import OutOfRangeError

MAX_BYTES = 64 * 2**20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WORD = 1 << 64
_DEEPEST = 16


class Field(NamedTuple):
    """A field: its name, its type (a plain one, or a message's name), and whether it repeats."""

    name: str
    kind: str
    repeated: bool = False


_XYZ = {1: Field("x", "double"), 2: Field("y", "double"), 3: Field("z", "double")}
MESSAGES: dict[str, dict[int, Field]] = {
    "Wrapper": {
        1: Field("sim_init_msg", "SimInit"),
        2: Field("sim_ack", "SimAck"),
        3: Field("channel_state_request", "Request"),
        4: Field("channel_state_response", "Response"),
        5: Field("sim_close_request", "Close"),
    },
    "SimInit": {
        1: Field("scene_fname", "string"),
        2: Field("seed", "int"),
        3: Field("frequency", "int"),  # MHz
        4: Field("channel_bw", "int"),  # MHz
        5: Field("fft_size", "int"),
        6: Field("subcarrier_spacing", "int"),  # Hz
        7: Field("mode", "int"),
        8: Field("sub_mode", "int"),
        9: Field("min_coherence_time_ms", "int"),
        10: Field("time_evo_model", "string"),
        11: Field("nodes", "Node", True),
    },
    "Node": {
        1: Field("id", "int"),
        2: Field("constant_position_model", "Constant"),
        3: Field("random_walk_model", "Walk"),
    },
    "Constant": {1: Field("position", "Vector")},
    "Walk": {1: Field("position", "Vector")},  # how it walks is not asked for
    "Vector": _XYZ,
    "SimAck": {1: Field("no_error", "bool"), 2: Field("error_msg", "string")},
    "Request": {1: Field("tx_node", "int"), 2: Field("rx_node", "int"), 3: Field("time", "int")},
    "Response": {1: Field("csi", "State", True)},
    "State": {
        1: Field("start_time", "int"),  # ns, as all times
        2: Field("end_time", "int"),
        3: Field("tx_node", "Transmitter"),
        4: Field("rx_nodes", "Receiver", True),
    },
    "Transmitter": {1: Field("id", "int"), 2: Field("position", "Vector")},
    "Receiver": {
        1: Field("id", "int"),
        2: Field("position", "Vector"),
        3: Field("delay", "int"),
        4: Field("wb_loss", "double"),  # dB
        5: Field("frequencies", "int", True),  # Hz
        6: Field("csi_real", "double", True),
        7: Field("csi_imag", "double", True),
        8: Field("end_time2", "int"),
    },
    "Close": {},
}


def encode(message: dict[str, Any], kind: str = "Wrapper") -> bytes:
    """A message as bytes."""
    out = bytearray()
    for number, field in MESSAGES[kind].items():
        if field.name not in message:
            continue
        value = message[field.name]
        if field.repeated and field.kind not in MESSAGES:
            body = _packed(field.kind, value)
            out += _varint(number << 3 | _BYTES) + _varint(len(body)) + body
            continue
        for one in value if field.repeated else [value]:
            out += _one(number, field.kind, one)
    return bytes(out)


def _packed(kind: str, values: Any) -> bytes:
    if kind == "double":
        return struct.pack(f"<{len(values)}d", *values)
    return b"".join(_varint(int(value)) for value in values)


def _one(number: int, kind: str, value: Any) -> bytes:
    if kind == "double":
        return _varint(number << 3 | _FIXED64) + struct.pack("<d", value)
    if kind in ("int", "bool"):
        return _varint(number << 3 | _VARINT) + _varint(int(value))
    body = value.encode() if kind == "string" else encode(value, kind)
    return _varint(number << 3 | _BYTES) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    value %= _WORD  # negative numbers count from the top
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(data: bytes, kind: str = "Wrapper") -> dict[str, Any]:
    """A message of bytes.

    Raises:
        OutOfRangeError: if they are none, or too many.
    """
    if len(data) > MAX_BYTES:
        raise OutOfRangeError(f"a message has {len(data)} bytes, at most {MAX_BYTES} are read")
    try:
        return _decoded(memoryview(data), kind, 0)
    except (ValueError, IndexError, struct.error) as error:
        raise OutOfRangeError(f"what came is no message of ns3sionna ({error})") from None


def _decoded(data: memoryview, kind: str, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    found: dict[str, Any] = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        raw: Any
        if wire == _VARINT:
            raw, at = _read_varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            raw, at = _piece(data, at, size)
        elif wire == _BYTES:
            size, at = _read_varint(data, at)
            raw, at = _piece(data, at, size)
        else:
            raise ValueError(f"wire type {wire}")
        field = MESSAGES[kind].get(number)
        if field is None:
            continue  # of a newer version
        values = _values(field, wire, raw, depth)
        if field.repeated:
            found.setdefault(field.name, []).extend(values)
        elif values:
            found[field.name] = values[-1]
    return found


def _values(field: Field, wire: int, raw: Any, depth: int) -> list[Any]:
    if field.kind in MESSAGES:
        _expect(wire, _BYTES, field)
        return [_decoded(raw, field.kind, depth + 1)]
    if field.kind == "string":
        _expect(wire, _BYTES, field)
        return [bytes(raw).decode()]
    if field.kind == "double":
        if wire == _BYTES:
            return [value for (value,) in struct.iter_unpack("<d", raw)]
        _expect(wire, _FIXED64, field)
        return list(struct.unpack("<d", raw))
    if wire == _BYTES:
        numbers, at = [], 0
        while at < len(raw):
            value, at = _read_varint(raw, at)
            numbers.append(_signed(value))
        return numbers
    _expect(wire, _VARINT, field)
    return [bool(raw) if field.kind == "bool" else _signed(raw)]


def _expect(wire: int, wanted: int, field: Field) -> None:
    if wire != wanted:
        raise ValueError(f"{field.name} has wire type {wire}")


def _signed(value: int) -> int:
    return value - _WORD if value >= _WORD // 2 else value


def _piece(data: memoryview, at: int, size: int) -> tuple[memoryview, int]:
    if size > len(data) - at:
        raise ValueError("it is cut off")
    return data[at : at + size], at + size


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value % _WORD, at
    raise ValueError("a number has too many bytes")
