"""Run AdamW with learning rates that follow a run's progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from core.optim.adamw import AdamW
from core.optim.embedding_rows import EmbeddingRows
from core.optim.schedules import rate_factor
from core.run.progress import Progress

__all__ = ["ScheduledAdamW", "decays"]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Return whether a parameter gets weight decay: all but biases and LayerNorm do."""
    return parameter.ndim > 1 and "LayerNorm" not in name


class ScheduledAdamW:
    """Fused AdamW (with bias correction); warm-up and decay multiply the peak rates of all groups alike.

    Args:
        groups: parameters by (peak rate, weight decay).
        schedule: a key of :data:`core.optim.schedules.SCHEDULES`.
        warmup: share of the planned examples.
        betas: of the moments.
        epsilon: added to the root of the second moment.
        tables: embeddings, on the CPU, with rows that are updated only where it matters; read their
            weights other than by looking rows up only in :meth:`settled`.
    """

    def __init__(
        self,
        groups: Mapping[tuple[float, float], Sequence[nn.Parameter]],
        schedule: str,
        warmup: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        tables: Sequence[nn.Embedding] = (),
    ) -> None:
        self._schedule, self._warmup = schedule, warmup
        self.adamw = AdamW(groups, betas, epsilon)
        self._rows = [EmbeddingRows(table, self.adamw) for table in tables]

    def step(self, progress: Progress, examples: int) -> None:
        """Update the parameters by their gradients, then drop the gradients.

        The rate is that of the step's middle. In the last step it is 0 if half of the step or more is over the budget.
        """
        fraction = (progress.examples + examples / 2) / progress.planned
        factor = rate_factor(self._schedule, self._warmup, fraction)
        for group in self.adamw.groups:
            group.learning_rate = group.peak * factor
        for rows in self._rows:
            rows.step()
        self.adamw.step()

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Return a context in which all rows of the embeddings are up to date; do not nest it, or train inside."""
        with ExitStack() as tables:
            for rows in self._rows:
                tables.enter_context(rows.settled())
            yield

    def state_dict(self) -> dict[str, Any]:
        """Return moments and step counts."""
        return {**self.adamw.state_dict(), "rows": [rows.state_dict() for rows in self._rows]}

    def accepts(self, state: Mapping[str, Any]) -> bool:
        """Return whether the state can be loaded."""
        saved = self._saved_rows(state)
        return len(saved) == len(self._rows) and all(map(EmbeddingRows.accepts, self._rows, saved))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned, also from a version that updated all rows of embeddings."""
        self.adamw.load_state_dict(state)
        for rows, saved in zip(self._rows, self._saved_rows(state), strict=True):
            rows.load_state_dict(saved)

    def _saved_rows(self, state: Mapping[str, Any]) -> list[dict[str, Any] | None]:
        return state.get("rows") or [None] * len(self._rows)
