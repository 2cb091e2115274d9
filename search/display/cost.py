"""Write a run's cost as text."""

from __future__ import annotations

from core.run.cost import Cost

__all__ = ["cost_text"]


def cost_text(cost: Cost) -> str:
    """``109,482,240 parameters, 0.54 % of them trained; 20,000 forward examples; peak memory 2,345 MiB``.

    With stages: ``20,000 forward examples after 5,000 examples of further pretraining``.
    """
    stages = cost.pretraining_examples
    before = f" after {stages:,} examples of further pretraining" if stages else ""
    return (
        f"{cost.parameters:,} parameters, {100 * cost.trainable_share:.3g} % of them trained; "
        f"{cost.forward_examples:,} forward examples{before}; peak memory {cost.peak_memory_mib:,.0f} MiB"
    )
