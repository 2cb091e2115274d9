"""Rules of an endpoint's settings; an address and a key are never quoted before they are known to be harmless."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from data.augmentation.rephrasing.endpoint_settings import EndpointSettings
from data.errors import UserError


@pytest.mark.parametrize("base", ["http://host/v1", "http://host/v1/", "https://host:8000/v1"])
def test_the_address_of_requests(base: str) -> None:
    assert EndpointSettings(base_url=base).url == f"{base.rstrip('/')}/chat/completions"


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("ftp://host/v1", "base_url must begin with http:// or https:// and name a host"),
        ("http:///v1", "base_url must begin with http:// or https:// and name a host"),
        ("http://host:port/v1", "base_url is not a valid address"),
        ("https://user:secret@host/v1", "base_url must not contain a user name, password or query"),
        ("https://host/v1?key=secret", "base_url must not contain a user name, password or query"),
        ("https://host/v1/chat/completions", "base_url must end before /chat/completions"),
    ],
)
def test_addresses_that_are_refused(base: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EndpointSettings(base_url=base)
    (problem,) = caught.value.errors()
    assert problem["msg"].startswith(f"Value error, {message}")
    assert "secret" not in problem["msg"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt_price": 1.0}, "give both prompt_price and answer_price, or neither"),
        ({"key_variable": "sk-secret"}, "must be the name of an environment variable, not the key itself"),
        ({"timeout_s": 86_401.0}, "less than or equal to 86400"),
        ({"concurrency": 0}, "greater than or equal to 1"),
        ({"requests_per_minute": 0.0}, "greater than or equal to 0.001"),
    ],
)
def test_settings_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EndpointSettings(base_url="http://host/v1", **changes)
    assert message in caught.value.errors()[0]["msg"]


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EndpointSettings(base_url="http://host/v1").key() is None
    settings = EndpointSettings(base_url="http://host/v1", key_variable="OWN_KEY")
    monkeypatch.setenv("OWN_KEY", " sk-1 \n")
    assert settings.key() == "sk-1"
    for value, message in (("", "is not set; set it to the key of http://host/v1/"), ("a b", "contains spaces")):
        monkeypatch.setenv("OWN_KEY", value)
        with pytest.raises(UserError, match=f"the environment variable OWN_KEY {message}"):
            settings.key()
