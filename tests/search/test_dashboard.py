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
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "http://localhost:3000"},
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "http://localhost"},
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "http://127.0.0.1:8080"},
        {"HTTP_HOST": "localhost:8080", "HTTP_ORIGIN": "https://localhost:8080"},
    ],
)
def test_foreign_names_are_refused(headers: dict[str, str]) -> None:
    assert status(**headers) == "403"


@pytest.mark.parametrize("wrong", ["[", "localhost:x", "localhost:99999", "[::1", "a[b]"])
def test_what_is_no_address_is_a_bad_request(wrong: str) -> None:
    assert status(HTTP_HOST=wrong) in ("400", "403")
    assert status(HTTP_HOST="localhost:8080", HTTP_ORIGIN=f"http://{wrong}") in ("400", "403")
    assert status(HTTP_HOST="[") == "400"
