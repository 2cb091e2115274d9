"""Choose which tasks' batches a training step sees; one order per file, selected by name when a run is built.

May import ``core.run`` and ``core.config``.
"""

from __future__ import annotations

from collections.abc import Callable

from core.batch_orders.annealed import Annealed
from core.batch_orders.order import BatchOrder
from core.batch_orders.proportional import Proportional
from core.batch_orders.round_robin import RoundRobin
from core.batch_orders.round_robin_truncated import RoundRobinTruncated
from core.batch_orders.sequence import TaskSequence
from core.batch_orders.shuffled import Shuffled
from core.batch_orders.together import Together
from core.config import RunConfig

__all__ = [
    "Annealed",
    "BatchOrder",
    "Proportional",
    "RoundRobin",
    "RoundRobinTruncated",
    "Shuffled",
    "TaskSequence",
    "Together",
    "make_order",
]

_BUILDERS: dict[str, Callable[[RunConfig, dict[str, int]], BatchOrder]] = {
    "sequence": lambda config, sizes: TaskSequence(sizes, _batch_sizes(config)),
    "round-robin": lambda _, sizes: RoundRobin(tuple(sizes)),
    "round-robin-truncated": lambda config, sizes: RoundRobinTruncated(sizes, _batch_sizes(config)),
    "proportional": lambda config, sizes: Proportional(sizes, config.sampler.alpha, config.seed),
    "annealed": lambda config, sizes: Annealed(sizes, config.seed),
    "together": lambda _, sizes: Together(tuple(sizes)),
    "shuffled": lambda config, sizes: Shuffled(sizes, _batch_sizes(config), config.seed),
}


def make_order(config: RunConfig, sizes: dict[str, int]) -> BatchOrder:
    """Build the configured order for tasks with these numbers of training examples (at least 1 each)."""
    return _BUILDERS[config.sampler.order](config, sizes)


def _batch_sizes(config: RunConfig) -> dict[str, int]:
    return {task: config.batch_size(task) for task in config.tasks}
