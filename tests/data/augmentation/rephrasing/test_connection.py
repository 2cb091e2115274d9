"""Requests end in time, whatever a server on a real socket does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx2
import pytest

from data.augmentation.rephrasing.connection import Connection, NoReplyError

TIMEOUT_S = 0.5
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve connections one after the other with a function of their socket; returns the address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def start(behave: Callable[[socket.socket], None]) -> str:
        def accept() -> None:
            while not done.is_set():
                with suppress(OSError):
                    accepted, _ = server.accept()
                    with accepted:
                        accepted.settimeout(5)
                        behave(accepted)

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"

    yield start
    done.set()
    server.close()


def received(accepted: socket.socket) -> bytes:
    """Return a whole request; empty if the client is gone."""
    request = b""
    while not request.endswith(b"{}"):
        more = accepted.recv(65536)
        if not more:
            return b""
        request += more
    return request


def dripping(first: bytes, byte: bytes) -> Callable[[socket.socket], None]:
    """Send ``first``, then one byte every 50 ms until the client is gone."""

    def drip(accepted: socket.socket) -> None:
        received(accepted)
        accepted.sendall(first)
        for _ in range(200):
            accepted.sendall(byte)
            time.sleep(0.05)

    return drip


def replying(content: bytes) -> Callable[[socket.socket], None]:
    def reply(accepted: socket.socket) -> None:
        while received(accepted):
            accepted.sendall(content)

    return reply


def failure(url: str, timeout_s: float = TIMEOUT_S) -> str:
    connection = Connection(httpx2.Headers(), timeout_s)
    begun = time.monotonic()
    with pytest.raises(NoReplyError) as caught:
        connection.post(url, {})
    assert time.monotonic() - begun < timeout_s + 2
    connection.close()
    return str(caught.value)


@pytest.mark.parametrize(
    ("first", "byte"),
    [
        (b"", b"H"),
        (OK + b"X-Slow: ", b"a"),
        (OK + b"Content-Length: 1000\r\n\r\n", b"b"),
        (OK + b"Connection: close\r\n\r\n", b"c"),  # its end would be the end of the reply
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nd\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_slow_trickle_ends_in_time(serve: Serve, first: bytes, byte: bytes) -> None:
    assert failure(serve(dripping(first, byte))) == "no answer within 0.5 s"


def test_a_kept_connection_is_cut_too(serve: Serve) -> None:
    slow = threading.Event()

    def behave(accepted: socket.socket) -> None:
        while received(accepted):
            for _ in range(200 * slow.is_set()):
                accepted.sendall(b"H")
                time.sleep(0.05)
            accepted.sendall(OK + b"Content-Length: 2\r\n\r\nhi")

    url, connection = serve(behave), Connection(httpx2.Headers(), TIMEOUT_S)
    assert connection.post(url, {})[2] == b"hi"
    slow.set()
    with pytest.raises(NoReplyError, match="no answer within"):
        connection.post(url, {})
    slow.clear()
    assert connection.post(url, {})[2] == b"hi"  # on a new connection
    connection.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"garbage\r\n\r\n", "RemoteProtocolError: "),
        (OK + b"Content-Length: -1\r\n\r\n", "RemoteProtocolError: "),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "DecodingError: "),
        (OK + b"Content-Length: 2000000\r\n\r\n" + bytes(2_000_000), "the reply has more than 1,048,576 bytes"),
    ],
)
def test_replies_that_are_none(serve: Serve, content: bytes, reason: str) -> None:
    assert failure(serve(replying(content)), 5.0).startswith(reason)


def test_a_reply_that_expands(serve: Serve) -> None:
    packed = gzip.compress(bytes(50_000_000))
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    assert failure(serve(replying(head + packed)), 5.0) == "the reply has more than 1,048,576 bytes"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://nowhere.invalid/v1", "http://a..b/v1"])
def test_addresses_where_nobody_answers(url: str) -> None:
    assert failure(url, 5.0)
