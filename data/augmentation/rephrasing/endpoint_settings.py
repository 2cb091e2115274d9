"""Configure the endpoint of a language model, and how often it may be asked."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data.errors import UserError

__all__ = ["EndpointSettings"]

_DAY_S = 86_400.0  # a system cannot wait for any number of seconds
_PATH = "/chat/completions"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Price = Annotated[float, Field(ge=0.0)]


class EndpointSettings(BaseModel):
    """An endpoint with OpenAI's chat interface: ``POST {base_url}/chat/completions``.

    None of these settings affects the requests' content, so they are not part of an answer's key.

    Attributes:
        base_url: usually ends in ``/v1``; must not contain a key or password.
        key_variable: the *name* of the environment variable with the key; None for an endpoint that needs none.
        timeout_s: maximum duration of a request, from the connection to the last byte of the reply; at most a day.
        attempts: maximum attempts per answer; timeouts, broken connections, status 408, 409, 429 or 5xx, and replies
            that are not chat completions are retried.
        first_wait_s: wait before the second attempt, doubled with each further one up to a minute, plus a random wait
            of up to ``first_wait_s``. If the endpoint asks for a time (Retry-After), that is used instead.
        longest_wait_s: an endpoint that asks for a longer wait is given up for now.
        requests_per_minute: limit for all attempts together; None for no limit.
        concurrency: maximum number of concurrent requests.
        send_seed: whether to send ``seed``; some endpoints refuse requests that have it.
        answer_tokens_field: the endpoint's name for the maximum tokens of an answer.
        prompt_price: price of a million prompt tokens, in any currency; None if unknown.
        answer_price: price of a million answer tokens, in the same currency.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_url: str
    key_variable: str | None = None
    timeout_s: float = Field(60.0, gt=0.0, le=_DAY_S)
    attempts: int = Field(6, ge=1)
    first_wait_s: float = Field(1.0, gt=0.0, le=_DAY_S)
    longest_wait_s: float = Field(300.0, gt=0.0, le=7 * _DAY_S)
    requests_per_minute: float | None = Field(None, ge=1e-3)
    concurrency: int = Field(4, ge=1, le=256)
    send_seed: bool = True
    answer_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    prompt_price: Price | None = None
    answer_price: Price | None = None

    @field_validator("key_variable")
    @classmethod
    def _check_variable(cls, name: str | None) -> str | None:
        # Not a pattern of the field, because its message would quote the value, which may be the key itself.
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError("must be the name of an environment variable, not the key itself")
        return name

    @model_validator(mode="after")
    def _check(self) -> Self:
        # The address is shown in messages and records, so it must not contain secrets; it is not quoted before that is
        # checked.
        try:
            parts = urlsplit(self.base_url)
            _ = parts.port
        except ValueError as error:
            raise ValueError("base_url is not a valid address") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("base_url must not contain a user name, password or query; set key_variable instead")
        if parts.path.rstrip("/").endswith(_PATH):
            raise ValueError(f"base_url must end before {_PATH}")
        if (self.prompt_price is None) != (self.answer_price is None):
            raise ValueError("give both prompt_price and answer_price, or neither")
        return self

    @property
    def url(self) -> str:
        """Return the address of requests."""
        return self.base_url.rstrip("/") + _PATH

    def key(self) -> str | None:
        """Return the key from the environment; None if the endpoint needs none.

        Raises:
            UserError: if the variable is not set, or does not contain a valid key.
        """
        if self.key_variable is None:
            return None
        key = os.environ.get(self.key_variable, "").strip()
        if not key:
            raise UserError(f"the environment variable {self.key_variable} is not set; set it to the key of {self.url}")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise UserError(
                f"the environment variable {self.key_variable} contains spaces or other characters that a key cannot "
                "have; check its value"
            )
        return key
