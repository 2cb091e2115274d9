"""Draw tasks with probability proportional to a power of their size."""

from __future__ import annotations

import numpy as np

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["Proportional", "draw_task", "power_probabilities"]


def power_probabilities(sizes: dict[str, int], alpha: float) -> np.ndarray:
    """Return p_i ~ N_i^alpha, (tasks,) float64, summing to 1."""
    weights = np.array(list(sizes.values()), dtype=np.float64) ** alpha
    return np.asarray(weights / weights.sum())


def draw_task(tasks: tuple[str, ...], probabilities: np.ndarray, seed: int, step: int) -> str:
    """Draw one task with a separate generator for every step, so that a resumed run draws the same tasks."""
    point = np.random.default_rng([seed, step]).random()
    return tasks[min(int(np.searchsorted(probabilities.cumsum(), point, side="right")), len(tasks) - 1)]


class Proportional(BatchOrder):
    """Tasks drawn with p_i ~ N_i^alpha (Stickland & Murray 2019, sec. 3.3; ``contrastive``).

    alpha = 1 draws by size, 0.5 by the square root of the size, 0 uniformly. N_i counts examples, and p_i is the
    probability of a *batch*, as in the papers. With different batch sizes, the share of task i in the examples is
    b_i p_i / sum_j b_j p_j.

    Args:
        sizes: training examples per task.
        alpha: exponent, 0 to 1.
        seed: seed of the run.
    """

    def __init__(self, sizes: dict[str, int], alpha: float, seed: int) -> None:
        self._tasks, self._seed = tuple(sizes), seed
        self._probabilities = power_probabilities(sizes, alpha)

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task."""
        return (draw_task(self._tasks, self._probabilities, self._seed, progress.step),)
