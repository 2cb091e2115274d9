"""What a language model is asked: the text of every request, and nothing else.

The reports name their operations, not their wording (a synonym rephrasing that keeps labels and proper nouns; synonyms,
random insertion, deletion, swap and back-translation, one an example), so the wording is ours. It is part of the key
of a cached answer: a changed prompt is a new question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Operation", "Prompt", "prompts_of"]

Operation = Literal["synonyms", "insertion", "deletion", "swap", "back-translation"]
"""How a sentence is changed; each but ``back-translation`` takes one request."""

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
        name: for the record.
        system: the system message.
        instruction: the user's message but for the sentence, which follows two line breaks later.
    """

    name: str
    system: str
    instruction: str

    def user(self, sentence: str) -> str:
        """The user's message about a sentence."""
        return f"{self.instruction}\n\n{sentence}"


def prompts_of(operation: Operation, language: str, pivot: str) -> tuple[Prompt, ...]:
    """The requests of an operation, each about the answer to the one before.

    Args:
        operation: what is done with a sentence.
        language: of the sentence.
        pivot: the language that back-translation goes through.
    """
    if operation != "back-translation":
        return (Prompt(operation, _SYSTEM, _REWRITES[operation]),)
    there = Prompt("translation", _TRANSLATOR, f"Translate this sentence from {language} to {pivot}:")
    back = Prompt("back-translation", _TRANSLATOR, f"Translate this sentence from {pivot} to {language}:")
    return there, back
