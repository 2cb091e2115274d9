"""Define a batch of token ids, the interface between data and core.

The ids of all rows are stored flat in one tensor with offsets, so that a packed forward pass can be added without
changing a caller; :meth:`Batch.padded` is the view that a plain Transformer reads. A *row* is one token sequence as the
encoder sees it. A cross-encoded pair is one row; a siamese pair is two rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Batch", "LowerOutputs", "PaddedRows"]


@dataclass(frozen=True)
class PaddedRows:
    """The rows of a batch, right-padded to the longest: three tensors of shape (R, T)."""

    input_ids: Tensor  # int64
    attention_mask: Tensor  # bool, True on real tokens
    token_type_ids: Tensor  # int64, the segment: 0 or 1


@dataclass(frozen=True)
class LowerOutputs:
    """What the lowest layers of an encoder have returned for the rows of a batch before.

    Attributes:
        hidden: hidden states of all tokens, in the order of :attr:`Batch.input_ids`, (N, H); or pooled, (R, H).
        layers: number of layers.
        pooled: whether there is one vector per row; then the layers are all that the encoder has.
    """

    hidden: Tensor
    layers: int
    pooled: bool


@dataclass(frozen=True)
class Batch:
    """Token ids of B examples of one task.

    Attributes:
        task: name of the task.
        input_ids: ids of all rows one after the other, including special tokens, (N,) int64.
        token_type_ids: segment of every id, (N,) int64.
        offsets: row r is ``input_ids[offsets[r]:offsets[r + 1]]``, (R + 1,) int64.
        pooled: which rows each sentence vector is pooled from: one tensor of B row numbers for single sentences and
            cross-encoded pairs, two (first and second sentences) for siamese pairs.
        labels: class indices (int64) or scores (float32), (B,); None if there are none.
        positions: positions of the examples in their split, (B,) int64.
        pad_id: the id that :meth:`padded` pads with.
        lower: outputs of frozen layers, which the encoder then does not compute; None if there are none.
    """

    task: str
    input_ids: Tensor
    token_type_ids: Tensor
    offsets: Tensor
    pooled: tuple[Tensor, ...]
    labels: Tensor | None
    positions: Tensor
    pad_id: int
    lower: LowerOutputs | None = None

    def __len__(self) -> int:
        """Return the number of examples, B."""
        return len(self.positions)

    @cached_property
    def lengths(self) -> Tensor:
        """Return the tokens per row, (R,) int64."""
        return self.offsets[1:] - self.offsets[:-1]

    def padded(self) -> PaddedRows:
        """Return the rows right-padded to the longest, (R, T) each; computed once for all passes."""
        return self._padded

    @cached_property
    def _padded(self) -> PaddedRows:
        rows, longest = len(self.lengths), int(self.lengths.max())
        columns = torch.arange(longest, device=self.input_ids.device)
        mask = columns[None, :] < self.lengths[:, None]  # (R, T)
        ids = torch.full((rows, longest), self.pad_id, dtype=torch.int64, device=self.input_ids.device)
        segments = torch.zeros_like(ids)
        ids[mask] = self.input_ids  # row-major, which is the order of the flat ids
        segments[mask] = self.token_type_ids
        return PaddedRows(ids, mask, segments)

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on another device."""
        if self.input_ids.device == device:
            return self
        return Batch(
            task=self.task,
            input_ids=self.input_ids.to(device),
            token_type_ids=self.token_type_ids.to(device),
            offsets=self.offsets.to(device),
            pooled=tuple(rows.to(device) for rows in self.pooled),
            labels=None if self.labels is None else self.labels.to(device),
            positions=self.positions,
            pad_id=self.pad_id,
        )
