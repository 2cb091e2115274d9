"""Sentences of dev or test that also stand in train: they make a score look better than it is."""

from __future__ import annotations

from dataclasses import dataclass

from data.reading import RawSplit

__all__ = ["Overlap", "count_overlap"]


@dataclass(frozen=True)
class Overlap:
    """How much of a split also stands in train.

    Everything is counted once however often it stands in the split, and compared as it is written but for white space
    at both ends. A pair overlaps if train has the same two sentences in the same order.

    Attributes:
        sentences: sentences of the split that stand anywhere in train.
        pairs: pairs of the split that stand in train; 0 where an example is one sentence.
        of_sentences: different sentences in the split.
        of_pairs: different pairs in the split; 0 where an example is one sentence.
    """

    sentences: int
    pairs: int
    of_sentences: int
    of_pairs: int

    def __bool__(self) -> bool:
        """Whether anything overlaps."""
        return self.sentences > 0

    def warning(self, task: str, split: str) -> str | None:
        """One line for the user, or None if nothing overlaps."""
        if not self:
            return None
        pairs = f" (and {self.pairs:,} of {self.of_pairs:,} pairs)" if self.pairs else ""
        return (
            f"{task}: {self.sentences:,} of {self.of_sentences:,} different {split} sentences{pairs} "
            f"also stand in train; scores on {split} may be too good"
        )


def count_overlap(train: RawSplit, other: RawSplit) -> Overlap:
    """Count what of ``other``, a dev or test split of the same task, stands in ``train``."""
    known, asked = _stripped(train), _stripped(other)
    known_sentences = {sentence for example in known for sentence in example}
    asked_sentences = {sentence for example in asked for sentence in example}
    pairs = {example for example in asked if len(example) == 2}
    return Overlap(
        sentences=len(asked_sentences & known_sentences),
        pairs=len(pairs & known),
        of_sentences=len(asked_sentences),
        of_pairs=len(pairs),
    )


def _stripped(split: RawSplit) -> set[tuple[str, ...]]:
    return {tuple(sentence.strip() for sentence in example) for example in split.sentences}
