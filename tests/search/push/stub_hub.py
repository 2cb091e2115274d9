"""A Hugging Face Hub on this machine: what an upload asks for, and nothing else."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StubHub:
    """An HTTP server on a free port.

    Attributes:
        files: branch -> path -> content.
        created: bodies of requests for a new repository.
        messages: of all commits.
        tokens: every Authorization header.
        refusals: part of a path -> status that requests for it get.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {"main": {".gitattributes": b""}}
        self.created: list[dict[str, Any]] = []
        self.messages: list[str] = []
        self.tokens: set[str | None] = set()
        self.refusals: dict[str, int] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        path = path.partition("?")[0]
        for part, status in self.refusals.items():
            if part in path:
                return status, {"error": "no", "url": f"{self.url}/me/mood"}
        if path == "/api/repos/create":
            self.created.append(json.loads(body))
            return 200, {"url": f"{self.url}/me/mood"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        action, _, branch = path.removeprefix("/api/models/me/mood/").partition("/")
        if action == "branch":
            self.files[branch] = dict(self.files["main"])
            return 200, {}
        if action == "tree":
            rows = self.files[branch].items()
            return 200, [{"type": "file", "path": name, "size": len(one), "oid": "0" * 40} for name, one in rows]
        if action == "preupload":
            asked = json.loads(body)["files"]
            return 200, {
                "files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
            }
        if action == "commit":
            self._commit(self.files[branch], body)
            return 200, {"commitUrl": f"{self.url}/me/mood/commit/{'1' * 40}", "commitOid": "1" * 40}
        return 404, {"error": f"not stubbed: {path}"}

    def _commit(self, files: dict[str, bytes], body: bytes) -> None:
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                self.messages.append(value["summary"])
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "deletedFile":
                del files[value["path"]]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                if self.path.startswith(("/api/models/", "/api/repos/")):  # the client asks for others without
                    hub.tokens.add(self.headers["Authorization"])
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"".join(self._chunks())
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                status, content = hub.answer(self.path, body)
                reply = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST  # noqa: N815

            def _chunks(self) -> Any:
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
                """Stay silent."""

        return Handler
