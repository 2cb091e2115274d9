"""Where a language model answers, and how often it may be asked."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data.errors import UserError

__all__ = ["EndpointSettings"]

_PATH = "/chat/completions"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Positive = Annotated[float, Field(gt=0.0)]
Price = Annotated[float, Field(ge=0.0)]


class EndpointSettings(BaseModel):
    """An endpoint with the chat interface of OpenAI: ``POST {base_url}/chat/completions``.

    Nothing here has a part in what is asked, so none of it is in the key of an answer.

    Attributes:
        base_url: usually ends in ``/v1``; holds no key and no password.
        key_variable: the *name* of the environment variable that holds the key; None for an endpoint that needs none.
        timeout_s: longest that one request may take.
        attempts: requests for one answer, at most: a timeout, a broken connection, status 408, 409, 429 or 5xx, and
            a reply that is no chat completion are tried again.
        first_wait_s: before the second attempt, doubled with each further one up to a minute; up to as much again is
            added by chance. Where the endpoint names a time to wait (Retry-After), that is it.
        longest_wait_s: an endpoint that asks for a longer wait is given up for now.
        requests_per_minute: all attempts together; None for no limit.
        concurrency: requests under way at the same time, at most.
        send_seed: some endpoints do not know ``seed`` and refuse requests that have it.
        answer_tokens_field: what the endpoint calls the most tokens of an answer.
        prompt_price: for a million tokens of prompts, in any currency; None if it is not known.
        answer_price: for a million tokens of answers, in the same currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_url: str
    key_variable: str | None = None
    timeout_s: Positive = 60.0
    attempts: int = Field(6, ge=1)
    first_wait_s: Positive = 1.0
    longest_wait_s: Positive = 300.0
    requests_per_minute: Positive | None = None
    concurrency: int = Field(4, ge=1, le=256)
    send_seed: bool = True
    answer_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    prompt_price: Price | None = None
    answer_price: Price | None = None

    @field_validator("key_variable")
    @classmethod
    def _check_variable(cls, name: str | None) -> str | None:
        # Not a pattern of the field: its message would quote what may be the key itself.
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError("must be the name of an environment variable, not the key itself")
        return name

    @model_validator(mode="after")
    def _check(self) -> Self:
        # The address stands in messages and records, so it must be fit to be seen; it is not quoted before it is.
        try:
            parts = urlsplit(self.base_url)
            _ = parts.port
        except ValueError as error:
            raise ValueError("base_url is no address") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("base_url must hold no user name, password or query; name the key's variable instead")
        if parts.path.rstrip("/").endswith(_PATH):
            raise ValueError(f"base_url must end before {_PATH}")
        if (self.prompt_price is None) != (self.answer_price is None):
            raise ValueError("give both prompt_price and answer_price, or neither")
        return self

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.base_url.rstrip("/") + _PATH

    def key(self) -> str | None:
        """The key, from the environment; None if the endpoint needs none.

        Raises:
            UserError: if the variable is not set, or holds what is no key.
        """
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        if not key:
            raise UserError(f"the environment variable {self.key_variable} is not set; put the key of {self.url} there")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise UserError(f"the environment variable {self.key_variable} holds spaces or other signs that no key has")
        return key
