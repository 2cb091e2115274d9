"""Split a sentence into words, and mark those that must not change because the label depends on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["Word", "is_negation", "join_words", "split_words"]

# NLTK's English stop words, as EDA's authors use them.
_STOP_WORD_LIST = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
has had having do does did doing a an the and but if or because as until while of at by for with about against
between into through during before after above below to from up down in out on off over under again further then once
here there when where why how all any both each few more most other some such no nor not only own same so than too very
s t can will just don should now
"""
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())

_NEGATION_LIST = """
no not never none nobody nothing nowhere neither nor cannot without hardly barely scarcely rarely seldom
"""
_NEGATIONS = frozenset(_NEGATION_LIST.split())

# Words allowed between a negation and what it negates, besides stop words and adverbs that end in -ly.
_DEGREES = frozenset(("always", "enough", "even", "ever", "much", "quite", "rather", "yet"))

# Contracted, with or without an apostrophe: n't, don't, dont.
_CONTRACTED = re.compile(
    r".*n['\u2019]t|(?:do|does|did|is|are|was|were|has|have|had|wo|would|ca|could|should|must|need|ai)nt"
)

# A white-space separated piece: ``core`` reaches from its first to its last letter or digit.
_PIECE = re.compile(r"(?P<before>[\W_]*)(?P<core>.*[^\W_])?(?P<after>[\W_]*)", re.DOTALL)
_BRACKET = re.compile(r"-[LR][RCS]B-")
_APOSTROPHES = ("'", "\u2019")


@dataclass(frozen=True)
class Word:
    """A piece of a sentence between white space.

    Attributes:
        before, core, after: the piece; ``core`` is from its first to its last letter or digit, empty for punctuation.
        replaceable: whether a synonym may replace it: it is not a stop word, negation, name, number or clitic.
        fixed: whether it may be neither moved nor deleted: negations and what they negate, names, numbers, clitics
            ('s) with the words they are attached to, and punctuation.
        bound: whether nothing may be inserted between it and the word before it.
    """

    core: str
    before: str = ""
    after: str = ""
    replaceable: bool = False
    fixed: bool = True
    bound: bool = False

    @property
    def text(self) -> str:
        """Return the whole piece."""
        return self.before + self.core + self.after


def is_negation(word: str) -> bool:
    """Return whether the word is a negation: not, never, no, n't, don't, dont, without, hardly ..."""
    folded = word.casefold()
    return folded in _NEGATIONS or _CONTRACTED.fullmatch(folded) is not None


def split_words(sentence: str) -> list[Word]:
    """Split a sentence into words; it may be plain text or tokenised as in PTB.

    A negation is fixed together with everything up to the next content word ("not a very good", "not completely
    satisfying"), or up to punctuation: moving or deleting either would change the label. Capitalised words count as
    names everywhere, even at the beginning, where spelling cannot distinguish "Jackson" from "Great".
    """
    words = [_word(piece) for piece in sentence.split()]
    for position in range(1, len(words)):
        _bind(words, position)
    for position, word in enumerate(words):
        if is_negation(word.core):
            _bind_negated(words, position)
    return words


def join_words(words: list[Word]) -> str:
    """Join words to a sentence, with one space between them."""
    return " ".join(word.text for word in words)


def _word(piece: str) -> Word:
    if _BRACKET.fullmatch(piece):
        return Word("", before=piece)
    match = _PIECE.fullmatch(piece)
    assert match is not None  # the expression matches any text
    core = match["core"] or ""
    clitic = match["before"].endswith(_APOSTROPHES) and len(core) <= 2
    fixed = not core or clitic or core[0].isupper() or is_negation(core) or any(map(str.isdigit, core))
    return Word(
        core,
        match["before"],
        match["after"],
        replaceable=not (fixed or core.casefold() in _STOP_WORDS),
        fixed=fixed,
        bound=clitic or core.casefold() == "n't",
    )


def _bind(words: list[Word], position: int) -> None:
    """Keep names of several words in one piece, and clitics with the words they are attached to."""
    previous, word = words[position - 1], words[position]
    if word.core[:1].isupper() and previous.core[:1].isupper():
        words[position] = replace(word, bound=True)
    elif word.bound:
        negated = is_negation(word.core)  # the "ca" of "ca n't" has no synonyms
        words[position - 1] = replace(previous, fixed=True, replaceable=previous.replaceable and not negated)


def _bind_negated(words: list[Word], negation: int) -> None:
    """Fix what a negation negates."""
    for position in range(negation + 1, len(words)):
        word = words[position]
        if words[position - 1].after:
            return
        words[position] = replace(word, fixed=True, bound=True)
        folded = word.core.casefold()  # empty for punctuation: nothing may be inserted before it either
        if not (folded in _STOP_WORDS or folded in _DEGREES or folded.endswith("ly")):
            return
