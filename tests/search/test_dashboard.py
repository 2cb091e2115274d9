"""The dashboard's guard against foreign web pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest

from search.dashboard import local_only, make_dashboard
from search.storage.open import open_storage


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


def test_a_storage_that_breaks_while_pages_are_served(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The page asks again and again; the terminal shows one line, and no traceback."""
    optuna.create_study(study_name="s", storage=open_storage(None, tmp_path))
    server = make_dashboard(None, tmp_path, 0)

    def ask() -> int:
        statuses: list[str] = []
        environ = {"HTTP_HOST": "localhost", "PATH_INFO": "/api/studies", "REQUEST_METHOD": "GET"}
        setup_testing_defaults(environ)
        application = server.get_app()
        assert application is not None
        list(application(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type,return-value]
        return int(statuses[0][:3])

    assert ask() == 200
    (tmp_path / "studies.db").write_bytes(b"x" * 20_000)
    assert [ask(), ask()] == [500, 500]
    server.server_close()
    error = capfd.readouterr().err
    assert error.startswith("error: storage sqlite:///")
    assert "studies.db is damaged: file is not a database; put a copy of it in its place" in error
    assert error.count("\n") == 1
