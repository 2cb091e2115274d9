"""Hold the examples of a stage: rows, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from data.batching import Batch
from data.examples import Examples
from data.gold import Labels
from data.ragged import run_indices, run_offsets
from data.rows import RowLayout, assemble, row_lengths
from data.tasks import Columns, Kind, SplitFiles, TaskSpec

__all__ = ["Ints", "StageData", "distinct_sentences"]

Ints = npt.NDArray[np.int64]

# Rows are assembled from the examples of a task: this one has single sentences and predicts nothing.
_SENTENCES = TaskSpec(
    name="sentences",
    kind=Kind.SCORE,
    files=SplitFiles(train="", dev=""),
    columns=Columns(id=None, sentences=("sentence",), label=""),
    score_range=(0.0, 1.0),
    metric="pearson",
)


@dataclass(frozen=True)
class StageData:
    """N examples of K rows each.

    Attributes:
        rows: the examples that rows are assembled from: single sentences, or pairs that share a row.
        table: the rows of every example, (N, K) int64. K is 1 for a sentence or a cross-encoded pair, 2 for the two
            sides of a positive pair (or one sentence twice), 3 for anchor, positive and hard negative.
        labels: class indices, (N,) int64; None if the loss needs none.
        layout: layout of the rows.
    """

    rows: Examples
    table: Ints
    labels: Labels | None
    layout: RowLayout

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def lengths(self) -> Ints:
        """Return the number of tokens in the longest row of every example, (N,)."""
        longest: Ints = row_lengths(self.rows, self.layout, siamese=False)[self.table].max(axis=1)
        return longest

    def batch(self, positions: Ints) -> Batch:
        """Return the batch of the examples at these positions: K B rows, first all first rows, then all second ones."""
        count, width = len(positions), self.table.shape[1]
        batch = assemble(self.rows, self.table[positions].T.ravel(), self.layout, siamese=False)
        return replace(
            batch,
            pooled=tuple(torch.arange(k * count, (k + 1) * count) for k in range(width)),
            labels=None if self.labels is None else torch.from_numpy(self.labels[positions]),
            positions=torch.from_numpy(positions.astype(np.int64)),
        )


def distinct_sentences(parts: Sequence[Examples], max_length: int) -> tuple[Examples, list[Ints]]:
    """Collect the distinct sentences of several tasks, and number the sentences of each task's examples.

    Sentences are equal if their rows are: in an uncased vocabulary capitals make no difference, and neither does text
    beyond the maximum length.

    Args:
        parts: examples of one or two sentences.
        max_length: tokens per row, including its two special tokens.

    Returns:
        Examples of one sentence each, in the order of their first occurrence, and for each part the number of every
        sentence, (n, sentences per example).
    """
    tokens = np.concatenate([part.token_ids for part in parts])
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    starts = run_offsets(lengths)[:-1]
    kept = np.minimum(lengths, max_length - 2)
    numbers: dict[bytes, int] = {}
    first: list[int] = []  # the position of each distinct sentence
    number = np.empty(len(lengths), dtype=np.int64)
    for place, (start, length) in enumerate(zip(starts.tolist(), kept.tolist(), strict=True)):
        found = numbers.setdefault(tokens[start : start + length].tobytes(), len(numbers))
        if found == len(first):
            first.append(place)
        number[place] = found
    places = np.array(first, dtype=np.int64)
    pool = Examples(
        spec=_SENTENCES,
        ids=[str(index) for index in range(len(places))],
        token_ids=tokens[run_indices(starts[places], kept[places])],
        offsets=run_offsets(kept[places]),
        labels=None,
    )
    ends = np.cumsum([len(part.offsets) - 1 for part in parts])
    pieces = np.split(number, ends[:-1])
    return pool, [
        piece.reshape(len(part), part.sentences_per_example) for piece, part in zip(pieces, parts, strict=True)
    ]
