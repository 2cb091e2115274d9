"""Assemble rows of token ids from tokenised sentences, batch by batch.

Only :func:`assemble` loads torch: the process of a study, which measures lengths, does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from data.examples import Examples
from data.ragged import run_indices, run_offsets
from data.tokenizer import special_ids

if TYPE_CHECKING:
    from data.batching import Batch

__all__ = ["RowLayout", "assemble", "row_lengths"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RowLayout:
    """The special ids, and the maximum tokens per row, including special tokens (at least 5)."""

    cls_id: int
    sep_id: int
    pad_id: int
    max_length: int

    def __post_init__(self) -> None:
        if self.max_length < 5:  # a pair of one token each and its three special tokens
            raise ValueError(f"max_length must be at least 5, got {self.max_length}")

    @classmethod
    def of(cls, tokenizer: Tokenizer, max_length: int) -> RowLayout:
        """Return the layout with a tokenizer's special tokens."""
        ids = special_ids(tokenizer)
        return cls(ids.cls, ids.sep, ids.pad, max_length)


def assemble(
    examples: Examples,
    positions: Ints,
    layout: RowLayout,
    siamese: bool,
    swapped: npt.NDArray[np.bool_] | None = None,
) -> Batch:
    """Assemble the batch of the examples at these positions.

    Single sentences become rows ``[CLS] a [SEP]``. Pairs become rows ``[CLS] a [SEP] b [SEP]`` with segment 1 from b
    on, or with ``siamese`` 2 B rows of single sentences: the first sentences, then the second ones. Rows that are too
    long are truncated like with the strategy ``longest_first`` of the ``tokenizers`` library.

    Args:
        examples: the split.
        positions: positions of the examples in the split, (B,) int64.
        layout: special ids and longest row.
        siamese: encode the sentences of a pair as separate rows.
        swapped: which pairs have their second sentence first, (B,); None: no pair.

    Raises:
        ValueError: if ``siamese`` is true and the examples are not pairs.
    """
    import torch

    from data.batching import Batch

    _check_siamese(examples, siamese)
    count = len(positions)
    per = examples.sentences_per_example
    order = np.broadcast_to(np.arange(per), (count, per))  # (B, S)
    if swapped is not None:
        order = np.where(swapped[:, None], order[:, ::-1], order)
    lengths = _kept(examples.lengths[positions[:, None], order], layout, siamese)  # (B, S)
    starts = examples.offsets[positions[:, None] * per + order]  # (B, S)
    if siamese:
        starts, lengths = starts.T.reshape(-1, 1), lengths.T.reshape(-1, 1)  # (2B, 1)
    ids, segments, offsets = _fill(examples.token_ids, starts, lengths, layout)
    pooled = (torch.arange(count), torch.arange(count, 2 * count)) if siamese else (torch.arange(count),)
    return Batch(
        task=examples.spec.name,
        input_ids=torch.from_numpy(ids),
        token_type_ids=torch.from_numpy(segments),
        offsets=torch.from_numpy(offsets),
        pooled=pooled,
        labels=None if examples.labels is None else torch.from_numpy(examples.labels[positions]),
        positions=torch.from_numpy(positions.astype(np.int64)),
        pad_id=layout.pad_id,
    )


def row_lengths(examples: Examples, layout: RowLayout, siamese: bool) -> Ints:
    """Return the tokens in each example's row, the longer of the two for siamese pairs, (n,); see :func:`assemble`."""
    _check_siamese(examples, siamese)
    lengths = _kept(examples.lengths, layout, siamese)  # (n, S)
    longest: Ints = lengths.max(axis=1) + 2 if siamese else lengths.sum(axis=1) + 1 + lengths.shape[1]
    return longest


def _check_siamese(examples: Examples, siamese: bool) -> None:
    if siamese and examples.sentences_per_example != 2:
        raise ValueError(f"task '{examples.spec.name}' has single sentences, but siamese rows need pairs")


def _kept(lengths: Ints, layout: RowLayout, siamese: bool) -> Ints:
    """Return how many tokens of each sentence fit into its row, (B, S) to (B, S)."""
    if siamese or lengths.shape[1] == 1:
        return np.minimum(lengths, layout.max_length - 2)
    # longest_first: the longer sentence is cut to the room that the shorter one leaves, but not below its length; if
    # that is still too long, both get half, and an odd token goes to the longer one (the second if equally long).
    room = layout.max_length - 3
    first, second = lengths[:, 0], lengths[:, 1]
    shorter, longer = np.minimum(first, second), np.maximum(first, second)
    longer = np.where(shorter + longer > room, np.maximum(shorter, room - shorter), longer)
    too_long = shorter + longer > room
    shorter = np.where(too_long, room // 2, shorter)
    longer = np.where(too_long, room - room // 2, longer)
    swapped = first > second
    return np.stack((np.where(swapped, longer, shorter), np.where(swapped, shorter, longer)), axis=1)


def _fill(token_ids: npt.NDArray[np.int32], starts: Ints, lengths: Ints, layout: RowLayout) -> tuple[Ints, Ints, Ints]:
    """Return flat ids and segments of R rows of S sentences each, and the rows' offsets (R + 1,).

    Args:
        token_ids: token ids of the split.
        starts: the start of each sentence in them, (R, S).
        lengths: how many of its tokens to use, (R, S).
        layout: the special ids.
    """
    offsets = run_offsets(lengths.sum(axis=1) + 1 + lengths.shape[1])
    ids = np.full(offsets[-1], layout.sep_id, dtype=np.int64)  # ids that are not overwritten below are [SEP]
    segments = np.zeros(offsets[-1], dtype=np.int64)
    ids[offsets[:-1]] = layout.cls_id
    begin = offsets[:-1] + 1
    for sentence in range(lengths.shape[1]):
        taken = lengths[:, sentence]
        ids[run_indices(begin, taken)] = token_ids[run_indices(starts[:, sentence], taken)]
        if sentence:
            segments[run_indices(begin, taken + 1)] = 1  # b and its [SEP]
        begin = begin + taken + 1
    return ids, segments, offsets
