"""The winner's settings, and commands that use the winner."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from core.config import RunConfig
from search.analysis.trial_difference import Change, changed_settings
from search.display.table import Table
from search.display.values import rounded
from search.recorded.space import stored_space
from search.report.context import ReportContext
from search.report.parts import Code, Fold, Note, Part, ReportSection

__all__ = ["winner_section"]


def winner_section(context: ReportContext) -> ReportSection | None:
    """Make the section: differences from the default configuration; folded, commands and the full configuration."""
    winner, default = context.winner_config, context.default_config
    if winner is None:
        return None
    frames = {}
    parts: list[Part]
    if default is None:
        chosen = stored_space(context.study, winner).chosen(winner)
        rows = tuple((path, rounded(value)) for path, value in chosen.items())
        parts = [
            Note(
                "The study has no result for its default configuration. The table lists the winner's searched settings."
            ),
            Table("", ("setting", "winner"), rows),
        ]
    elif changes := changed_settings(default, winner):
        parts = [
            Note("Settings that differ from the default configuration. All others are the same."),
            Table("", ("setting", "default", "winner"), tuple(map(_row, changes))),
        ]
        frames["settings.csv"] = pd.DataFrame(map(vars, changes)).rename(columns={"a": "default", "b": "winner"})
    else:
        parts = [Note("The winner is the default configuration.")]
    parts.append(Fold("Commands and full configuration", _further(context, winner)))
    return ReportSection("winner", "The winner's settings", tuple(parts), frames)


def _row(change: Change) -> tuple[str, str, str]:
    return change.path, rounded(change.a), rounded(change.b)


def _further(context: ReportContext, winner: RunConfig) -> tuple[Part, ...]:
    return (
        "Export its predictions and model, compare it with the default configuration, train the best trials over "
        "several seeds, and measure what each technique contributes:",
        Code("\n".join(f"python -m search.{command}{context.where}" for command in _commands(context))),
        "Everything that the run depends on:",
        Code(winner.model_dump_json(indent=2)),
    )


def _commands(context: ReportContext) -> Iterator[str]:
    study, outcome, best, default = context.study.study_name, context.outcome, context.best, context.default
    yield f"export --study {context.models[0].study if context.models else study}"
    if outcome is not None and outcome.default is not None and outcome.default is not outcome.winner:
        yield f"compare {outcome.study}:{outcome.default.runs[0]} {outcome.study}:{outcome.winner.runs[0]}"
    elif outcome is None and best is not None and default is not None and default.number != best.number:
        yield f"compare {study}:{default.number} {study}:{best.number}"
    if not context.is_comparison:
        for suffix, program in (("finalists", "finalists"), ("ablation", "ablate")):
            if context.sibling(suffix) is None:
                yield f"{program} --study {study}"
