"""Hold additional training examples of a task; filter, concatenate and sample them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.gold import Labels
from data.reading import RawSplit

__all__ = ["AdditionalExamples", "concatenate", "normalise_sentence", "sample_fraction", "without_known"]

_Key = tuple[str, ...]


@dataclass(frozen=True)
class AdditionalExamples:
    """Additional training examples of a task.

    Attributes:
        sentences: one or two per example.
        labels: class indices (int64) or scores (float32), (n,).
        sources: position in the training split that each was made from, (n,) int64; -1 if there is none.

    Raises:
        ValueError: if the counts differ, or single sentences and pairs are mixed.
    """

    sentences: list[tuple[str, ...]]
    labels: Labels
    sources: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = (len(self.sentences),)
        if self.labels.shape != shape or self.sources.shape != shape:
            raise ValueError(
                f"got {shape[0]} examples, but labels of shape {self.labels.shape} "
                f"and sources of shape {self.sources.shape}"
            )
        if self.labels.dtype not in (np.int64, np.float32) or self.sources.dtype != np.int64:
            raise ValueError(
                "labels must be int64 or float32 and sources int64, "
                f"got labels {self.labels.dtype} and sources {self.sources.dtype}"
            )
        counts = {len(example) for example in self.sentences}
        if not (counts <= {1} or counts <= {2}):
            raise ValueError(f"all examples must have one sentence, or all two, got {sorted(counts)}")

    @classmethod
    def without_sources(cls, sentences: list[tuple[str, ...]], labels: Labels) -> AdditionalExamples:
        """Build examples that were not made from examples of the training split."""
        return cls(sentences, labels, np.full(len(sentences), -1, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.sentences)

    def subset(self, positions: npt.NDArray[np.int64]) -> AdditionalExamples:
        """Return the examples at these positions, in this order."""
        return AdditionalExamples(
            [self.sentences[position] for position in positions], self.labels[positions], self.sources[positions]
        )


def normalise_sentence(sentence: str) -> str:
    """Normalise a sentence for comparison: casefolded, white space (also no-break spaces) stripped and collapsed."""
    return " ".join(sentence.casefold().split())


def without_known(extra: AdditionalExamples, known: Iterable[RawSplit]) -> AdditionalExamples:
    """Return the examples that are in none of the known splits, without repetitions; the first one is kept.

    Sentences are compared after :func:`normalise_sentence`. A pair is known if a split has both its sentences together,
    in either order; one known sentence with a new partner is a new pair. The label does not matter.

    Args:
        extra: additional examples of the splits' task.
        known: the task's train, dev and test split.
    """
    seen = {_key(example) for split in known for example in split.sentences}
    kept: list[int] = []
    for position, example in enumerate(extra.sentences):
        key = _key(example)
        if key not in seen:
            seen.add(key)
            kept.append(position)
    return extra.subset(np.array(kept, dtype=np.int64))


def concatenate(extras: Sequence[AdditionalExamples]) -> AdditionalExamples:
    """Concatenate examples of several sources.

    Raises:
        ValueError: if there is nothing to concatenate, or class indices and scores are mixed.
    """
    if not extras:
        raise ValueError("there is nothing to concatenate")
    kinds = {extra.labels.dtype for extra in extras}
    if len(kinds) > 1:
        raise ValueError("cannot concatenate examples with class indices and examples with scores")
    return AdditionalExamples(
        [example for extra in extras for example in extra.sentences],
        np.concatenate([extra.labels for extra in extras]),
        np.concatenate([extra.sources for extra in extras]),
    )


def sample_fraction(extra: AdditionalExamples, share: float, seed: int) -> AdditionalExamples:
    """Sample a random share of the examples, in their order.

    With the same seed, a larger share contains all examples of a smaller one, so that shares can be compared.

    Args:
        extra: the examples.
        share: share of the examples, 0 to 1; the count is rounded to the nearest integer, halves to even.
        seed: not negative.

    Raises:
        ValueError: if the share is outside 0 to 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must be within 0 to 1, got {share}")
    order = np.random.default_rng(seed).permutation(len(extra))
    return extra.subset(np.sort(order[: round(share * len(extra))]))


def _key(example: tuple[str, ...]) -> _Key:
    return tuple(sorted(normalise_sentence(sentence) for sentence in example))
