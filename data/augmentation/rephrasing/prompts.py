"""Define the prompts of all requests.

The reports name their operations, not their wording (a synonym rephrasing that keeps labels and proper nouns; synonyms,
random insertion, deletion, swap and back-translation, one per example), so the wording is ours. It is part of the key
of a cached answer: a changed prompt is a new request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Operation", "Prompt", "prompts_of"]

Operation = Literal["synonyms", "insertion", "deletion", "swap", "back-translation"]
"""How a sentence is changed; all but ``back-translation`` take one request."""

_SYSTEM = (
    "You rewrite single sentences. The rewritten sentence has the same meaning and the same sentiment, just as strong. "
    "Keep every proper noun and every number exactly as it is written. "
    "Answer with the sentence alone, on one line: no introduction, no quotation marks, no explanation."
)
_TRANSLATOR = (
    "You translate single sentences. Keep the meaning and the sentiment, just as strong. "
    "Keep every proper noun and every number exactly as it is written. "
    "Answer with the translation alone, on one line: no introduction, no quotation marks, no explanation."
)

_REWRITES: dict[Operation, str] = {
    "synonyms": "Rephrase this sentence, replacing words with synonyms:",
    "insertion": "Insert one or two fitting words at random places of this sentence:",
    "deletion": "Delete one or two words of this sentence that matter little to its meaning:",
    "swap": "Swap the places of two words or phrases of this sentence:",
}


@dataclass(frozen=True)
class Prompt:
    """The two messages of a request.

    Attributes:
        name: name in the answer file.
        system: the system message.
        instruction: the user message without the sentence, which follows after two line breaks.
    """

    name: str
    system: str
    instruction: str

    def user(self, sentence: str) -> str:
        """Return the user message for a sentence."""
        return f"{self.instruction}\n\n{sentence}"


def prompts_of(operation: Operation, language: str, pivot: str) -> tuple[Prompt, ...]:
    """Return the prompts of an operation; each is applied to the answer to the previous one.

    Args:
        operation: how a sentence is changed.
        language: language of the sentence.
        pivot: pivot language of back-translation.
    """
    if operation != "back-translation":
        return (Prompt(operation, _SYSTEM, _REWRITES[operation]),)
    there = Prompt("translation", _TRANSLATOR, f"Translate this sentence from {language} to {pivot}:")
    back = Prompt("back-translation", _TRANSLATOR, f"Translate this sentence from {pivot} to {language}:")
    return there, back
