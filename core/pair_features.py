"""What a siamese head sees of two sentence vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["PAIR_FEATURES", "PairFeatures"]


@dataclass(frozen=True)
class PairFeatures:
    """A way to combine u and v: ``function`` maps (B, H), (B, H) to (B, width * H)."""

    width: int
    function: Callable[[Tensor, Tensor], Tensor]


PAIR_FEATURES: dict[str, PairFeatures] = {
    "uv": PairFeatures(2, lambda u, v: torch.cat([u, v], dim=-1)),
    "uv-diff": PairFeatures(3, lambda u, v: torch.cat([u, v, v - u], dim=-1)),
    "uv-absdiff": PairFeatures(3, lambda u, v: torch.cat([u, v, (u - v).abs()], dim=-1)),
}
