"""Clip the gradient by its norm (Pascanu et al. 2013, section 3.2)."""

from __future__ import annotations

from core.config import RunConfig
from core.model.multitask import MultitaskBert
from core.optim.clipping import clip_gradients
from core.techniques.technique import Technique

__all__ = ["GradientClipping"]


class GradientClipping(Technique):
    """g <- g min(1, c / |g|) over all parameters together, or over each task's if every task has its own encoder.

    The latter also holds for layers of each task's own if everything below them is frozen.

    Tasks that share nothing are trained as if each were alone: one with a large gradient must not shorten the steps of
    the others.

    Args:
        norm: c, the largest L2 norm.
    """

    def __init__(self, norm: float) -> None:
        self._norm = norm

    @classmethod
    def from_config(cls, config: RunConfig) -> GradientClipping | None:
        """Build the technique, or return None if the run does not clip."""
        return None if config.optim.clip_norm is None else cls(config.optim.clip_norm)

    def before_update(self, model: MultitaskBert) -> None:
        """Clip the gradients in place."""
        for part in model.parts():
            clip_gradients(part.parameters(), self._norm)
