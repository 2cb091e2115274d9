"""Serve optuna-dashboard on the loopback interface: ``onebert dashboard``."""

from __future__ import annotations

import logging
import sys
import webbrowser
from collections.abc import Collection, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Annotated
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import typer

from data.errors import UserError
from search.console import cli
from search.console.failures import ending
from search.storage.study_names import check_database

__all__ = ["local_only", "main", "make_dashboard"]

_HOST = "127.0.0.1"


@cli.entry_point
def main(
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Local port to listen on; 0 takes any free one.")] = 8080,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
) -> None:
    """Show studies live in the browser.

    Shows learning curves, parameters, importance, and each trial's scores per task. Can run while a search is running.
    Only this machine can reach the page.

    Examples:

        onebert dashboard
        onebert dashboard --port 0 --open
    """
    server = make_dashboard(storage, runs_dir, port)
    url = f"http://localhost:{server.server_port}/dashboard"
    typer.echo(f"dashboard: {url}  (Ctrl-C to quit)")
    if open_browser:
        webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("dashboard closed")
    finally:
        server.server_close()


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
    check_database(storage, runs_dir)

    from optuna_dashboard import wsgi

    from search.storage.open import open_recorded

    _report_failures(runs_dir)

    recorded = open_recorded(storage, runs_dir)
    recorded.sees_reopened = True  # by a search that is running
    application = local_only(wsgi(recorded), ("localhost", _HOST))
    try:
        return make_server(_HOST, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}; choose another port, or 0 for any free one") from error


class _OneLine(logging.Handler):
    """Prints what a request met in one line, and once: the page asks again every few seconds."""

    def __init__(self, runs_dir: Path) -> None:
        super().__init__()
        self._runs_dir = runs_dir
        self._seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print the exception that is being handled; the record's own text is a traceback."""
        error = sys.exception()
        said = record.getMessage().partition("\n")[0] if error is None else repr(error)
        if said not in self._seen:
            self._seen.add(said)
            text = said if error is None else ending(error, self._runs_dir)[0]
            typer.secho(f"error: {text}", fg=typer.colors.RED, err=True)


def _report_failures(runs_dir: Path) -> None:
    """Report failures of requests in one line each, instead of the traceback that optuna-dashboard logs."""
    logger = logging.getLogger("optuna_dashboard")
    logger.handlers = [_OneLine(runs_dir)]
    logger.propagate = False


def local_only(application: WSGIApplication, hosts: Collection[str]) -> WSGIApplication:
    """Guard a page that has no login: refuse foreign Host and Origin headers with status 403.

    Otherwise, any web page that the user visits could read and delete studies through the browser, by a host name that
    resolves to this machine (DNS rebinding) or by a form that posts to it. An Origin must be the page's own, with its
    port: pages of other programs on this machine are foreign. Headers that are no addresses get status 400.

    Args:
        hosts: allowed host names, without port. Any port may follow, because a tunnel may forward another one.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
        try:
            name, own = urlsplit(f"//{host}").hostname, _address(f"http://{host}")
            is_own = name in hosts and (origin is None or _address(origin) == own)
        except ValueError:
            return _refuse(start_response, "400 Bad Request", "The Host or Origin header is not an address.")
        if is_own:
            return application(environ, start_response)
        return _refuse(start_response, "403 Forbidden", "This page answers to its own host name only.")

    return answer


def _address(url: str) -> tuple[str, str | None, int]:
    """Return the scheme, host and port of a URL.

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or 80


def _refuse(start_response: StartResponse, status: str, reason: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{reason}\n".encode()]


if __name__ == "__main__":
    cli.make_app(main)()
