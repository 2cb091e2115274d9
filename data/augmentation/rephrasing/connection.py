"""A connection to an endpoint whose requests end in time, however slowly the endpoint answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import Any

import httpx2

__all__ = ["Connection", "NoReplyError"]

_LARGEST_REPLY = 2**20  # bytes; an answer of one sentence has a few thousand


class NoReplyError(Exception):
    """There is no complete reply; the message says why."""


class Connection:
    """Send one request after the other to one host, from one thread at a time; the connection is kept between them.

    The client's own timeout covers each operation on the socket. Bytes of the headers or the body that arrive one by
    one would keep a request alive for hours, so the connection is cut when the whole request has taken too long.

    Args:
        headers: of every request.
        timeout_s: maximum duration of a request.
    """

    def __init__(self, headers: httpx2.Headers, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client = httpx2.Client(headers=headers, timeout=timeout_s, limits=httpx2.Limits(max_connections=1))
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
        self._keep(None)

    def post(self, url: str, body: Mapping[str, Any]) -> tuple[int, httpx2.Headers, bytes]:
        """Return the status, headers and content of the reply.

        Raises:
            NoReplyError: it did not end in time, is too large, or the connection failed.
        """
        content = bytearray()
        too_late = NoReplyError(f"no answer within {self._timeout_s:g} s")
        with self._deadline() as expired:
            try:
                with self._client.stream("POST", url, json=body, extensions={"trace": self._trace}) as reply:
                    for chunk in reply.iter_bytes():
                        content += chunk
                        if len(content) > _LARGEST_REPLY:
                            raise NoReplyError(f"the reply has more than {_LARGEST_REPLY:,} bytes")
            except httpx2.TimeoutException:
                raise too_late from None
            except (httpx2.RequestError, httpx2.InvalidURL, UnicodeError) as error:
                raise (too_late if expired.is_set() else NoReplyError(f"{type(error).__name__}: {error}")) from None
        if expired.is_set():  # the end of the connection may look like the end of the reply
            raise too_late
        return reply.status_code, reply.headers, bytes(content)

    @contextmanager
    def _deadline(self) -> Iterator[Event]:
        """Cut the connection, and set the event, if the block takes too long."""
        expired = Event()

        def cut() -> None:
            expired.set()
            if self._socket is not None:
                with suppress(OSError):  # the other side was faster
                    self._socket.shutdown(socket.SHUT_RDWR)

        timer = Timer(self._timeout_s, cut)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the socket of a new connection. A duplicate, because TLS takes the original one over."""
        if event.endswith("connect_tcp.complete"):
            self._keep(info["return_value"].get_extra_info("socket").dup())

    def _keep(self, connected: socket.socket | None) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = connected
