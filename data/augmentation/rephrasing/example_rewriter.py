"""Rewrite an example by a sequence of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.augmentation.rephrasing.answer_check import (
    Refusal,
    RefusedAnswerError,
    rewritten_sentence,
    translated_sentence,
)
from data.augmentation.rephrasing.chat_request import Answer, ChatRequest
from data.augmentation.rephrasing.prompts import Operation, Prompt, prompts_of
from data.augmentation.rephrasing.settings import RephrasingSettings

__all__ = ["Ask", "ExampleRewriter", "Rewritten"]

Ask = Callable[[ChatRequest], Answer | None]
"""Answers a request. None means that there is no answer yet; the sentence is then passed on unchanged."""

_SEEDS = 2**31  # endpoints take seeds of 31 bits


@dataclass(frozen=True)
class Rewritten:
    """The result of rewriting an example.

    Attributes:
        sentences: the new sentences, as many as the example has; None if all answers for one were rejected.
        refusals: why answers were rejected, in their order.
    """

    sentences: tuple[str, ...] | None
    refusals: tuple[Refusal, ...]


class ExampleRewriter:
    """A rewriter whose requests depend only on the settings, the example and its position.

    The operation is drawn from (seed, position); temperature and seed of a request are drawn from these, the place of
    the sentence in a pair and the number of the attempt.
    """

    def __init__(self, settings: RephrasingSettings) -> None:
        self._settings = settings
        self._operations: list[Operation] = sorted(settings.operations)
        weights = np.array([settings.operations[name] for name in self._operations])
        self._cumulative = np.cumsum(weights / weights.sum())

    def rewrite(self, position: int, example: tuple[str, ...], ask: Ask) -> Rewritten:
        """Rewrite each sentence of an example.

        Args:
            position: position of the example in the training split.
            example: its sentences.
            ask: called for each request; an exception ends the rewriting.
        """
        settings = self._settings
        prompts = prompts_of(self._operation(position), settings.language, settings.pivot)
        sentences: list[str] = []
        refusals: list[Refusal] = []
        for place, sentence in enumerate(example):
            for number in range(settings.tries):
                rng = np.random.default_rng((settings.seed, position, 1 + place, 1 + number))
                try:
                    sentences.append(self._try(prompts, sentence, rng, ask))
                    break
                except RefusedAnswerError as refused:
                    refusals.append(refused.reason)
            else:
                return Rewritten(None, tuple(refusals))
        return Rewritten(tuple(sentences), tuple(refusals))

    def _operation(self, position: int) -> Operation:
        # Four words here and for each request: NumPy pads with zeros, so with fewer words two streams could be equal.
        drawn = np.random.default_rng((self._settings.seed, position, 0, 0)).random()
        index = int(np.searchsorted(self._cumulative, drawn, side="right"))
        return self._operations[min(index, len(self._operations) - 1)]  # the last sum may round to less than 1

    def _try(self, prompts: tuple[Prompt, ...], original: str, rng: np.random.Generator, ask: Ask) -> str:
        settings, sentence = self._settings, " ".join(original.split())
        for prompt in prompts:
            request = ChatRequest(
                model=settings.model,
                prompt=prompt,
                sentence=sentence,
                temperature=round(float(rng.uniform(*settings.temperature)), 3),
                seed=int(rng.integers(_SEEDS)),
                answer_tokens=settings.answer_tokens,
            )
            answer = ask(request)
            if answer is None:
                continue
            if prompt is prompts[-1]:
                return rewritten_sentence(answer, original, settings.shortest, settings.longest)
            sentence = translated_sentence(answer, sentence, settings.longest)
        return sentence
