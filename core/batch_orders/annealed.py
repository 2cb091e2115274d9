"""Sample tasks with an annealed exponent (Stickland & Murray 2019, "BERT and PALs", arXiv:1902.02671)."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.batch_orders.proportional import draw_task, power_probabilities
from core.run.progress import Progress

__all__ = ["Annealed", "annealed_alpha"]


def annealed_alpha(epoch: int, epochs: int) -> float:
    """Return alpha = 1 - 0.8 (e - 1) / (E - 1) for e = epoch + 1 of E = epochs; 1 if there is only one epoch."""
    return 1.0 if epochs == 1 else 1.0 - 0.8 * epoch / (epochs - 1)


class Annealed(BatchOrder):
    """Tasks drawn with p_i ~ N_i^alpha, where alpha falls from 1 to 0.2: by size first, nearly uniform at the end.

    Epochs are virtual epochs of the planned examples, so that a short run is annealed as fully as a long one. As in
    :class:`core.batch_orders.Proportional`, p_i is the probability of a batch.

    Args:
        sizes: training examples per task.
        seed: seed of the run.
    """

    def __init__(self, sizes: dict[str, int], seed: int) -> None:
        self._sizes, self._tasks, self._seed = sizes, tuple(sizes), seed

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task, drawn with the alpha of the current virtual epoch."""
        probabilities = power_probabilities(self._sizes, annealed_alpha(progress.epoch, progress.epochs))
        return (draw_task(self._tasks, probabilities, self._seed, progress.step),)
