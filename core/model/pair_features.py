"""What a siamese head sees of two sentence vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["PAIR_FEATURES", "PairFeatures", "cosine"]


@dataclass(frozen=True)
class PairFeatures:
    """A way to combine u and v.

    Attributes:
        function: maps (B, H), (B, H) to (B, width(H)).
        width: numbers per pair, from the width H of a sentence vector.
        is_output: whether these are the head's outputs already, and no layer comes after.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    width: Callable[[int], int]
    is_output: bool = False


def cosine(u: Tensor, v: Tensor) -> Tensor:
    """Cosines of (B, H) and (B, H), (B, 1).

    Where a vector is zero the cosine counts as 0 with a zero gradient. The usual guard of the denominator, 1e-8, would
    make that gradient 1e8 times the other vector, and one such pair (dropout can take every hidden unit of a narrow
    side layer) would be the whole update.
    """
    zero = ~(u.any(dim=-1, keepdim=True) & v.any(dim=-1, keepdim=True))  # (B, 1)
    return F.cosine_similarity(u, v, dim=-1).unsqueeze(-1).masked_fill(zero, 0.0)


PAIR_FEATURES: dict[str, PairFeatures] = {
    "uv": PairFeatures(lambda u, v: torch.cat([u, v], dim=-1), lambda size: 2 * size),
    "uv-diff": PairFeatures(lambda u, v: torch.cat([u, v, v - u], dim=-1), lambda size: 3 * size),
    "uv-absdiff": PairFeatures(lambda u, v: torch.cat([u, v, (u - v).abs()], dim=-1), lambda size: 3 * size),
    "cos": PairFeatures(cosine, lambda _: 1, is_output=True),
}
