"""Messages against protobuf's own library, and bytes that are none."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.export.serving import decode, encode
from rtwin.export.serving.messages import MESSAGES

INIT = {
    "sim_init_msg": {
        "scene_fname": "münchen.xml",
        "seed": 3,
        "frequency": 3500,
        "channel_bw": 60,
        "fft_size": 192,
        "subcarrier_spacing": 312500,
        "mode": -1,
        "sub_mode": 16,
        "nodes": [
            {"id": 0, "constant_position_model": {"position": {"x": 1.5, "y": -2.0, "z": 0.0}}},
            {"id": 7, "random_walk_model": {"position": {"x": 0.25, "y": 1e9, "z": 3.0}}},
        ],
    }
}
RESPONSE = {
    "channel_state_response": {
        "csi": [
            {
                "start_time": 5,
                "end_time": 10**18,
                "tx_node": {"id": 1, "position": {"x": 1.0, "y": 2.0, "z": 3.0}},
                "rx_nodes": [
                    {
                        "id": 2,
                        "position": {"x": 0.5, "y": 0.5, "z": 0.5},
                        "delay": 333,
                        "wb_loss": 91.25,
                        "frequencies": [-312500, 0, 312500],
                        "csi_real": [0.5, -1.0, 2.0],
                        "csi_imag": [0.0, 0.125, -3.0],
                        "end_time2": 12,
                    }
                ],
            }
        ]
    }
}


@pytest.fixture(scope="module")
def wrapper():
    """Protobuf's class for the same fields, with the types that ns3sionna gives them."""
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    from google.protobuf import descriptor_pool, message_factory

    types = {"double": 1, "string": 9, "bool": 8, "int": 3}
    unsigned = {"id": 13, "delay": 4, "time": 4, "start_time": 4, "end_time": 4, "end_time2": 4}
    signed = {"mode": 5, "sub_mode": 5, "seed": 5, "frequencies": 5}
    file = descriptor_pb2.FileDescriptorProto(name="m.proto", package="t", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in fields.items():
            label = 3 if field.repeated else 1
            one = message.field.add(name=field.name, number=number, label=label)
            if field.kind in MESSAGES:
                one.type, one.type_name = 11, f".t.{field.kind}"
            else:
                wide = unsigned | signed
                one.type = wide.get(field.name, 13) if field.kind == "int" else types[field.kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Wrapper"))


def filled(message, values):
    for name, value in values.items():
        if isinstance(value, dict):
            filled(getattr(message, name), value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                filled(getattr(message, name).add(), one)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    message.SetInParent()
    return message


@pytest.mark.parametrize("values", [INIT, RESPONSE], ids=["init", "response"])
def test_protobuf_reads_what_is_written_and_writes_what_is_read(wrapper, values):
    theirs = filled(wrapper(), values)
    assert wrapper.FromString(encode(values)) == theirs
    without_zeros = decode(theirs.SerializeToString())
    assert wrapper.FromString(encode(without_zeros)) == theirs


@pytest.mark.parametrize(
    "message", [INIT, RESPONSE, {"sim_close_request": {}}, {"sim_ack": {"no_error": True}}]
)
def test_round_trip(message):
    assert decode(encode(message)) == message


def test_fields_of_a_newer_version_are_passed_over():
    extra = b"\xfa\x01\x03abc" + b"\x91\x03" + b"12345678" + b"\xf5\x01abcd"
    assert decode(encode(INIT) + extra) == INIT


@pytest.mark.parametrize(
    "data",
    [b"\x0a\x05ab", b"\x0a\xff\xff\xff\xff\x0f", b"\xff" * 12, b"\x0b\x00", b"\x08\x01", b"\x80"],
)
def test_bytes_that_are_no_message(data):
    with pytest.raises(OutOfRangeError, match="no message of ns3sionna"):
        decode(data)


def test_random_bytes_never_do_more_than_be_refused():
    rng = np.random.default_rng(1)
    whole = encode(RESPONSE)
    for _ in range(300):
        spoiled = bytearray(whole)
        spoiled[rng.integers(len(whole))] = rng.integers(256)
        try:
            decode(bytes(spoiled[: rng.integers(1, len(whole) + 1)]))
        except OutOfRangeError:
            continue
