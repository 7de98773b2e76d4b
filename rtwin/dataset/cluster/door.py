"""The door to Ray: importing it, connecting, keeping it quiet."""

import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, ModuleType
from typing import Any

from rtwin.dataset.shards import KEPT
from rtwin.errors import EngineError
from rtwin.extras import needs

REACH_S = 5.0
_HTTP2_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # RFC 9113: both sides begin with one
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _HTTP2_SETTINGS
_WHERE = "give auto, local or HOST:PORT of a cluster's head, as `ray start --head` prints it"
# Read by Ray when it is imported and when it starts. Its own lines would go to
# stdout, between ours; its usage reports would leave the machine.
_QUIET = {
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def require_ray() -> ModuleType:
    """Import Ray.

    Raises:
        MissingExtraError: if it is not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with needs("clusters need Ray", "'rtwin[ray]'"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
    return ray


def check_cluster(address: str) -> None:
    """Find out early whether a cluster can be used, without connecting to it.

    Args:
        address: As for connected.
    Raises:
        MissingExtraError: if Ray is not installed.
        EngineError: if nobody answers at the address.
    """
    if not require_ray().is_initialized():
        _check_reachable(_resolved(address))


@contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Ray, connected to a cluster for as long as the block lasts.

    A connection that this process already has is used and stays.

    Args:
        address: "auto" for RAY_ADDRESS or a cluster on this machine, else one is
            started here and stopped at the end; "local" to start one; or HOST:PORT.
    Raises:
        MissingExtraError: if Ray is not installed.
        EngineError: if there is no cluster at the address.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    address = _resolved(address)
    _check_reachable(address)
    with _signals_kept():
        try:
            _connect(ray, address)
            yield ray
        finally:
            with suppress(Exception):  # the cluster may be gone
                ray.shutdown()


def _connect(ray: ModuleType, address: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if address != "local":
                try:
                    ray.init(address=address, **options)
                    return
                except ConnectionError:
                    if address != "auto":
                        raise
            ray.init(address="local", include_dashboard=False, **options)
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise EngineError(f"no Ray cluster at {address!r} ({reason}); {_WHERE}") from error


def _resolved(address: str) -> str:
    return os.environ.get("RAY_ADDRESS") or address if address == "auto" else address


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise EngineError(f"the address of a Ray cluster cannot be {address!r}; {_WHERE}")
    try:
        with socket.create_connection((host, int(port)), timeout=REACH_S) as line:
            line.sendall(_HTTP2_HELLO)
            answer = line.recv(len(_HTTP2_SETTINGS))
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(f"no Ray cluster at {address!r} ({reason}); {_WHERE}") from error
    # The head speaks gRPC; its dashboard, on another port, does not.
    if answer[3:4] != _HTTP2_SETTINGS[3:4] and os.environ.get("RAY_USE_TLS", "0") == "0":
        raise EngineError(f"what answers at {address!r} is no head of a Ray cluster; {_WHERE}")


def check_head(ray: ModuleType) -> None:
    """Find out whether the head of the cluster still answers.

    Ray itself would try for a minute and then end the process without a word of ours.

    Raises:
        EngineError: if it does not.
    """
    address = str(ray.get_runtime_context().gcs_address)
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(
            f"the head of the Ray cluster at {address} does not answer any more ({reason}); {KEPT}"
        ) from error


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Set when Ctrl-C came: raised inside Ray's callbacks, KeyboardInterrupt may get lost."""
    came = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield came
        return

    def note(number: int, frame: FrameType | None) -> None:
        came.set()
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself and does not give it back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
