"""One question to a language model, and its answer."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property

from data.augmentation.rephrasing.prompts import Prompt

__all__ = ["Answer", "ChatRequest", "estimated_tokens"]

_FORMAT = 1  # raise it when the same request is to be asked anew
_CHARACTERS_PER_TOKEN = 4  # the usual rule of thumb for English and byte-pair vocabularies


@dataclass(frozen=True)
class ChatRequest:
    """A request as it is sent, but for where to.

    Attributes:
        model: the model's name at the endpoint.
        prompt: what is asked.
        sentence: about what.
        temperature: of the model's sampling.
        seed: of the model's sampling, 0 to 2³¹ - 1.
        answer_tokens: most tokens of an answer.
    """

    model: str
    prompt: Prompt
    sentence: str
    temperature: float
    seed: int
    answer_tokens: int

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it, 64 hex digits: the name of its answer in the cache.

        The endpoint's address is no part of it: the same model may move to another machine or port.
        """
        texts = (self.prompt.system, self.prompt.user(self.sentence))
        parts = (_FORMAT, self.model, *texts, self.temperature, self.seed, self.answer_tokens)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages of the request."""
        return [
            {"role": "system", "content": self.prompt.system},
            {"role": "user", "content": self.prompt.user(self.sentence)},
        ]


@dataclass(frozen=True)
class Answer:
    """What the model said.

    Attributes:
        text: as it came; empty where there was none.
        finish: why it ended, in the words of the interface: ``stop``, ``length``, ``content_filter``, ``refusal``.
    """

    text: str
    finish: str


def estimated_tokens(text: str) -> int:
    """Tokens of a text, without a tokenizer: a token for every four characters, rounded up."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
