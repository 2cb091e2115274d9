"""Stream shuffled batches of rows with similar lengths."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["ExampleStream"]

Ints = npt.NDArray[np.int64]

_WINDOW = 16  # batches sorted together; more save padding, fewer mix better
_MIN_WINDOWS = 4  # an epoch sorted as one window would have the same batches every time


class ExampleStream:
    """An endless stream of the positions of one task's training examples, batch by batch.

    Every epoch is a new permutation, drawn only from (seed, task, epoch). It is cut into windows of 16 batches (fewer
    if the split is small), each window is sorted by length and cut into batches, and the batches are shuffled. Each
    example occurs exactly once per epoch; the batch in which one epoch ends is filled from the next. Examples are left
    out only in an epoch that is left early (:meth:`restart`).

    Args:
        lengths: tokens in each example's row, (n,), n >= 1; see :func:`data.rows.row_lengths`.
        seed: seed of the run.
        task: name of the task, so that tasks of equal size are shuffled differently.
    """

    def __init__(self, lengths: Ints, seed: int, task: str) -> None:
        if len(lengths) == 0:
            raise ValueError(f"task '{task}' has no examples to draw from")
        self._lengths = lengths
        self._seed = (seed, zlib.crc32(task.encode()))
        self._epoch = self._position = 0
        # The batch size that the current epoch was cut for, 0 before its first batch; and how many of its examples go
        # to the batch that began in the previous epoch, so that the cuts are where the batches are drawn.
        self._batch_size = self._first = 0
        self._order: Ints | None = None

    def next(self, batch_size: int) -> Ints:
        """Return the positions of the next batch, (batch_size,).

        The current epoch stays grouped by the batch size that it began with. A change takes effect in the next epoch,
        and until then only costs padding.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        parts: list[Ints] = []
        missing = batch_size
        while missing:
            order = self._current_order(batch_size, missing)
            part = order[self._position : self._position + missing]
            parts.append(part)
            missing -= len(part)
            self._position += len(part)
            if self._position == len(order):
                self._begin(self._epoch + 1)
        return np.concatenate(parts)

    def restart(self) -> None:
        """Begin the next epoch; at the beginning of an epoch, do nothing."""
        if self._position:
            self._begin(self._epoch + 1)

    def state_dict(self) -> dict[str, int]:
        """Return the position of the stream: epoch, position in it, and how the epoch was cut."""
        return {
            "epoch": self._epoch,
            "position": self._position,
            "batch_size": self._batch_size,
            "first": self._first,
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from the position of another stream over the same examples, seed and task.

        Raises:
            ValueError: if the position is not possible with these examples.
        """
        epoch, position = state["epoch"], state["position"]
        batch_size, first = state["batch_size"], state["first"]
        begun = batch_size > 0 and 0 < position < len(self._lengths) and 0 <= first <= position
        if epoch < 0 or not (begun or position == batch_size == first == 0):
            raise ValueError(f"state does not fit a stream over {len(self._lengths)} examples: {state}")
        self._begin(epoch)
        self._position, self._batch_size, self._first = position, batch_size, first

    def _begin(self, epoch: int) -> None:
        self._epoch, self._position, self._batch_size, self._first = epoch, 0, 0, 0
        self._order = None

    def _current_order(self, batch_size: int, missing: int) -> Ints:
        """Return the current epoch's order, (n,); the current batch still needs ``missing`` examples."""
        if self._order is None:
            if not self._position:
                self._batch_size = batch_size
                self._first = min(missing % batch_size, len(self._lengths))  # 0 where the batch begins here
            rng = np.random.default_rng([*self._seed, self._epoch])
            self._order = _bucketed(self._lengths, self._batch_size, self._first, rng)
        return self._order


def _bucketed(lengths: Ints, batch_size: int, first: int, rng: np.random.Generator) -> Ints:
    """Return one epoch's order, (n,): ``first`` examples, batches of similar length, then an incomplete batch."""
    shuffled = rng.permutation(len(lengths))
    batches = (len(lengths) - first) // batch_size
    end = first + batches * batch_size
    window = batch_size * min(_WINDOW, max(1, batches // _MIN_WINDOWS))
    body = [
        part[np.argsort(lengths[part], kind="stable")]
        for part in (shuffled[start : min(start + window, end)] for start in range(first, end, window))
    ]
    if not body:
        return shuffled
    grouped = np.concatenate(body).reshape(batches, batch_size)[rng.permutation(batches)]
    return np.concatenate((shuffled[:first], grouped.ravel(), shuffled[end:]))
