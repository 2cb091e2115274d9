"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from search.best_trial_tables import Table, TaskTables

__all__ = ["best_trial_blocks", "frame_block", "table_block"]


def best_trial_blocks(loss_weights: str, best: Sequence[TaskTables]) -> list[str]:
    """What is said of the best trial."""
    blocks = ["## Best trial", loss_weights] if loss_weights else []
    for task in best:
        blocks += [f"## Best trial: {task.task}", *([task.gap] if task.gap else [])]
        for table in task.tables:
            blocks += [table.caption, table_block(table)]
    return blocks


def frame_block(frame: pd.DataFrame) -> str:
    """A data frame's cells as they are."""
    rows = [tuple(row) for row in frame.astype(str).to_numpy().tolist()]
    return table_block(Table("", tuple(frame.columns), tuple(rows)))


def table_block(table: Table) -> str:
    """The rows under their headings; the caption is left to the caller."""
    rows = [table.headings, ("---",) * len(table.headings), *table.rows]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)  # a class may be named with a bar
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)
