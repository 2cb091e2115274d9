"""Stream shuffled batches in which no sentence occurs twice."""

from __future__ import annotations

import zlib

import numpy as np

from core.pretraining.stage_data import Ints

__all__ = ["DistinctStream"]


class DistinctStream:
    """An endless stream of batches for losses with in-batch negatives: a repeated sentence would be its own negative.

    Every epoch is a new permutation, drawn only from (seed, stage, epoch). Examples are taken in its order; one that
    shares a sentence with an example of the batch, on either side, waits for a later batch. Examples that do not fill
    a last batch are left out until the next epoch.

    Args:
        table: the sentences of every example, (N, K).
        seed: seed of the run.
        stage: name of the stage, so that stages are shuffled differently.
    """

    def __init__(self, table: Ints, seed: int, stage: str) -> None:
        self._table = table
        self._seed = (seed, zlib.crc32(stage.encode()))
        self._epoch = self._position = 0
        self._batches: list[Ints] | None = None

    def next(self, batch_size: int) -> Ints:
        """Return the positions of the next batch, (batch_size,).

        Raises:
            ValueError: if the examples do not fill a single batch.
        """
        if self._batches is None:
            rng = np.random.default_rng([*self._seed, self._epoch])
            self._batches = _distinct_batches(self._table, batch_size, rng)
            if not self._batches:
                raise ValueError(
                    f"{len(self._table):,} examples do not fill a batch of {batch_size} in which all sentences differ"
                )
        batch = self._batches[self._position]
        self._position += 1
        if self._position == len(self._batches):
            self._epoch, self._position, self._batches = self._epoch + 1, 0, None
        return batch

    def state_dict(self) -> dict[str, int]:
        """Return the position of the stream."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from the position of another stream over the same examples, seed, stage and batch size."""
        self._epoch, self._position, self._batches = state["epoch"], state["position"], None


def _distinct_batches(table: Ints, batch_size: int, rng: np.random.Generator) -> list[Ints]:
    """Return one epoch as full batches of positions, (batch_size,) each."""
    sentences = [frozenset(row) for row in table.tolist()]
    waiting: list[int] = rng.permutation(len(table)).tolist()
    batches: list[Ints] = []
    while True:
        batch: list[int] = []
        seen: set[int] = set()
        put_off: list[int] = []
        for reached, position in enumerate(waiting, start=1):  # noqa: B007 (used after the loop)
            if seen.isdisjoint(sentences[position]):
                batch.append(position)
                seen |= sentences[position]
                if len(batch) == batch_size:
                    break
            else:
                put_off.append(position)
        if len(batch) < batch_size:
            return batches
        batches.append(np.array(batch, dtype=np.int64))
        waiting = put_off + waiting[reached:]
