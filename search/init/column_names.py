"""Guess what a column is for from its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = [
    "is_class_name",
    "is_group_name",
    "is_id_name",
    "is_label_name",
    "is_pair",
    "is_score_name",
    "is_split_name",
    "is_text_name",
    "label_rank",
    "says_pair",
    "words_of",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TEXT: Final = _set(
    "abstract answer article body comment content context description document feedback headline hypothesis input "
    "message note passage post premise prompt query question response review sentence statement subject summary text "
    "title tweet utterance"
)
_CLASS: Final = _set(
    "category class classes duplicate emotion entailment gold intent irony label labels mood polarity sentiment spam "
    "stance tag target topic toxic type"
)
_SCORE: Final = _set("grade points priority rating ratings relatedness score scores similarity stars strength valence")
_USUAL: Final = ("label", "labels", "target", "class", "gold", "category", "y", "score", "rating")
_ID: Final = _set("guid id idx ids index key nr number row rowid uid uuid")
_OWNER: Final = _set(
    "account article author client company conversation customer dialog dialogue doc document patient reviewer session "
    "speaker subject thread user"
)
_SPLIT: Final = _set("fold part partition set split splits subset")
_NUMBERED: Final = (("1", "2"), ("0", "1"), ("a", "b"), ("x", "y"), ("left", "right"), ("first", "second"))
_COUPLES: Final = (("premise", "hypothesis"), ("query", "passage"), ("query", "document"), ("anchor", "positive"))
_COMPARED: Final = _set(
    "contradiction duplicate duplicates entailment equivalent match matches matching paraphrase paraphrases "
    "relatedness relevance relevant same similar similarity"
)
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")


def words_of(name: str) -> list[str]:
    """Return the words and numbers of a column's name, case-folded: ``['text', '1']`` of ``Text1``."""
    return [word.casefold() for word in _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))]


def is_text_name(name: str) -> bool:
    """Return whether the name is one of a column of texts."""
    return bool(_TEXT & set(words_of(name))) and not is_id_name(name)


def is_class_name(name: str) -> bool:
    """Return whether the name is one of a column of classes."""
    return bool(_CLASS & set(words_of(name))) or name.casefold() == "y"


def is_score_name(name: str) -> bool:
    """Return whether the name is one of a column of scores."""
    return bool(_SCORE & set(words_of(name)))


def is_label_name(name: str) -> bool:
    """Return whether the name is one of a column of classes or scores."""
    return (is_class_name(name) or is_score_name(name)) and not is_id_name(name)


def says_pair(name: str) -> bool:
    """Return whether a label of this name compares two texts, such as same, duplicate or similarity."""
    return bool(_COMPARED & set(words_of(name)))


def label_rank(name: str) -> int:
    """Return the place of a label's name among the usual ones; smaller is more usual."""
    plain = name.strip().casefold()
    return _USUAL.index(plain) if plain in _USUAL else len(_USUAL) + (0 if is_label_name(name) else 1)


def is_id_name(name: str) -> bool:
    """Return whether the name ends in a word for ids, or is that of an index which pandas has written."""
    words = words_of(name)
    return bool(words) and (words[-1] in _ID or words[0] == "unnamed")


def is_group_name(name: str) -> bool:
    """Return whether the name is that of a person or document which several rows may belong to, or of its id."""
    words = words_of(name)
    rest = words[:-1] if len(words) > 1 and words[-1] in _ID | {"name"} else words
    return len(rest) == 1 and rest[0] in _OWNER


def is_split_name(name: str) -> bool:
    """Return whether the name is one of a column of splits."""
    return bool(_SPLIT & set(words_of(name)))


def is_pair(names: Sequence[str]) -> bool:
    """Return whether two names differ only in a number or letter, or are a usual couple such as premise, hypothesis."""
    if len(names) != 2:
        return False
    first, second = map(words_of, names)
    if (tuple(first), tuple(second)) in [((one,), (other,)) for one, other in _COUPLES]:
        return True
    if second == [*first, "2"]:
        return True
    differ = [(one, other) for one, other in zip(first, second, strict=False) if one != other]
    return len(first) == len(second) and len(differ) == 1 and differ[0] in _NUMBERED
