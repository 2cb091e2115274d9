"""The section on scores by group, by columns of the dev files that the reader names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data.errors import UserError, quoted
from data.reading import column_names
from data.tables.columns import column_hint
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.group_scores import GroupScore, group_scores
from search.analysis.mistakes.group_text import group_frame, group_sentences, group_table, shortened
from search.analysis.mistakes.groups import groups_of
from search.report.context import ReportContext
from search.report.parts import Heading, Note, Part, ReportSection

__all__ = ["check_columns", "groups_section"]


def check_columns(context: ReportContext) -> None:
    """Refuse columns that no dev file has.

    Raises:
        UserError: for such a column, or if no dev file can be read.
    """
    config = next((one.config for one in context.records.values() if one.config is not None), None)
    if not context.group_by or config is None:
        return
    headers, unread = [], []
    for task in config.tasks.values():
        try:
            headers.append(column_names(task.spec, context.data or Path(config.data.directory), "dev"))
        except UserError as error:
            unread.append(error)
    if not headers:
        raise UserError(f"--group-by: {unread[0]} (--data says where the files are now)")
    names = list(dict.fromkeys(name for header in headers for name in header if name.strip()))
    more = f"; another dev file cannot be read: {unread[0]}" if unread else ""
    for column in context.group_by:
        if not any(column in header for header in headers):
            raise UserError(
                f"--group-by {quoted(column)}: no dev file has this column{column_hint(column, names)}; "
                f"there are {', '.join(map(quoted, names))}{more}"
            )


def groups_section(context: ReportContext) -> ReportSection | None:
    """Make the section, task by task; None if the reader names no column."""
    if not context.group_by:
        return None
    panel = context.compared_runs
    if panel is None:
        return ReportSection("groups", "Scores by group", ("No trial has finished yet.",))
    note = (
        f"Dev predictions of {panel.subject} at its best rung, on the examples that it was scored on. The rest of a "
        "group is all other examples. Intervals of scores are 95 % intervals over dev examples; those of the "
        "differences hold for all groups of a table together in 95 of 100 cases."
    )
    parts: list[Part] = [Note(note)]
    frames: dict[str, pd.DataFrame] = {}
    for task, runs in context.task_runs.items():
        parts.append(Heading(task))
        if isinstance(runs, UserError):
            parts.append(Note(f"No scores by group: {runs}."))
            continue
        found = {column: _rows(runs, column) for column in context.group_by if column in runs.dev.other_columns}
        for column in context.group_by:
            if column in found:
                metric = runs.spec.metric
                parts += [*group_sentences(found[column], column, metric), group_table(found[column], column, metric)]
            else:
                parts.append(Note(f"The dev file has no column '{shortened(column)}'."))
        if found:
            listed = [group_frame(rows, column, runs.spec.metric) for column, rows in found.items()]
            frames[f"groups-{task}.csv"] = pd.concat(listed, ignore_index=True)
    return ReportSection("groups", "Scores by group", tuple(parts), frames)


def _rows(runs: TaskRuns, column: str) -> list[GroupScore]:
    return group_scores(runs.spec, runs.predictions[0], runs.gold, groups_of(runs.dev.other_columns[column]))
