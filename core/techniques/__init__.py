"""Change what happens around the training step; one technique per file.

May import ``core.optim``, ``core.model``, ``core.run`` and ``core.config``.
"""

from __future__ import annotations

from collections.abc import Callable

from core.config import RunConfig
from core.techniques.exponential_moving_average import ExponentialMovingAverage
from core.techniques.gradient_clipping import GradientClipping
from core.techniques.proximal_point import ProximalPoint
from core.techniques.r_drop import RDrop
from core.techniques.smoothness import Smoothness
from core.techniques.stochastic_weight_averaging import StochasticWeightAveraging
from core.techniques.technique import Technique

__all__ = ["Technique", "make_techniques"]

# The order is that of the hooks within a step: averages see the weights after everything else. The names are also keys
# of checkpoints.
_BUILDERS: dict[str, Callable[[RunConfig], Technique | None]] = {
    "r_drop": RDrop.from_config,
    "smoothness": Smoothness.from_config,
    "gradient_clipping": GradientClipping.from_config,
    "proximal_point": ProximalPoint.from_config,
    "stochastic_weight_averaging": StochasticWeightAveraging.from_config,
    "weight_average": ExponentialMovingAverage.from_config,
}


def make_techniques(config: RunConfig) -> dict[str, Technique]:
    """Build the techniques that the run uses, by name, in the order in which their hooks are called."""
    built = {name: build(config) for name, build in _BUILDERS.items()}
    return {name: technique for name, technique in built.items() if technique is not None}
