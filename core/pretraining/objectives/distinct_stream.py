"""An endless stream of shuffled batches in which no sentence stands twice."""

from __future__ import annotations

import zlib

import numpy as np

from core.pretraining.stage_data import Ints

__all__ = ["DistinctStream"]


class DistinctStream:
    """Batches for losses that take the rest of a batch as negatives: a sentence twice would be its own negative.

    Every epoch is a fresh permutation, drawn from (seed, stage, epoch) alone. Examples are taken in its order; one that
    shares a sentence, on whichever side, with an example of the batch waits for a later batch. What does not fill
    a last batch is left out until the next epoch.

    Args:
        table: the sentences of every example, (N, K).
        seed: of the run.
        stage: its name, so that stages are shuffled differently.
    """

    def __init__(self, table: Ints, seed: int, stage: str) -> None:
        self._table = table
        self._seed = (seed, zlib.crc32(stage.encode()))
        self._epoch = self._position = 0
        self._batches: list[Ints] | None = None

    def next(self, batch_size: int) -> Ints:
        """The positions of the next batch, (batch_size,).

        Raises:
            ValueError: if the examples do not give one full batch.
        """
        if self._batches is None:
            rng = np.random.default_rng([*self._seed, self._epoch])
            self._batches = _distinct_batches(self._table, batch_size, rng)
            if not self._batches:
                raise ValueError(
                    f"{len(self._table):,} examples give no batch of {batch_size} in which all sentences differ"
                )
        batch = self._batches[self._position]
        self._position += 1
        if self._position == len(self._batches):
            self._epoch, self._position, self._batches = self._epoch + 1, 0, None
        return batch

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where another stream over the same examples, seed, stage and batch size stood."""
        self._epoch, self._position, self._batches = state["epoch"], state["position"], None


def _distinct_batches(table: Ints, batch_size: int, rng: np.random.Generator) -> list[Ints]:
    """One epoch: full batches of positions, (batch_size,) each."""
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
