"""Make two dropout passes agree (R-Drop, Liang et al. 2021, arXiv:2106.14448, section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from core.config import RunConfig
from core.model.forward_pass import ForwardPass
from core.techniques.technique import Technique

__all__ = ["RDrop"]


class RDrop(Technique):
    """The loss 1/2 (L1 + L2) + alpha / 2 * (KL(P1 || P2) + KL(P2 || P1)), mean over the batch.

    1 and 2 are two passes with different dropout masks, and gradients flow through both. The trainer already has L1, so
    the penalty is 1/2 (L2 - L1) + alpha / 2 * D(o1, o2), where D is the task loss's ``divergence``; for scores it is
    the squared difference. The released code for classifiers also uses half of L1 + L2; the paper's equations 2 and 4
    use the whole sum, so that its alpha is twice the one here.

    Args:
        alpha: weight of each task's divergence, at least 0; missing means 0.
    """

    def __init__(self, alpha: Mapping[str, float]) -> None:
        self._alpha = alpha

    @classmethod
    def from_config(cls, config: RunConfig) -> RDrop | None:
        """Build the technique, or return None if no task has an alpha above 0."""
        return cls(config.r_drop.alpha) if any(config.r_drop.alpha.values()) else None

    def penalty(self, forward: ForwardPass) -> Tensor | None:
        """Return the term that completes L1, (), at the cost of a forward pass; None, without a pass, if alpha is 0."""
        batch = forward.batch
        alpha = self._alpha.get(batch.task, 0.0)
        if not alpha:
            return None
        assert batch.labels is not None, "training files without labels are refused when read"
        loss = forward.model.losses[batch.task]
        others = forward.repeat_with_fresh_dropout()
        rise = loss.loss(others, batch.labels) - loss.loss(forward.outputs, batch.labels)
        return 0.5 * rise + 0.5 * alpha * loss.divergence(forward.outputs, others)
