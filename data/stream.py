"""An endless stream of shuffled batches in which rows of like length stand together."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["ExampleStream"]

Ints = npt.NDArray[np.int64]

_WINDOW = 16  # batches sorted together; more saves padding, fewer mixes better
_MIN_WINDOWS = 4  # an epoch sorted as one window would have the same batches every time


class ExampleStream:
    """Positions of the training examples of one task, batch after batch, epoch after epoch.

    Every epoch is a fresh permutation, drawn from (seed, task, epoch) alone. It is cut into windows of 16 batches
    (fewer where the split is small), each window is sorted by length and cut into batches, and the batches are
    shuffled. Each example comes exactly once an epoch; the batch in which one epoch ends is filled from the next.

    Args:
        lengths: tokens in each example's row, (n,), n >= 1; see :func:`data.rows.row_lengths`.
        seed: of the run.
        task: its name, so that tasks of equal size are not shuffled alike.
    """

    def __init__(self, lengths: Ints, seed: int, task: str) -> None:
        if len(lengths) == 0:
            raise ValueError(f"task '{task}' has no examples to draw from")
        self._lengths = lengths
        self._seed = (seed, zlib.crc32(task.encode()))
        self._epoch = 0
        self._position = 0
        self._batch_size = 0  # what the current epoch was cut for; 0 before the first batch
        self._order: Ints | None = None

    def next(self, batch_size: int) -> Ints:
        """The positions of the next batch, (batch_size,).

        An epoch under way keeps the batch size that it began with as its grouping: a change comes into effect with
        the next one, and until then only costs padding.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        parts: list[Ints] = []
        missing = batch_size
        while missing:
            order = self._current_order(batch_size)
            part = order[self._position : self._position + missing]
            parts.append(part)
            missing -= len(part)
            self._position += len(part)
            if self._position == len(order):
                self._epoch, self._position, self._batch_size, self._order = self._epoch + 1, 0, 0, None
        return np.concatenate(parts)

    def state_dict(self) -> dict[str, int]:
        """Where the stream stands: epoch, position in it, and the batch size that the epoch was cut for."""
        return {"epoch": self._epoch, "position": self._position, "batch_size": self._batch_size}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from where another stream over the same examples, seed and task stood.

        Raises:
            ValueError: if the position cannot be one of these examples.
        """
        epoch, position, batch_size = state["epoch"], state["position"], state["batch_size"]
        known = epoch >= 0 and 0 <= position < len(self._lengths) and batch_size >= min(position, 1)
        if not known:
            raise ValueError(f"no state of a stream over {len(self._lengths)} examples: {state}")
        self._epoch, self._position, self._batch_size, self._order = epoch, position, batch_size, None

    def _current_order(self, batch_size: int) -> Ints:
        if self._order is None:
            self._batch_size = self._batch_size or batch_size
            rng = np.random.default_rng([*self._seed, self._epoch])
            count = len(self._lengths)
            # What the batch that began in the epoch before still takes: the cuts lie where the batches will be drawn.
            first = min(-self._epoch * count % self._batch_size, count)
            self._order = _bucketed(self._lengths, self._batch_size, first, rng)
        return self._order


def _bucketed(lengths: Ints, batch_size: int, first: int, rng: np.random.Generator) -> Ints:
    """One epoch's order, (n,): ``first`` examples, then batches of like length, then what does not fill a batch."""
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
