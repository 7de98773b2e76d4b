"""The door to Ray: importing it, connecting, keeping it quiet."""

import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from rtwin.errors import EngineError, MissingExtraError

REACH_S = 5.0
_WHERE = "give auto or HOST:PORT of a cluster's head, as `ray start --head` prints it"
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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ImportError as error:
        raise MissingExtraError("clusters need Ray; pip install 'rtwin[ray]'") from error
    return ray


@contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Ray, connected to a cluster for as long as the block lasts.

    A connection that this process already has is used and stays.

    Args:
        address: "auto" for RAY_ADDRESS or a cluster on this machine, else one is
            started here and stopped at the end; or HOST:PORT.
    Raises:
        MissingExtraError: if Ray is not installed.
        EngineError: if there is no cluster at the address.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    if address != "auto":
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
            try:
                ray.init(address=address, **options)
            except ConnectionError:
                if address != "auto":
                    raise
                ray.init(address="local", include_dashboard=False, **options)
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise EngineError(f"no Ray cluster at {address!r} ({reason}); {_WHERE}") from error


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise EngineError(f"the address of a Ray cluster cannot be {address!r}; {_WHERE}")
    try:
        socket.create_connection((host, int(port)), timeout=REACH_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(f"no Ray cluster at {address!r} ({reason}); {_WHERE}") from error


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
        signal.signal(signal.SIGTERM, before)
