"""Find texts that are nearly the same: their sets of words overlap."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from data.ragged import run_offsets

__all__ = ["NEARLY_SAME", "duplicate_groups", "shared_words", "word_set"]

NEARLY_SAME: Final = 0.8
"""Words that two texts share, as a share of all their words (Jaccard): from here on they are near-duplicates."""
_WORD: Final = re.compile(r"\w+")
_BANDS, _ROWS = 8, 4  # finds 98.5 % of the pairs that share .8 of their words, and nearly all that share more


def duplicate_groups(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the group of every text, (n,): near-duplicates of a text, and their near-duplicates, are in its group.

    Case, punctuation, order and repetitions do not count. Candidates are found by MinHash (Broder 1997) with fixed
    hash functions, and compared.

    Returns:
        The smallest index of a text in the same group.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    words = [word_set(text) for text in texts]
    near = [
        (one, other)
        for bucket in _buckets(words)
        for one, other in {*pairwise(bucket), *((bucket[0], other) for other in bucket[1:])}
        if shared_words(words[one], words[other]) >= NEARLY_SAME
    ]
    ones, others = np.array(near, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(near), dtype=np.int8), (ones, others)), shape=(len(texts), len(texts)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return np.asarray(first[component], dtype=np.int64)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text in lower case; one without any is itself, so that '!!' is no duplicate of '??'."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return frozenset(_WORD.findall(plain)) or frozenset([plain.strip()])


def shared_words(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of all words of two texts that both have (Jaccard), 0 to 1; at least one has a word."""
    return len(one & other) / len(one | other)


def _buckets(words: Sequence[frozenset[str]]) -> Iterator[list[int]]:
    """Yield lists of at least two texts that agree in the hashes of a band, ascending."""
    if not words:
        return
    hashes = np.array([zlib.crc32(word.encode()) for of_text in words for word in of_text], dtype=np.uint64)
    starts = run_offsets(np.array([len(of_text) for of_text in words]))[:-1]
    factors = np.random.default_rng(0).integers(1, 2**63, (_BANDS, _ROWS), dtype=np.uint64) | np.uint64(1)
    for band in factors:
        lowest = [np.minimum.reduceat((hashes * factor) >> np.uint64(32), starts) for factor in band]
        _, inverse, counts = np.unique(np.stack(lowest, axis=1), axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(counts)
        for place in np.flatnonzero(counts > 1).tolist():
            yield order[ends[place] - counts[place] : ends[place]].tolist()
