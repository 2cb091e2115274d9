"""Extract the rewritten sentence from an answer, or reject the answer."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from data.augmentation.proper_nouns import kept_words, words_of
from data.augmentation.rephrasing.chat_request import Answer

__all__ = ["Refusal", "RefusedAnswerError", "rewritten_sentence", "translated_sentence"]


class Refusal(StrEnum):
    """Why an answer is rejected."""

    CHATTER = "talks about its task"
    CUT_OFF = "cut off"
    DECLINED = "the model declined"
    EMPTY = "empty"
    LOST_NAME = "lost a proper noun or a number"
    NOT_TEXT = "not text of the sentence's script"
    SEVERAL_LINES = "several lines"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"
    UNCHANGED = "unchanged"


class RefusedAnswerError(Exception):
    """The answer is rejected.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: Refusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


_SPARE_WORDS = 2  # allowed beyond the maximum: "Cool ." may become "That is really cool ."

_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_INTRODUCTION = re.compile(
    r"\A(?:(?:sure|certainly|of course|absolutely|okay|ok)\b[^:\n]{0,80}:"
    r"|here(?:'s|\u2019s| is| are)\b[^:\n]{0,80}:"
    r"|(?:the |a )?(?:rephrased|rewritten|paraphrased|translated|modified)\b[^:\n]{0,40}:"
    r"|(?:answer|output|paraphrase|rephrasing|result|sentence|translation):"
    r"|(?:sure|certainly|of course|absolutely)(?: thing)?[!.](?=\s))\s*",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\A(?:[-*•]|1[.)])\s+")
_QUOTES = (
    ("**", "**"),
    ("``", "''"),
    ("```", "```"),
    ('"', '"'),
    ("'", "'"),
    ("\u201c", "\u201d"),
    ("\u2018", "\u2019"),
    ("«", "»"),
)
_DECLINED = re.compile(
    r"\A(?:i'?m |i am )?(?:very |so )?sorry\b.*\b(?:can ?not|can'?t|unable|won'?t)\b"
    r"|\Ai (?:can ?not|can'?t|am unable to|am not able to|won'?t|will not)"
    r" (?:assist|help|fulfil|comply|rephrase|rewrite|translate|provide|process|generate|create|engage)"
    r"|\bas an ai\b|\blanguage model\b",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"\brephras\w*|\bparaphras\w*|\bsynonyms?\b|\b(?:original|given) sentence\b|\bnote:|\btranslation\b|<\|",
    re.IGNORECASE,
)


def rewritten_sentence(answer: Answer, sentence: str, shortest: float, longest: float) -> str:
    """Return the rewritten sentence in an answer, without introduction and quotation marks, white space collapsed.

    Args:
        answer: answer to the request to rewrite ``sentence``.
        sentence: the example's own sentence.
        shortest: minimum words of the answer, as a share of the sentence's.
        longest: maximum words of the answer, as a multiple of the sentence's, plus two.

    Raises:
        RefusedAnswerError: if there is none, or it is not a rewriting: it has exactly the words of the sentence, lost a
            proper noun or number (:func:`data.augmentation.proper_nouns.kept_words`), or has another script.
    """
    text = translated_sentence(answer, sentence, longest)
    words, own = words_of(text), words_of(sentence)
    if len(words) < shortest * len(own):
        raise RefusedAnswerError(Refusal.TOO_SHORT)
    if words == own:
        raise RefusedAnswerError(Refusal.UNCHANGED)
    if not kept_words(sentence) <= set(words):
        raise RefusedAnswerError(Refusal.LOST_NAME)
    if _is_latin(sentence) and not _is_latin(text):
        raise RefusedAnswerError(Refusal.NOT_TEXT)
    return text


def translated_sentence(answer: Answer, sentence: str, longest: float) -> str:
    """Return the sentence in an answer that is a translation: names may be spelt differently, in another script.

    It may also have few words, because some scripts have no spaces. For the arguments see :func:`rewritten_sentence`.

    Raises:
        RefusedAnswerError: if there is none.
    """
    if answer.finish in ("content_filter", "refusal"):
        raise RefusedAnswerError(Refusal.DECLINED)
    text = _bare(answer.text, sentence)
    if not text:
        raise RefusedAnswerError(Refusal.CUT_OFF if answer.finish == "length" else Refusal.EMPTY)
    for reason, pattern in ((Refusal.DECLINED, _DECLINED), (Refusal.CHATTER, _CHATTER)):
        if pattern.search(text.replace("\u2019", "'")) and not pattern.search(sentence):
            raise RefusedAnswerError(reason)
    if answer.finish == "length":
        raise RefusedAnswerError(Refusal.CUT_OFF)
    if len(text.splitlines()) > 1:
        raise RefusedAnswerError(Refusal.SEVERAL_LINES)
    text = " ".join(text.split())
    if not _is_text(text):
        raise RefusedAnswerError(Refusal.NOT_TEXT)
    if len(words_of(text)) > longest * len(words_of(sentence)) + _SPARE_WORDS:
        raise RefusedAnswerError(Refusal.TOO_LONG)
    return text


def _bare(text: str, sentence: str) -> str:
    """Remove what models put around a sentence, unless the sentence itself has it in that place."""
    text, sentence = _THOUGHTS.sub("", text).strip(), sentence.strip()
    while True:
        shorter = text
        for pattern in (_INTRODUCTION, _LIST_MARK):
            if not pattern.match(sentence):
                shorter = pattern.sub("", shorter).strip()
        shorter = _unquoted(shorter, sentence)
        if shorter == text:
            return text
        text = shorter


def _unquoted(text: str, sentence: str) -> str:
    for opening, closing in _QUOTES:
        if _is_within(sentence, opening, closing):
            continue
        inside = text[len(opening) : -len(closing)]
        # '"Good" and "bad"' begins and ends with quotation marks, but they are not a pair.
        if _is_within(text, opening, closing) and opening not in inside and closing not in inside:
            return inside.strip()
    return text


def _is_within(text: str, opening: str, closing: str) -> bool:
    return len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing)


def _is_text(text: str) -> bool:
    """Return whether a text has letters, and no control, surrogate, private, unassigned or replacement characters."""
    faults = any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in text)
    return any(character.isalpha() for character in text) and not faults and "\ufffd" not in text


def _is_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return all(unicodedata.name(letter, "").startswith(("LATIN", "FEMININE", "MASCULINE")) for letter in letters)
