"""Which tasks' batches a training step sees, one order a file, chosen by name when a run is built."""

from __future__ import annotations

from core.batch_orders.annealed import Annealed
from core.batch_orders.order import BatchOrder
from core.batch_orders.proportional import Proportional
from core.batch_orders.round_robin import RoundRobin
from core.config import SamplerConfig

__all__ = ["Annealed", "BatchOrder", "Proportional", "RoundRobin", "make_order"]


def make_order(config: SamplerConfig, sizes: dict[str, int], seed: int) -> BatchOrder:
    """The order that the config names, over tasks with this many training examples each."""
    if config.order == "proportional":
        return Proportional(sizes, config.alpha, seed)
    return Annealed(sizes, seed) if config.order == "annealed" else RoundRobin(tuple(sizes))
