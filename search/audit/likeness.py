"""Find examples that say the same: identical ones, those that differ in case or order, and near-duplicates."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data.splitting.near_duplicates import NEARLY_SAME, duplicate_groups, shared_words, word_set

__all__ = ["Likeness", "Near", "normalised"]

_COMPARED = 200  # members of a group that an example is compared with: a template has thousands of fillings


def normalised(sentence: str) -> str:
    """Return a sentence without differences in case, white space and compatible characters (Unicode NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", sentence).casefold().split())


@dataclass(frozen=True)
class Near:
    """An example that is nearly the same as another one.

    Attributes:
        position: of it.
        share: of the words of both that both have (Jaccard), at least 0.8.
    """

    position: int
    share: float


@dataclass(frozen=True)
class Likeness:
    """How N examples, of one or two sentences each, are alike.

    Attributes:
        keys: normalised sentences of each example, in their order.
        contents: index of each example's normalised sentences in any order, (N,): equal ones say the same.
        groups: group of each example, (N,): near-duplicates, with both sentences of a pair taken together, as
            :func:`data.splitting.near_duplicates.duplicate_groups` finds them.
        texts: the text of each content.
    """

    keys: list[tuple[str, ...]]
    contents: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    texts: list[str]

    @classmethod
    def of(cls, examples: Iterable[Sequence[str]]) -> Likeness:
        """Compare examples."""
        known: dict[str, str] = {}  # sentences of pairs are repeated often

        def plain(sentence: str) -> str:
            if sentence not in known:
                known[sentence] = normalised(sentence)
            return known[sentence]

        keys = [tuple([plain(sentence) for sentence in sentences]) for sentences in examples]
        index: dict[tuple[str, ...], int] = {}
        contents = [index.setdefault(tuple(sorted(key)), len(index)) for key in keys]
        texts = [" ".join(key) for key in index]
        places = np.array(contents, dtype=np.int64)
        return cls(keys, places, duplicate_groups(texts)[places], texts)

    def nearest(self, position: int, candidates: Sequence[int]) -> Near | None:
        """Return the candidate that shares the most words with an example, if they are near-duplicates.

        Of more than 200 candidates, the first 200 are compared.
        """
        own = self._words(int(self.contents[position]))
        best = None
        for candidate in candidates[:_COMPARED]:
            share = shared_words(own, self._words(int(self.contents[candidate])))
            if share >= NEARLY_SAME and (best is None or share > best.share):
                best = Near(candidate, share)
        return best

    def _words(self, content: int) -> frozenset[str]:
        if content not in self._word_sets:
            self._word_sets[content] = word_set(self.texts[content])
        return self._word_sets[content]

    @cached_property
    def _word_sets(self) -> dict[int, frozenset[str]]:
        return {}
