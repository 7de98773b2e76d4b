"""A socket that answers ns3sionna's requests, one simulation after another."""

from collections.abc import Callable
from typing import Any

from rtwin.errors import OutOfRangeError
from rtwin.export.serving.channels import StoredChannels, Twin
from rtwin.export.serving.messages import MAX_BYTES, decode, encode
from rtwin.extras import needs

with needs("serve needs pyzmq", "'rtwin[serve]'"):
    import zmq

Say = Callable[[str], None]


def serve_twin(twin: Twin, address: str, within_m: float, once: bool, say: Say) -> int:
    """Answer until interrupted, or until the first simulation has ended.

    Args:
        twin: What answers are made from.
        address: Where to listen, such as tcp://127.0.0.1:5555.
        within_m: How far a node may be from its device [m].
        once: Whether to end with the first simulation.
        say: Told what happens, in a line each.
    Returns:
        How many requests for channels were answered.
    Raises:
        OutOfRangeError: if nobody can listen there.
    """
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.setsockopt(zmq.LINGER, 1000)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            raise OutOfRangeError(
                f"address is {address!r}: {error.strerror}; take such as tcp://127.0.0.1:5555"
            ) from error
        say(f"listening at {address}")
        session = Session(twin, within_m, say)
        while True:
            socket.send(session.reply(socket.recv()))
            if once and session.is_over:
                return session.answered


class Session:
    """Replies to the messages of a simulation, one by one."""

    def __init__(self, twin: Twin, within_m: float, say: Say) -> None:
        self._twin, self._within_m, self._say = twin, within_m, say
        self._channels: StoredChannels | None = None
        self.answered, self.is_over = 0, False

    def reply(self, data: bytes) -> bytes:
        """The reply to a message; what is impossible is refused in words."""
        try:
            return encode(self._reply(decode(data)))
        except OutOfRangeError as error:
            self._say(f"refused: {error}")
            return encode({"sim_ack": {"no_error": False, "error_msg": str(error)}})

    def _reply(self, message: dict[str, Any]) -> dict[str, Any]:
        if "sim_init_msg" in message:
            self._channels, self.is_over = None, False
            told = message["sim_init_msg"]
            self._channels = StoredChannels(self._twin, told, self._within_m)
            self._say(f"a simulation of {len(self._channels.nodes)} nodes begins")
            return {"sim_ack": {"no_error": True, "error_msg": "OK"}}
        if "channel_state_request" in message:
            if self._channels is None:
                raise OutOfRangeError("a channel is asked for before the simulation began")
            response = self._channels.response(message["channel_state_request"])
            self.answered += 1
            return {"channel_state_response": response}
        if "sim_close_request" in message:
            self._channels, self.is_over = None, True
            self._say(f"the simulation ends; {self.answered} requests were answered")
            return {"sim_ack": {"no_error": True, "error_msg": "OK"}}
        raise OutOfRangeError("what came asks for nothing that ns3sionna asks for")
