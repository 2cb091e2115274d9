"""Serve optuna-dashboard on the loopback interface."""

from __future__ import annotations

from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna_dashboard import wsgi

from data.errors import UserError
from search.dashboard.local_only import LocalOnly
from search.storage.open import open_storage

__all__ = ["make_dashboard"]

_HOST = "127.0.0.1"


class _Server(ThreadingMixIn, WSGIServer):
    """A server with one thread per request: the page asks for several things at once, and one may be slow."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Do not log every request."""


def make_dashboard(storage: str | None, runs_dir: Path, port: int) -> WSGIServer:
    """Return a server on this machine's loopback interface; port 0 takes a free one.

    Raises:
        UserError: the storage cannot be opened, or the port is taken.
    """
    application = LocalOnly(wsgi(open_storage(storage, runs_dir)), ("localhost", _HOST))
    try:
        return make_server(_HOST, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}; choose another port, or 0 for any free one") from error
