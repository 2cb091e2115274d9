"""Represent one request to a language model, and its answer."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property

from data.augmentation.rephrasing.prompts import Prompt

__all__ = ["Answer", "ChatRequest", "estimated_tokens"]

_FORMAT = 1  # increase it to ask the same requests again
_CHARACTERS_PER_TOKEN = 4  # the usual rule of thumb for English and byte-pair vocabularies


@dataclass(frozen=True)
class ChatRequest:
    """A request without the address of its endpoint.

    Attributes:
        model: the model's name at the endpoint.
        prompt: the prompt.
        sentence: the sentence to change.
        temperature: sampling temperature.
        seed: sampling seed, 0 to 2³¹ - 1.
        answer_tokens: maximum tokens of the answer.
    """

    model: str
    prompt: Prompt
    sentence: str
    temperature: float
    seed: int
    answer_tokens: int

    @cached_property
    def key(self) -> str:
        """Return the SHA-256 of the request, 64 hex digits: the key of its answer in the cache.

        It does not depend on the endpoint's address, because the same model may move to another machine or port.
        """
        texts = (self.prompt.system, self.prompt.user(self.sentence))
        parts = (_FORMAT, self.model, *texts, self.temperature, self.seed, self.answer_tokens)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def messages(self) -> list[dict[str, str]]:
        """Return the messages of the request."""
        return [
            {"role": "system", "content": self.prompt.system},
            {"role": "user", "content": self.prompt.user(self.sentence)},
        ]


@dataclass(frozen=True)
class Answer:
    """The answer of the model.

    Attributes:
        text: the unprocessed text; may be empty.
        finish: the finish reason of the interface: ``stop``, ``length``, ``content_filter`` or ``refusal``.
    """

    text: str
    finish: str


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer: one token per four characters, rounded up."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
