"""Connect workers on other machines with their driver: a listener that admits who has a key.

What is on the wire is what is in the pipes of one machine: pickled messages.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue

__all__ = ["Listener", "call_driver", "new_key"]

KEY_BYTES = 32
KEY_SECONDS = 10.0  # that a caller may take to show its key
MESSAGE_SECONDS = 5  # that a message may take
ACCEPT_SECONDS = 0.1  # after a call that could not be accepted
SILENT_SECONDS = 40  # after which a connection whose other end does not answer is broken


def new_key() -> bytes:
    """Return a key that only who gets it from us can know."""
    return secrets.token_bytes(KEY_BYTES)


def call_driver(address: tuple[str, int], key: bytes) -> Connection:
    """Return a worker's connection to the driver whose listener is at an address and expects the key."""
    with socket.create_connection(address, timeout=SILENT_SECONDS) as called:
        connection = _as_connection(called)
    connection.send_bytes(key)
    return connection


class Listener:
    """Accepts the workers' calls, in a thread: each has to show the key that it got through Ray.

    Messages are pickled, so nothing of a caller is read before its key, which is compared as bytes.

    Args:
        host: this machine's address, as the cluster knows it.
        on_arrival: called when a worker has arrived, from the thread.
    """

    def __init__(self, host: str, on_arrival: Callable[[], None]) -> None:
        self._socket = socket.create_server((host, 0), backlog=1024)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._on_arrival = on_arrival
        self._keys: set[bytes] = set()
        self._is_closed = False
        self._arrived: SimpleQueue[tuple[bytes, Connection]] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def expect(self, key: bytes) -> None:
        """Let the worker in that has this key."""
        self._keys.add(key)

    def forget(self, key: bytes) -> None:
        """Let it in no longer."""
        self._keys.discard(key)

    def arrivals(self) -> Iterator[tuple[bytes, Connection]]:
        """Yield the workers that have come in since the last call."""
        with suppress(Empty):
            while True:
                yield self._arrived.get_nowait()

    def close(self) -> None:
        """Accept no more calls."""
        self._is_closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._socket.close()
        for _, connection in self.arrivals():
            connection.close()

    def _listen(self) -> None:
        while not self._is_closed:
            try:
                caller, _ = self._socket.accept()
                threading.Thread(target=self._admit, args=(caller,), daemon=True).start()
            except (OSError, RuntimeError):  # it is closed; or too many files or threads, for the moment
                time.sleep(ACCEPT_SECONDS)

    def _admit(self, caller: socket.socket) -> None:
        with suppress(OSError, EOFError), caller:
            caller.settimeout(KEY_SECONDS)
            frame = _read(caller, 4 + KEY_BYTES)  # as Connection.send_bytes writes it: its length, then the key
            key = next((key for key in list(self._keys) if hmac.compare_digest(key, frame[4:])), None)
            if key is not None:
                for wait_for in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # a half message must not hold the driver up
                    caller.setsockopt(socket.SOL_SOCKET, wait_for, struct.pack("ll", MESSAGE_SECONDS, 0))
                self._arrived.put((key, _as_connection(caller)))
                self._on_arrival()


def _read(caller: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = caller.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _as_connection(connected: socket.socket) -> Connection:
    """Return a connection of its own from a socket, which breaks when the other end's machine is gone."""
    connected.settimeout(None)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    waits = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": SILENT_SECONDS * 1000}
    for name, value in waits.items():
        if hasattr(socket, name):  # not on every system
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return Connection(connected.detach())
