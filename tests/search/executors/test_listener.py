"""The listener admits workers that have its key, and reads nothing of others."""

import os
import pickle
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from search.executors.listener import Listener, call_driver, new_key


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener("127.0.0.1", lambda: None)
    yield listener
    listener.close()


def next_arrival(listener: Listener) -> tuple[bytes, Connection]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for arrival in listener.arrivals():
            return arrival
        time.sleep(0.01)
    raise AssertionError("nobody has arrived")


def test_who_shows_no_key_is_not_read(listener: Listener, tmp_path: Path) -> None:
    right, wrong = new_key(), new_key()
    listener.expect(right)
    with socket.create_connection(listener.address, timeout=5) as caller:
        caller.sendall(pickle.dumps(Trap(tmp_path / "sprung")) * 3)
        with suppress(ConnectionResetError):
            assert caller.recv(1) == b""  # hung up
    with suppress(ConnectionError):
        call_driver(listener.address, wrong).send(Trap(tmp_path / "sprung"))
    call_driver(listener.address, right).send("hello")
    key, arrived = next_arrival(listener)
    assert (key, arrived.recv()) == (right, "hello")
    assert list(listener.arrivals()) == []
    assert not (tmp_path / "sprung").exists()


def test_a_key_that_is_forgotten_opens_nothing(listener: Listener) -> None:
    key = new_key()
    listener.expect(key)
    listener.forget(key)
    with pytest.raises((EOFError, ConnectionError)):
        call_driver(listener.address, key).recv()


def test_half_a_message_holds_nobody_up(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.executors.listener.MESSAGE_SECONDS", 1)
    key = new_key()
    listener.expect(key)
    worker = call_driver(listener.address, key)
    _, arrived = next_arrival(listener)
    os.write(worker.fileno(), b"\x00\x00\x00\x40half")  # of 64 bytes
    with pytest.raises(BlockingIOError):
        arrived.recv()


def test_a_closed_listener_accepts_nobody() -> None:
    listener = Listener("127.0.0.1", lambda: None)
    listener.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(listener.address)
