"""Copy training sentences with a few words changed (easy data augmentation, Wei & Zou 2019, arXiv:1901.11196).

Differences from the released code, so that a copy keeps its label and is reproducible: negations, what they negate,
names and numbers are not changed; punctuation, case and apostrophes are kept (there "n't" turns into "nt"); every draw
depends on the seed and the example's position (there on the order of a set of strings, which differs between
processes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from data.augmentation.additional_examples import AdditionalExamples, normalise_sentence
from data.augmentation.eda_operations import OPERATIONS, Operation, Thesaurus
from data.augmentation.protected_words import Word, join_words, split_words
from data.reading import RawSplit

__all__ = ["EdaRecipe", "augment", "change_count"]

_ALPHA = 0.1


@dataclass(frozen=True)
class EdaRecipe:
    """How copies are made.

    Attributes:
        weights: relative weights of the operations; one is drawn for every sentence of a copy. Missing means 0.
        alpha: share of a sentence's words that an operation changes, above 0 to 1; missing means .1. The paper advises
            .05 for up to 2,000 training sentences and .1 for more.
        copies: copies per example (the paper's n_aug): 16 for 500 sentences, 8 for 2,000, 4 for 5,000 and more.
    """

    weights: Mapping[Operation, float]
    alpha: Mapping[Operation, float] = field(default_factory=dict)
    copies: int = 4

    def __post_init__(self) -> None:
        for name, values in (("weights", self.weights), ("alpha", self.alpha)):
            for operation in values:
                if operation not in OPERATIONS:
                    raise ValueError(f"{name}: no operation '{operation}'; choose from {', '.join(OPERATIONS)}")
        bad = [weight for weight in self.weights.values() if not (weight >= 0 and math.isfinite(weight))]
        if bad or not sum(self.weights.values()) > 0:
            raise ValueError(f"weights must be finite, not negative and not all 0, got {dict(self.weights)}")
        for operation, alpha in self.alpha.items():
            if not 0.0 < alpha <= 1.0:
                raise ValueError(f"alpha of '{operation}' must be above 0 and at most 1, got {alpha}")
        if self.copies < 1:
            raise ValueError(f"copies must be at least 1, got {self.copies}")


def change_count(alpha: float, length: int) -> int:
    """Return how many of a sentence's l words to change: n = max(1, floor(alpha * l)), as in the released code."""
    return max(1, math.floor(alpha * length + 1e-9))  # 0.29 * 100 is 28.999999999999996


def augment(train: RawSplit, recipe: EdaRecipe, thesaurus: Thesaurus, seed: int) -> AdditionalExamples:
    """Make copies of every example of a training split, with its label.

    A copy depends only on the seed, its example's position and sentences, and its number: more copies do not change the
    first ones. Each sentence of a pair is changed separately. Copies in which nothing changed, for example for lack of
    synonyms, are left out, so that there may be fewer copies than configured; copies that equal other examples are
    dropped by :func:`~data.augmentation.additional_examples.without_known`.

    Args:
        train: the training split; never dev or test.
        recipe: how to make the copies; for pairs use only synonyms and swaps, because one word more or less on one side
            changes how similar the two sentences are.
        thesaurus: :class:`~data.augmentation.wordnet.WordNet`, or another one.
        seed: not negative.

    Returns:
        The copies of the first example, those of the second, and so on.

    Raises:
        ValueError: if the split has no labels.
    """
    if train.labels is None:
        raise ValueError(f"{train.path}: only examples with labels can be augmented")
    copies = list(_copies(train, recipe, thesaurus, seed))
    sources = np.array([position for position, _ in copies], dtype=np.int64)
    return AdditionalExamples([example for _, example in copies], train.labels[sources], sources)


def _copies(
    train: RawSplit, recipe: EdaRecipe, thesaurus: Thesaurus, seed: int
) -> Iterator[tuple[int, tuple[str, ...]]]:
    for position, example in enumerate(train.sentences):
        words = [split_words(sentence) for sentence in example]
        known = {tuple(map(normalise_sentence, example))}
        for number in range(recipe.copies):
            rng = np.random.default_rng([seed, position, number])
            copy = tuple(join_words(_changed(sentence, recipe, thesaurus, rng)) for sentence in words)
            key = tuple(map(normalise_sentence, copy))
            if key not in known:
                known.add(key)
                yield position, copy


def _changed(words: list[Word], recipe: EdaRecipe, thesaurus: Thesaurus, rng: np.random.Generator) -> list[Word]:
    weights = np.array([recipe.weights.get(operation, 0.0) for operation in OPERATIONS])
    operation = tuple(OPERATIONS)[rng.choice(len(weights), p=weights / weights.sum())]
    length = sum(bool(word.core) for word in words)
    return OPERATIONS[operation](words, change_count(recipe.alpha.get(operation, _ALPHA), length), thesaurus, rng)
