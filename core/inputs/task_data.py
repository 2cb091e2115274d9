"""Batch a task's examples as a run uses them: endless training batches, and dev in one pass."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from data.batching import Batch
from data.example_stream import ExampleStream
from data.examples import Examples
from data.rows import RowLayout, assemble, row_lengths

__all__ = ["TaskData", "sorted_batches"]


def sorted_batches(
    examples: Examples,
    layout: RowLayout,
    siamese: bool,
    batch_size: int,
    swapped: bool = False,
    tokens: int | None = None,
) -> Iterator[Batch]:
    """Yield every example once, the longest first: little padding, and memory runs out at the start or never.

    Args:
        examples: at least one.
        layout: layout of the rows.
        siamese: whether the sentences of a pair are encoded as separate rows.
        batch_size: the most examples per batch.
        swapped: put the second sentence of every pair first.
        tokens: the most tokens per batch, padded, unless a single example has more; None for any number.
    """
    lengths = row_lengths(examples, layout, siamese)
    order, rows, start = np.argsort(-lengths, kind="stable"), 2 if siamese else 1, 0
    while start < len(order):
        fitting = batch_size if tokens is None else tokens // (rows * int(lengths[order[start]]))
        positions = order[start : start + max(1, min(batch_size, fitting))]
        yield assemble(examples, positions, layout, siamese, np.ones(len(positions), bool) if swapped else None)
        start += len(positions)


class TaskData:
    """Training and dev examples of one task.

    Args:
        train: training examples.
        dev: dev examples, with labels.
        layout: layout of the rows.
        siamese: whether the sentences of a pair are encoded as separate rows.
        seed: seed of the run.
        both_orders: draw the order of every training pair's sentences.
    """

    def __init__(
        self, train: Examples, dev: Examples, layout: RowLayout, siamese: bool, seed: int, both_orders: bool = False
    ) -> None:
        self.train, self.dev = train, dev
        self.layout, self.siamese = layout, siamese
        self._seed, self._both_orders = seed, both_orders
        self._stream = ExampleStream(row_lengths(train, layout, siamese), seed, train.spec.name)

    def next_batch(self, size: int) -> Batch:
        """Return the next training batch."""
        swapped = self._drawn_orders(size) if self._both_orders else None
        return assemble(self.train, self._stream.next(size), self.layout, self.siamese, swapped)

    def _drawn_orders(self, size: int) -> npt.NDArray[np.bool_]:
        """Return whether to swap each pair of the next batch, (size,): depends only on the place in the stream."""
        place = self._stream.state_dict()
        task = zlib.crc32(self.train.spec.name.encode())
        return np.random.default_rng([self._seed, task, place["epoch"], place["position"], size]).random(size) < 0.5

    def restart(self) -> None:
        """Skip the rest of this pass over the training examples, if it has begun, and reshuffle."""
        self._stream.restart()

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the training data."""
        return dict(self._stream.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._stream.load_state_dict(state)
