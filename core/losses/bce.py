"""Binary cross-entropy on one logit, for tasks with two classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["BinaryCrossEntropy"]


class BinaryCrossEntropy:
    """-[y log s(z) + (1 - y) log(1 - s(z))] with s the sigmoid, mean over the batch."""

    outputs = 1

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, 1), class indices 0 or 1 (B,) -> ()."""
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), gold.to(outputs.dtype))

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> probabilities of both classes (B, 2)."""
        return torch.cat([(-outputs).sigmoid(), outputs.sigmoid()], dim=-1)
