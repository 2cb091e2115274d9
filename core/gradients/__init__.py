"""Combine the gradients of several tasks; one rule per file, selected by name when a run is built.

May import ``core.model`` and ``core.config``.
"""

from __future__ import annotations

from collections.abc import Callable

from core.config import RunConfig
from core.gradients.anchored import AnchoredGradients
from core.gradients.pcgrad import PCGrad
from core.gradients.rule import GradientRule
from core.gradients.summed import SummedGradients
from core.model.multitask import MultitaskBert

__all__ = ["AnchoredGradients", "GradientRule", "PCGrad", "SummedGradients", "make_gradient_rule"]

_BUILDERS: dict[str, Callable[[RunConfig, MultitaskBert], GradientRule]] = {
    "sum": lambda *_: SummedGradients(),
    "pcgrad": PCGrad.from_config,
    "anchored": AnchoredGradients.from_config,
}


def make_gradient_rule(config: RunConfig, model: MultitaskBert) -> GradientRule:
    """Build the configured rule for a model with all its parameters in place."""
    return _BUILDERS[config.gradients.rule](config, model)
