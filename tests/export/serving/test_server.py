"""A simulation over the socket, as ns3sionna's client leads it."""

import threading

import pytest

from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import serve, served_devices
from rtwin.export.serving import decode, encode

from .test_channels import init, node

zmq = pytest.importorskip("zmq")


def test_a_simulation_from_its_beginning_to_its_end(standing, tmp_path):
    with open_dataset(standing) as dataset:
        places = [dataset.read("tx_position_m")[0], dataset.read("rx_position_m")[0]]
    address, said, answered = f"ipc://{tmp_path}/socket", [], []
    server = threading.Thread(
        target=lambda: answered.append(serve(standing, address, once=True, say=said.append)),
        daemon=True,
    )
    server.start()
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.RCVTIMEO, 20_000)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(address)

        def ask(message):
            socket.send(message if isinstance(message, bytes) else encode(message))
            return decode(socket.recv())

        early = ask({"channel_state_request": {"tx_node": 0, "rx_node": 1, "time": 0}})
        assert "before the simulation began" in early["sim_ack"]["error_msg"]
        assert "no message" in ask(b"\xff\xff")["sim_ack"]["error_msg"]
        assert "asks for nothing" in ask(b"")["sim_ack"]["error_msg"]
        nodes = [node(n, place) for n, place in enumerate(places)]
        wrong = ask({"sim_init_msg": init(nodes, frequency=5210)})["sim_ack"]
        assert not wrong["no_error"]
        assert "5210 MHz" in wrong["error_msg"]
        assert ask({"sim_init_msg": init(nodes)})["sim_ack"]["no_error"]
        state = ask({"channel_state_request": {"tx_node": 0, "rx_node": 1, "time": 7}})
        found = state["channel_state_response"]["csi"][0]["rx_nodes"][0]
        assert 40 < found["wb_loss"] < 150
        assert len(found["csi_real"]) == len(found["csi_imag"]) == 64
        assert ask({"sim_close_request": {}})["sim_ack"]["no_error"]
    server.join(20)
    assert answered == [1]
    assert said[0] == f"listening at {address}"
    assert any("2 nodes" in line for line in said)
    assert "1 requests were answered" in said[-1]


def test_where_nodes_may_begin(standing, moving):
    with open_dataset(standing) as dataset:
        names, places = dataset.read("tx_name"), dataset.read("rx_position_m")
    found = served_devices(standing)
    assert [one["device"] for one in found] == [*names, *(f"rx {n}" for n in range(len(places)))]
    assert found[-1]["position_m"] == pytest.approx(list(places[-1]))
    assert [one["places"] for one in served_devices(moving)] == [1, 1, 4]


def test_impossible_places(standing, dual):
    with pytest.raises(OutOfRangeError, match="address is 'nowhere'"):
        serve(standing, "nowhere")
    with pytest.raises(OutOfRangeError, match="within_m is -1"):
        serve(standing, within_m=-1)
    with pytest.raises(OutOfRangeError, match="holds one; choose it"):
        serve(dual)
