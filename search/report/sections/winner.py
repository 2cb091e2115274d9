"""The winner's settings, and how to go on with it."""

from __future__ import annotations

import pandas as pd

from core.config import RunConfig
from search.report.context import ReportContext
from search.report.parts import Code, Fold, Note, Part, Section
from search.shown_values import rounded
from search.stored_space import stored_space
from search.table import Table
from search.trial_difference import Change, changed_settings
from search.trial_record import TrialRecord

__all__ = ["winner_section"]


def winner_section(context: ReportContext) -> Section | None:
    """What sets it apart from the default configuration; folded, its full configuration, and commands that use it."""
    winner, default = context.winner, context.default
    if winner is None or winner.config is None:
        return None
    frames = {}
    parts: list[Part]
    if default is None or default.config is None:
        chosen = stored_space(context.study, winner.config).chosen(winner.config)
        rows = tuple((path, rounded(value)) for path, value in chosen.items())
        parts = [
            Note("The study has no result of its default configuration; these are the winner's searched settings."),
            Table("", ("setting", "winner"), rows),
        ]
    elif default.number == winner.number:
        parts = [Note("It is the default configuration.")]
    else:
        changes = changed_settings(default.config, winner.config)
        parts = [
            Note("Settings in which it differs from the default configuration; all others are the same."),
            Table("", ("setting", "default", "winner"), tuple(map(_row, changes))),
        ]
        frames["settings.csv"] = pd.DataFrame(map(vars, changes)).rename(columns={"a": "default", "b": "winner"})
    parts.append(Fold("Commands to use it, and its full configuration", _further(context, winner, winner.config)))
    return Section("winner", "The winner's settings", tuple(parts), frames)


def _row(change: Change) -> tuple[str, str, str]:
    return change.path, rounded(change.a), rounded(change.b)


def _further(context: ReportContext, winner: TrialRecord, config: RunConfig) -> tuple[Part, ...]:
    study, where = context.study.study_name, context.where
    chosen = "" if winner is context.best else f" --trial {winner.number}"
    commands = [f"python -m search.export --study {study}{chosen}{where}"]
    if context.default is not None and context.default.number != winner.number:
        commands.append(f"python -m search.compare {study}:{context.default.number} {study}:{winner.number}{where}")
    commands += [f"python -m search.{name} --study {study}{where}" for name in ("finalists", "ablate")]
    return (
        "Write its predictions and its model, set it beside the default configuration, train the best again with "
        "several seeds, and train it without each technique:",
        Code("\n".join(commands)),
        "Everything that the run depends on:",
        Code(config.model_dump_json(indent=2)),
    )
