"""``python -m search.dashboard``: optuna-dashboard on our storage, for this machine only."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import typer
from optuna_dashboard import wsgi

from data.errors import UserError
from search.console.exit_codes import entry_point
from search.console.options import RunsDir, StorageUrl
from search.dashboard.local_only import LocalOnly
from search.storage.open import open_storage
from search.trials.folders import RUNS

__all__ = ["main", "make_dashboard"]

_HOST = "127.0.0.1"


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a request: the page asks for several things at once, and one may be slow."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Do not log every request."""


def make_dashboard(storage: str | None, runs_dir: Path, port: int) -> WSGIServer:
    """A server on this machine's loopback interface; port 0 takes a free one.

    Raises:
        UserError: if the storage cannot be opened or the port is taken.
    """
    application = LocalOnly(wsgi(open_storage(storage, runs_dir)), ("localhost", _HOST))
    try:
        return make_server(_HOST, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}; choose another port, or 0 for any free one") from error


@entry_point
def main(
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Local port; 0 takes any free one.")] = 8080,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Also open it in the browser.")] = False,
) -> None:
    """Watch studies live in the browser: learning curves, parameters, importance, and each trial's scores per task.

    It reads the storage while a search runs. Only this machine can reach it.

    Example: python -m search.dashboard
    """
    server = make_dashboard(storage, runs_dir, port)
    url = f"http://localhost:{server.server_port}/dashboard"
    typer.echo(f"dashboard: {url}  (Ctrl-C ends it)")
    if open_browser:
        webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("dashboard closed")
    finally:
        server.server_close()


if __name__ == "__main__":
    typer.run(main)
