"""Cross-entropy over classes."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.class_weights import ClassWeighting, mean_one
from core.losses.symmetric_kl import symmetric_kl

__all__ = ["CrossEntropy"]


class CrossEntropy:
    """-w_y sum_k t_k log softmax(z)_k with t = (1 - e) onehot(y) + e / K, mean over the batch.

    The weight depends on the example's own class y, and e smooths the example's target: neither changes the meaning of
    the other. The mean divides by the batch size B. Dividing by the batch's sum of weights, as PyTorch does, would undo
    the weights in a batch of one class and change an example's weight from batch to batch. Since the weights have mean
    1 over the training examples (see :func:`mean_one`), dividing by B keeps the loss at its usual size.

    Args:
        classes: number of classes, K >= 2.
        label_smoothing: e, the share of the label that is spread evenly over all K classes (arXiv:1512.00567, sec. 7).
        weighting: gives the relative weights w; None: all examples count equally.
    """

    def __init__(self, classes: int, label_smoothing: float = 0.0, weighting: ClassWeighting | None = None) -> None:
        self.outputs = classes
        self._smoothing = label_smoothing
        self._weighting = weighting
        self._weights: Tensor | None = None  # (K,), from prepare

    def prepare(self, gold: np.ndarray) -> None:
        """Class indices (N,) of all training examples -> the weights of the classes."""
        if self._weighting is not None:
            counts = np.bincount(gold, minlength=self.outputs)
            self._weights = torch.from_numpy(mean_one(self._weighting(counts), counts))

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, K), class indices (B,) -> ()."""
        losses = F.cross_entropy(outputs, gold, reduction="none", label_smoothing=self._smoothing)  # (B,)
        if self._weighting is None:
            return losses.mean()
        assert self._weights is not None, "weights by class come from prepare"
        return (losses * self._weights.to(losses.device, losses.dtype)[gold]).mean()

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, K) -> probabilities (B, K)."""
        return outputs.softmax(dim=-1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Symmetric KL of the class probabilities: (B, K), (B, K) -> ()."""
        return symmetric_kl(outputs, others)
