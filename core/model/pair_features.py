"""Combine two sentence vectors into the features of a siamese head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["PAIR_FEATURES", "PairFeatures", "cosine"]


@dataclass(frozen=True)
class PairFeatures:
    """A way to combine two sentence vectors u and v.

    Attributes:
        function: maps (B, H), (B, H) to (B, width(H)).
        width: maps the width H of a sentence vector to the number of features per pair.
        is_output: whether the features already are the head's outputs, with no layer after them.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    width: Callable[[int], int]
    is_output: bool = False


def cosine(u: Tensor, v: Tensor) -> Tensor:
    """Compute the cosines of (B, H) and (B, H), (B, 1).

    If a vector is zero, the cosine is 0 with a zero gradient. The usual guard of the denominator, 1e-8, would make that
    gradient 1e8 times the other vector, and one such pair (dropout can zero every hidden unit of a narrow side layer)
    would dominate the update.
    """
    zero = ~(u.any(dim=-1, keepdim=True) & v.any(dim=-1, keepdim=True))  # (B, 1)
    return F.cosine_similarity(u, v, dim=-1).unsqueeze(-1).masked_fill(zero, 0.0)


PAIR_FEATURES: dict[str, PairFeatures] = {
    "uv": PairFeatures(lambda u, v: torch.cat([u, v], dim=-1), lambda size: 2 * size),
    "uv-diff": PairFeatures(lambda u, v: torch.cat([u, v, v - u], dim=-1), lambda size: 3 * size),
    "uv-absdiff": PairFeatures(lambda u, v: torch.cat([u, v, (u - v).abs()], dim=-1), lambda size: 3 * size),
    "cos": PairFeatures(cosine, lambda _: 1, is_output=True),
}
