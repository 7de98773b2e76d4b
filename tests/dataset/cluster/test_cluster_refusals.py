"""What users get wrong about clusters is said before the work begins."""

import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from rtwin.dataset import generate
from rtwin.dataset.cluster import check_cluster
from rtwin.dataset.cluster.door import connected
from rtwin.errors import EngineError, MissingExtraError, OutOfRangeError


def test_without_the_extra(two_boxes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rtwin\[ray\]'"):
        generate(two_boxes(), tmp_path / "x.h5", ray="auto")
    assert not list(tmp_path.iterdir())


def test_cluster_and_processes_are_one_too_many(two_boxes, tmp_path):
    with pytest.raises(OutOfRangeError, match="give one of them"):
        generate(two_boxes(), tmp_path / "x.h5", ray="auto", workers=1)


@pytest.mark.parametrize(
    "address", ["", "head", "ray://head:10001", "head:port", "head:0", "head:70000", "127.0.0.1:1"]
)
def test_address_of_no_cluster(monkeypatch, address):
    fake = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setattr("rtwin.dataset.cluster.door.require_ray", lambda: fake)
    with pytest.raises(EngineError, match="HOST:PORT") as caught, connected(address):
        raise AssertionError
    assert repr(address) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_address_of_something_else(monkeypatch, says):
    """Such as the dashboard of a cluster."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with server.accept()[0] as line:
                line.recv(100)
                line.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(EngineError, match="is no head of a Ray cluster"):
            check_cluster(address)
        thread.join()


def test_address_is_checked_before_the_work(two_boxes, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    monkeypatch.setattr("rtwin.trace.world.world.load_parts", None)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1"):
        generate(two_boxes(), tmp_path / "x.h5", ray="127.0.0.1:1")
    assert not list(tmp_path.iterdir())


def test_address_of_the_environment_counts_for_auto(monkeypatch):
    fake = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setattr("rtwin.dataset.cluster.door.require_ray", lambda: fake)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1"), connected("auto"):
        raise AssertionError


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(111, "Connection refused"), "Connection refused"), (TimeoutError("late"), "late")],
)
def test_why_nothing_answers_is_said(monkeypatch, error, reason):
    def refuse(*_, **__):
        raise error

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(EngineError) as caught:
        check_cluster("head:6379")
    assert f"no Ray cluster at 'head:6379' ({reason}); " in str(caught.value)
