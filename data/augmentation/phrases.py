"""Read labelled phrases from the Stanford Sentiment Treebank's training trees (Socher et al. 2013).

The trees have a label at every phrase, not only at the sentence. Their words joined by spaces are the sentences of the
training file, including PTB escapes (``-LRB-``, ``\\/``, quotation marks), so phrases are written in the same way and
nothing is unescaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data.augmentation.additional_examples import AdditionalExamples, normalise_sentence
from data.augmentation.sentiment_trees import Tree, read_trees
from data.errors import UserError
from data.reading import RawSplit

__all__ = ["NEUTRAL", "read_phrases"]

NEUTRAL = 2  # among the labels 0 (very negative) to 4 (very positive)


def read_phrases(path: Path, train: RawSplit, min_words: int = 1, drop_neutral: bool = False) -> AdditionalExamples:
    """Read every distinct phrase below the sentences, with its label.

    Phrases are compared after :func:`~data.augmentation.additional_examples.normalise_sentence`; the first spelling is
    kept. Where occurrences of a phrase differ in their labels, the phrase gets the most frequent label. It is left out
    if two labels tie for first place, because either would be a guess.

    Phrases may only come from the training split, because those of a dev or test sentence would reveal its label. A
    file with a tree whose sentence is not in ``train`` is therefore refused as a whole. A phrase that is a whole
    sentence elsewhere is dropped by :func:`~data.augmentation.additional_examples.without_known`.

    Args:
        path: the trees of training sentences.
        train: the training split of a task with single sentences and the trees' five classes in their order.
        min_words: minimum number of words; only those with a letter or digit count, so that mere punctuation is never
            a phrase. A larger number gives fewer phrases, and fewer neutral ones.
        drop_neutral: leave out phrases with label 2, which are half of all.

    Returns:
        The phrases from left to right, inner ones before outer ones; they have no source positions.

    Raises:
        UserError: for a malformed line (as 'file:line: reason'), a sentence that is not in ``train``, and a file that
            is missing or empty.
        ValueError: if ``min_words`` is below 1.
    """
    if min_words < 1:
        raise ValueError(f"min_words must be at least 1, got {min_words}")
    trees = read_trees(path)
    _check_sentences(trees, path, train)
    spellings: dict[str, str] = {}
    votes: dict[str, Counter[int]] = {}
    for text, label in _occurrences(trees, min_words):
        key = normalise_sentence(text)
        spellings.setdefault(key, text)
        votes.setdefault(key, Counter())[label] += 1
    labels = {key: _majority(counts) for key, counts in votes.items()}
    unwanted = (None, NEUTRAL) if drop_neutral else (None,)
    kept = [(spellings[key], label) for key, label in labels.items() if label not in unwanted]
    return AdditionalExamples.without_sources(
        [(text,) for text, _ in kept], np.array([label for _, label in kept], dtype=np.int64)
    )


def _check_sentences(trees: list[Tree], path: Path, train: RawSplit) -> None:
    known = {normalise_sentence(sentence) for example in train.sentences for sentence in example}
    strangers = [tree for tree in trees if normalise_sentence(tree.text(tree.phrases[-1])) not in known]
    if strangers:
        first = strangers[0]
        raise UserError(
            f"{path}:{first.line}: '{first.text(first.phrases[-1])[:60]}' is not a sentence of {train.path.name}; "
            f"{len(strangers):,} of {len(trees):,} trees are not; use only trees of the training split"
        )


def _occurrences(trees: list[Tree], min_words: int) -> Iterable[tuple[str, int]]:
    """Yield text and label of every phrase with enough words, except whole sentences."""
    for tree in trees:
        *phrases, _ = tree.phrases
        counted = np.cumsum([0, *(any(map(str.isalnum, word)) for word in tree.words)])
        for phrase in phrases:
            if counted[phrase.end] - counted[phrase.start] >= min_words:
                yield tree.text(phrase), phrase.label


def _majority(counts: Counter[int]) -> int | None:
    """Return the label with the most votes, or None for a tie."""
    (label, most), *others = counts.most_common(2)
    return None if others and others[0][1] == most else label
