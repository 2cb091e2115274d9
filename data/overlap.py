"""Count sentences of dev or test that are also in train, which make a score look better than it is."""

from __future__ import annotations

from dataclasses import dataclass

from data.reading import RawSplit

__all__ = ["Overlap", "count_overlap"]


@dataclass(frozen=True)
class Overlap:
    """How much of a split is also in train.

    Every distinct sentence and pair of the split is counted once, and compared exactly except for white space at both
    ends. A pair overlaps if train has the same two sentences in the same order.

    Attributes:
        sentences: sentences of the split that occur anywhere in train.
        pairs: pairs of the split that are in train; 0 for single sentences.
        of_sentences: distinct sentences in the split.
        of_pairs: distinct pairs in the split; 0 for single sentences.
    """

    sentences: int
    pairs: int
    of_sentences: int
    of_pairs: int

    def __bool__(self) -> bool:
        """Return whether anything overlaps."""
        return self.sentences > 0

    def warning(self, task: str, split: str) -> str | None:
        """Return one line for the user, or None if nothing overlaps."""
        if not self:
            return None
        pairs = f" (and {self.pairs:,} of {self.of_pairs:,} pairs)" if self.pairs else ""
        return (
            f"{task}: {self.sentences:,} of {self.of_sentences:,} distinct {split} sentences{pairs} "
            f"are also in train; scores on {split} may be too high"
        )


def count_overlap(train: RawSplit, other: RawSplit) -> Overlap:
    """Count the sentences and pairs of ``other``, a dev or test split of the same task, that are in ``train``."""
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
