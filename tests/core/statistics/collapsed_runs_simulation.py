"""Studies of several rows over seeds, some of whose runs fail to learn, with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPREAD, LOSS = 0.005, 0.3  # of a score over seeds, and what a run scores less that fails to learn


@dataclass(frozen=True)
class Case:
    """A kind of study.

    Attributes:
        title: what happens in it.
        failing: rows some of whose runs may fail, from the last one on.
        chance: that a run of theirs fails; None: the first of each fails, the others do not.
        rows: how many there are; the first two never fail unless all rows may.
        seeds: of each row.
    """

    title: str
    failing: int
    chance: float | None = None
    rows: int = 8
    seeds: int = 3

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the scores of each row minus the mean of runs without failure, (seeds,) each."""
        failed = np.zeros((self.rows, self.seeds), dtype=bool)
        of_rows = failed[self.rows - self.failing :]
        if self.chance is None:
            of_rows[:, 0] = True
        else:
            of_rows[:] = rng.random(of_rows.shape) < self.chance
        return list(rng.normal(0.0, SPREAD, failed.shape) - LOSS * failed)

    def truth(self, row: int) -> float:
        """Return its mean over all seeds, on the same scale, without failures that chance does not decide."""
        may_fail = row >= self.rows - self.failing
        return -LOSS * self.chance if may_fail and self.chance is not None else 0.0
