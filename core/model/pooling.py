"""Pool hidden states into one vector per row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from core.model.bert import Bert

__all__ = ["FIRST_TOKEN_POOLINGS", "POOLINGS", "EncodedRows"]


@dataclass(frozen=True)
class EncodedRows:
    """The encoder's last hidden states of a batch's rows.

    If only first tokens were computed, T is 1: only :meth:`cls` and a pooler can be used.
    """

    hidden: Tensor  # (R, T, H)
    attention_mask: Tensor  # (R, T) bool

    def cls(self) -> Tensor:
        """Return the first token of every row, (R, H)."""
        return self.hidden[:, 0]

    def mean(self) -> Tensor:
        """Return the mean over the real tokens, including special ones, (R, H)."""
        mask = self.attention_mask.unsqueeze(-1).to(self.hidden.dtype)  # (R, T, 1)
        return (self.hidden * mask).sum(dim=1) / mask.sum(dim=1)

    def max(self) -> Tensor:
        """Return the maximum over the real tokens, (R, H)."""
        lowest = torch.finfo(self.hidden.dtype).min
        return self.hidden.masked_fill(~self.attention_mask.unsqueeze(-1), lowest).amax(dim=1)


POOLINGS: dict[str, Callable[[Bert, EncodedRows], Tensor]] = {
    "cls": lambda _, rows: rows.cls(),
    "pooler": lambda bert, rows: bert.pool(rows.hidden),
    "mean": lambda _, rows: rows.mean(),
    "max": lambda _, rows: rows.max(),
}

FIRST_TOKEN_POOLINGS: Final = frozenset({"cls", "pooler"})  # they read nothing but the rows' first tokens
