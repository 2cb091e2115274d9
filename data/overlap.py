"""Dev or test sentences that also stand in train: no error, but something to know when reading a score."""

from __future__ import annotations

from dataclasses import dataclass

from data.reading import RawSplit

__all__ = ["Overlap", "count_overlap"]


@dataclass(frozen=True)
class Overlap:
    """What a split shares with train, whitespace at the ends of sentences aside.

    Attributes:
        sentences: different sentences of the split that also stand in train, in whatever pair.
        pairs: different pairs of the split that also stand in train, in the same order; 0 for single sentences.
        total: sentences of the split, repeated ones counted again.
    """

    sentences: int
    pairs: int
    total: int

    @property
    def warning(self) -> str:
        """One line for people; empty where nothing is shared."""
        if not self.sentences:
            return ""
        pairs = f", and {self.pairs:,} whole pairs" if self.pairs else ""
        return f"{self.sentences:,} of its {self.total:,} sentences also stand in train{pairs}; its score may flatter"


def count_overlap(train: RawSplit, other: RawSplit) -> Overlap:
    """Compare a dev or test split with the train split of the same task."""
    known_examples, examples = _examples(train), _examples(other)
    known = {sentence for example in known_examples for sentence in example}
    sentences = {sentence for example in examples for sentence in example}
    is_pair = bool(other.sentences) and len(other.sentences[0]) == 2
    return Overlap(
        sentences=len(sentences & known),
        pairs=len(examples & known_examples) if is_pair else 0,
        total=sum(map(len, other.sentences)),
    )


def _examples(split: RawSplit) -> set[tuple[str, ...]]:
    return {tuple(sentence.strip() for sentence in example) for example in split.sentences}
