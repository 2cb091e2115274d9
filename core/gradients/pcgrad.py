"""Remove conflicts between the gradients of an update's tasks (PCGrad, Yu et al. 2020, arXiv:2001.06782)."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from core.config import RunConfig
from core.gradients.task_gradients import TaskGradients, dot_products
from core.model.multitask import MultitaskBert

__all__ = ["PCGrad", "without_conflicts"]

Floats = npt.NDArray[np.float64]

_STREAM = 0x9C64  # separates the draws from those of batch orders, which also use (seed, step)


class PCGrad:
    """The sum of g_i^PC over the shared encoder, where g_i^PC no longer conflicts with the other tasks (Algorithm 1).

    The tasks are those with a batch in the update. Heads and learned loss weights get their plain gradients.

    Args:
        model: the model; its encoder is shared.
        seed: seed of the run; with the step it determines the order in which tasks are visited.
    """

    def __init__(self, model: MultitaskBert, seed: int) -> None:
        self._gradients, self._seed = TaskGradients(model), seed

    @classmethod
    def from_config(cls, config: RunConfig, model: MultitaskBert) -> PCGrad:
        """Build the rule with the run's seed."""
        return cls(model, config.seed)

    def add(self, task: str, loss: Tensor) -> None:
        """Add to the task's gradient; several batches of a task in an update are summed."""
        self._gradients.add(task, loss)

    def combine(self, step: int) -> None:
        """Write the sum of the altered gradients to the encoder's ``grad``."""
        gradients = list(self._gradients.take().values())
        count = len(gradients)
        pairs = list(combinations_with_replacement(range(count), 2))
        products = np.zeros((count, count))
        for (i, j), product in zip(pairs, dot_products([(gradients[i], gradients[j]) for i, j in pairs]), strict=True):
            products[i, j] = products[j, i] = product
        rng = np.random.default_rng([self._seed, step, _STREAM])
        factors = without_conflicts(products, rng).sum(axis=0)
        self._gradients.put(zip(factors.tolist(), gradients, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: there is no state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing: there is no state."""


def without_conflicts(products: Floats, rng: np.random.Generator) -> Floats:
    """Run Algorithm 1 in the coordinates of the tasks' gradients.

    Each g_i^PC is a linear combination of original gradients, so the algorithm needs only their dot products, and no
    vector of the encoder's size is changed on the way.

    Args:
        products: g_i . g_j, (T, T).
        rng: draws a new order of the other tasks for every i.

    Returns:
        c, (T, T), with g_i^PC = sum_j c_ij g_j.
    """
    factors = np.eye(len(products))
    for i, running in enumerate(factors):
        for j in rng.permutation(np.delete(np.arange(len(products)), i)):
            conflict = running @ products[:, j]  # the current g_i^PC with the original g_j
            if conflict < 0 < products[j, j]:
                running[j] -= conflict / products[j, j]
    return factors
