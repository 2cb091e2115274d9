"""A chat endpoint on this machine that behaves as badly as a test wants it to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    at: float  # on the monotonic clock, s
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def sentence(self) -> str:
        return str(self.body["messages"][-1]["content"]).split("\n\n")[1]


@dataclass(frozen=True)
class Reply:
    """What is sent back; a ``delay`` comes before it, a ``trickle`` between its bytes, both in seconds.

    With ``slow_headers``, the trickle is between the bytes of a header that never ends.
    """

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    trickle: float | None = None
    slow_headers: bool = False

    @classmethod
    def saying(cls, text: Any, finish: str = "stop", **fields: Any) -> Reply:
        message = {"role": "assistant", "content": text}
        return cls(json.dumps({"choices": [{"message": message, "finish_reason": finish}]}).encode(), **fields)

    @classmethod
    def failing(cls, status: int, said: str = "no", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps({"error": {"message": said}}).encode(), status, named)


class StubEndpoint:
    """An HTTP server on a free port.

    Attributes:
        calls: every request so far.
        behave: what is replied to a call; "nice SENTENCE" unless a test sets it.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.behave: Callable[[Call], Reply] = lambda call: Reply.saying(f"nice {call.sentence}")
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    @property
    def sentences(self) -> Counter[str]:
        """Return how often each sentence was asked about."""
        return Counter(call.sentence for call in list(self.calls))

    def settings(self, **fields: Any) -> EndpointSettings:
        """Return settings for this server, with short waits."""
        return EndpointSettings.model_validate(
            {"base_url": self.base_url, "timeout_s": 5.0, "attempts": 3, "first_wait_s": 0.01, **fields}
        )

    def replies(self, *replies: Reply) -> None:
        """Give these replies one after the other, then be nice again."""
        left = list(replies)
        nice = self.behave
        self.behave = lambda call: left.pop(0) if left else nice(call)

    def declines(self, part: str) -> None:
        """Decline to rewrite sentences with this part, and answer the others."""
        nice = self.behave
        self.behave = lambda call: Reply.saying("I cannot assist with that .") if part in call.sentence else nice(call)

    def _enter(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.behave(call)

    def _leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or every reply on a kept connection waits 40 ms

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = stub._enter(Call(time.monotonic(), self.path, dict(self.headers), body))
                time.sleep(reply.delay)
                stub._leave()
                try:
                    self._send(reply)
                except (BrokenPipeError, ConnectionResetError):  # the client gave up
                    self.close_connection = True

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply.content)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.slow_headers:
                    self.flush_headers()
                    self.wfile.write(b"X-Slow: ")
                while reply.slow_headers:  # until the client gives up
                    self.wfile.write(b"a")
                    time.sleep(reply.trickle or 0.01)
                self.end_headers()
                if reply.trickle is None:
                    self.wfile.write(reply.content)
                    return
                for byte in reply.content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.trickle)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
                """Stay silent."""

        return Handler
