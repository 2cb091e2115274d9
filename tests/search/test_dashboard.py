"""The dashboard's guard against foreign web pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from search.dashboard import local_only


def application(_: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"studies"]


def status(**headers: str) -> str:
    seen: list[str] = []
    local_only(application, ("localhost", "127.0.0.1"))(headers, lambda line, _: seen.append(line))  # type: ignore[arg-type]
    return seen[0][:3]


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080"])
def test_own_names_pass(host: str) -> None:
    assert status(HTTP_HOST=host) == "200"
    assert status(HTTP_HOST=host, HTTP_ORIGIN=f"http://{host}") == "200"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_HOST": "evil.example:8080"},
        {"HTTP_HOST": "localhost.evil.example"},
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "null"},
        {"HTTP_HOST": "evil.example", "HTTP_ORIGIN": "http://localhost"},
    ],
)
def test_foreign_names_are_refused(headers: dict[str, str]) -> None:
    assert status(**headers) == "403"
