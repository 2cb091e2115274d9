"""Guard web pages that have no login: answer only requests to this machine under its own name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["LocalOnly"]


class LocalOnly:
    """WSGI middleware that refuses foreign Host and Origin headers with status 403.

    Without it, any web page that the user visits could read and delete studies through the browser, by a host name
    that resolves to this machine (DNS rebinding) or by a form that posts to it.

    Args:
        application: the guarded application.
        hosts: allowed host names, without port.
    """

    def __init__(self, application: WSGIApplication, hosts: Iterable[str]) -> None:
        self._application = application
        self._hosts = frozenset(hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or refuse it."""
        if self._is_local(environ):
            return self._application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"This page answers to its own host name only.\n"]

    def _is_local(self, environ: dict[str, Any]) -> bool:
        origin = environ.get("HTTP_ORIGIN")
        named = [f"//{environ.get('HTTP_HOST', '')}", *([] if origin is None else [origin])]
        return all(urlsplit(url).hostname in self._hosts for url in named)
