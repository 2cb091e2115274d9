"""Further training examples of a task, and what every source of them needs: filtering, joining, thinning out."""

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
    """Further training examples of a task.

    Attributes:
        sentences: one or two per example.
        labels: class indices (int64) or scores (float32), (n,).
        sources: position in the training split that each was made from, (n,) int64; -1 where there is none.

    Raises:
        ValueError: if the counts differ, or examples of one sentence stand beside pairs.
    """

    sentences: list[tuple[str, ...]]
    labels: Labels
    sources: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = (len(self.sentences),)
        if self.labels.shape != shape or self.sources.shape != shape:
            raise ValueError(
                f"there are {shape[0]} examples, but labels of shape {self.labels.shape} "
                f"and sources of shape {self.sources.shape}"
            )
        if self.labels.dtype not in (np.int64, np.float32) or self.sources.dtype != np.int64:
            raise ValueError(
                "labels must be int64 or float32 and sources int64, "
                f"got labels {self.labels.dtype} and sources {self.sources.dtype}"
            )
        counts = {len(example) for example in self.sentences}
        if not (counts <= {1} or counts <= {2}):
            raise ValueError(f"every example holds one sentence, or every one two; got {sorted(counts)}")

    @classmethod
    def without_sources(cls, sentences: list[tuple[str, ...]], labels: Labels) -> AdditionalExamples:
        """Examples that were made from none of the training split."""
        return cls(sentences, labels, np.full(len(sentences), -1, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.sentences)

    def subset(self, positions: npt.NDArray[np.int64]) -> AdditionalExamples:
        """The examples at these positions, in this order."""
        return AdditionalExamples(
            [self.sentences[position] for position in positions], self.labels[positions], self.sources[positions]
        )


def normalise_sentence(sentence: str) -> str:
    """A sentence as it is compared: casefolded, runs of white space (no-break spaces too) as one space, none around."""
    return " ".join(sentence.casefold().split())


def without_known(extra: AdditionalExamples, known: Iterable[RawSplit]) -> AdditionalExamples:
    """Only the examples that stand in none of the known splits, each of them once: the first is kept.

    Sentences are compared after :func:`normalise_sentence`. A pair is known if a split has both its sentences together,
    in either order; one known sentence with a new partner is a new pair. The label does not matter.

    Args:
        extra: examples of the task of the splits.
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
    """All examples, one source after the other.

    Raises:
        ValueError: for none at all, and for class indices beside scores.
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
    """A random share of the examples, in their order.

    With the same seed, what a small share has a larger one has too, so that shares can be compared.

    Args:
        extra: the examples.
        share: of them, 0 to 1; the count is rounded to the nearest, halves to even.
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
