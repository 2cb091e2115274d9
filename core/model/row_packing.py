"""Lay out the tokens of a batch one after the other, so that the encoder computes nothing for padding.

Letters in shape comments: R rows, T tokens per padded row, N tokens of all rows together, with what fills them up,
H hidden size, A attention heads, D = H / A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from core.model.linear import filled_up

__all__ = ["EqualRows", "RowPacking"]


@dataclass(frozen=True)
class EqualRows:
    """Consecutive rows of one length: a part of the packed layout that has no padding.

    Attributes:
        rows: the rows.
        tokens: their places in the packed layout.
        length: tokens of each row.
    """

    rows: slice
    tokens: slice
    length: int


class RowPacking:
    """The places of R rows' tokens in a padded (R, T) and in a packed (N,) layout.

    Rows are packed on the CPU only, where time grows with the number of tokens. On other devices finding the padding
    would wait for the device; there, and where nothing is padded, the packed layout is the padded one, N = R T, unless
    it is filled up.

    Args:
        shape: R and T.
        mask: (R, T) bool, true on real tokens; None if there is no padding.
        device: where the tokens are.
        fill_up: whether to add copies of the first cell on the CPU, so that N is one of few numbers; see
            :mod:`core.model.linear`. They are never attended to, left out when unpacked, and have no gradient.
    """

    def __init__(
        self, shape: tuple[int, int], mask: Tensor | None, device: torch.device, fill_up: bool = False
    ) -> None:
        self.shape, self.device = shape, device
        # Microseconds on a CPU. Elsewhere, reading the result would wait for the device, so callers pass None.
        if mask is not None and device.type == "cpu" and bool(mask.all()):
            mask = None
        self.mask = mask
        self._cells: Tensor | None = None  # (N,), the place of every token in the padded layout
        self._tokens = shape[0] * shape[1]  # N without what fills it up
        if device.type == "cpu":
            self._pack(fill_up)
        self._of_heads: dict[int, tuple[Tensor, Tensor]] = {}
        self._paddings: dict[tuple[int, torch.dtype], Tensor] = {}

    def _pack(self, fill_up: bool) -> None:
        cells: Tensor | None = None
        # A row without a first token, which no tokeniser returns, has no place in the packed layout.
        if self.mask is not None and bool(self.mask[:, 0].all()):
            cells = self.mask.flatten().nonzero().squeeze(1)
        elif fill_up:
            cells = torch.arange(self._tokens)
        if cells is not None:
            self._tokens = len(cells)
            self._cells = F.pad(cells, (0, filled_up(len(cells)) - len(cells))) if fill_up else cells

    @cached_property
    def positions(self) -> Tensor:
        """Return the position of every token in its row, (N,) int64."""
        rows, longest = self.shape
        if self._cells is None:
            return torch.arange(longest, device=self.device).repeat(rows)
        return self._cells % longest

    @cached_property
    def first(self) -> Tensor:
        """Return the place of every row's first token, (R,) int64."""
        rows, longest = self.shape
        if self._tokens == rows * longest:
            return torch.arange(0, rows * longest, longest, device=self.device)
        lengths = self._lengths()
        return lengths.cumsum(0) - lengths

    @cached_property
    def equal_rows(self) -> list[EqualRows]:
        """Return all rows in parts of one length each; nothing if the layout has padding, or may have."""
        rows, longest = self.shape
        if self.device.type != "cpu" or (self.mask is not None and self._tokens == rows * longest):
            return []
        lengths = [longest] * rows if self.mask is None else self._lengths().tolist()
        parts, row, token = [], 0, 0
        for length, equal in groupby(lengths):
            count = len(list(equal))
            parts.append(EqualRows(slice(row, row + count), slice(token, token + count * length), length))
            row, token = row + count, token + count * length
        return parts

    def attention_mask(self, queries: int) -> Tensor | None:  # noqa: ARG002  (other layouts need it)
        """Return which tokens each of a row's queries attends to, as scaled_dot_product_attention takes it.

        Args:
            queries: Q, queries per row.

        Returns:
            True where attended, or numbers that are added to the scores, that broadcast to (R, A, Q, T); None for all.
        """
        return None if self.mask is None else self.mask[:, None, None, :]

    def pack(self, padded: Tensor) -> Tensor:
        """(R, T, ...) -> (N, ...)."""
        flat = padded.flatten(0, 1)
        return flat if self._cells is None else flat.index_select(0, self._cells)

    def fill_up(self, packed: Tensor) -> Tensor:
        """(tokens, ...) -> (N, ...), with zeros, for what was packed without what fills it up.

        Raises:
            ValueError: if there are more or fewer tokens.
        """
        if len(packed) != self._tokens:
            raise ValueError(f"the rows have {self._tokens} tokens, got {len(packed)}")
        extra = 0 if self._cells is None else len(self._cells) - self._tokens
        return torch.cat([packed, packed.new_zeros(extra, *packed.shape[1:])]) if extra else packed

    def unpack(self, packed: Tensor) -> Tensor:
        """(N, ...) -> (R, T, ...), zero on padding."""
        if self._cells is not None:
            empty = packed.new_zeros(self.shape[0] * self.shape[1], *packed.shape[1:])
            packed = empty.index_copy_(0, self._cells[: self._tokens], packed[: self._tokens])
        return packed.view(*self.shape, *packed.shape[1:])

    def split_heads(self, packed: Tensor, heads: int) -> Tensor:
        """(N, H) -> (R A, T, D), contiguous; a padded cell has the values of some token."""
        rows, longest = self.shape
        if self._cells is None:
            split = packed.view(rows, longest, heads, -1).transpose(1, 2)  # (R, A, T, D)
            return split.reshape(rows * heads, longest, -1)
        sources, _ = self._places_of_heads(heads)
        return packed.reshape(len(packed) * heads, -1).index_select(0, sources).view(rows * heads, longest, -1)

    def merge_heads(self, split: Tensor, heads: int) -> Tensor:
        """(R A, T, D) -> (N, H), the inverse of :meth:`split_heads`; what fills N up is zero."""
        rows, longest = self.shape
        if self._cells is None:
            return split.view(rows, heads, longest, -1).transpose(1, 2).reshape(rows * longest, -1)
        _, places = self._places_of_heads(heads)
        merged = split.view(rows * heads * longest, -1).index_select(0, places).view(len(self._cells), -1)
        merged[self._tokens :] = 0.0
        return merged

    def padding(self, heads: int, dtype: torch.dtype) -> Tensor:
        """Return what to add to attention scores: minus infinity on padding, else 0; (R A, 1, T), or (1, 1, 1)."""
        if (heads, dtype) not in self._paddings:
            added = torch.zeros((1, 1), dtype=dtype, device=self.device)
            if self.mask is not None:
                added = added.expand(self.shape).masked_fill(~self.mask, -math.inf).repeat_interleave(heads, 0)
            self._paddings[heads, dtype] = added[:, None, :]
        return self._paddings[heads, dtype]

    def _lengths(self) -> Tensor:
        assert self.mask is not None
        return self.mask.sum(1)

    def _places_of_heads(self, heads: int) -> tuple[Tensor, Tensor]:
        """Return the part of the tokens (R A T,) in every cell of every head, and the cell of every part, (N A,)."""
        if heads not in self._of_heads:
            assert self._cells is not None
            rows, longest = self.shape
            numbers = torch.arange(heads)
            tokens = torch.zeros(rows * longest, dtype=torch.int64)
            tokens[self._cells[: self._tokens]] = torch.arange(self._tokens)
            sources = tokens.view(rows, 1, longest) * heads + numbers[:, None]  # (R, A, T)
            row, column = self._cells // longest, self._cells % longest
            places = (row[:, None] * heads + numbers) * longest + column[:, None]  # (N, A)
            self._of_heads[heads] = sources.flatten(), places.flatten()
        return self._of_heads[heads]
