"""The texts that a program passes to a model: single sentences, or pairs."""

from __future__ import annotations

from collections.abc import Iterable

from data.errors import UserError, quoted

__all__ = ["Text", "form_of", "sentences_of"]

Text = str | tuple[str, str]
"""One sentence, or the two sentences of a pair."""


def sentences_of(texts: Iterable[Text]) -> list[tuple[str, ...]]:
    """Return the sentences of each text.

    Raises:
        UserError: it names the text by its position.
    """
    if isinstance(texts, str):
        raise UserError("texts must be a list; put a single text in brackets")
    examples: list[tuple[str, ...]] = []
    for number, text in enumerate(texts):
        sentences = (text,) if isinstance(text, str) else tuple(text) if isinstance(text, tuple | list) else ()
        if (len(sentences) != 2 and not isinstance(text, str)) or not all(isinstance(one, str) for one in sentences):
            raise UserError(f"text {number} must be a string, or a pair of strings, got {quoted(repr(text))}")
        if examples and len(sentences) != len(examples[0]):
            raise UserError(f"texts must be strings or pairs, not both; text {number} is {form_of(len(sentences))}")
        for sentence in sentences:
            _check_unicode(number, sentence)
        examples.append(sentences)
    return examples


def form_of(sentences: int) -> str:
    """Return what a task reads: one sentence, or two."""
    return "a single sentence" if sentences == 1 else "a pair of sentences"


def _check_unicode(number: int, sentence: str) -> None:
    try:
        sentence.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"text {number} cannot be encoded as UTF-8: {quoted(repr(sentence[error.start]))} is half a character"
        ) from None
