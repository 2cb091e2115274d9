"""Count the training examples of each task that a run has seen at its rungs, without training it."""

from __future__ import annotations

from collections import Counter

from core.batch_orders import make_order
from core.config import RunConfig
from core.run.progress import Progress

__all__ = ["seen_examples"]


def seen_examples(config: RunConfig, sizes: dict[str, int]) -> dict[int, dict[str, int]]:
    """Return the examples of each task seen when dev is scored, by rung.

    Batch orders depend only on the run's position, so they give the same turns as in training.

    Args:
        config: the run.
        sizes: training examples per task, at least 1 each, as the run uses them.
    """
    order, turns = make_order(config, sizes), config.optim.accumulate
    progress, seen = Progress(0, 0, config.budget.examples, config.budget.epochs), Counter(dict.fromkeys(sizes, 0))
    found = {}
    for rung in config.rungs:
        while progress.examples < rung:
            examples = 0
            for turn in range(turns):
                for task in order.next(progress.at_turn(turn, turns, examples)):
                    examples += config.batch_size(task)
                    seen[task] += config.batch_size(task)
            progress = progress.after(examples)
        found[rung] = dict(seen)
    return found
