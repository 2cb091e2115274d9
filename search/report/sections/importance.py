"""The section on the importance and effects of settings."""

from __future__ import annotations

import json

import pandas as pd

from search.recorded.space import linked_settings, logarithmic_settings
from search.report.context import ReportContext
from search.report.importance_summary import ImportanceSummary
from search.report.parts import Chart, Fold, Note, Part, ReportSection
from search.report.trial_figures import setting_figures

__all__ = ["importance_section"]


def importance_section(context: ReportContext) -> ReportSection:
    """Make the section: importance and effects with their intervals; folded, all trials over each setting."""
    found = context.mattered
    parts: list[Part] = [*found.sentences]
    if found.table:
        note = (
            "Mean scores over the values of the settings with the largest shares, adjusted for the other settings, "
            "with 95 % bands."
        )
        charts = (Chart(figure, caption) for caption, figure in found.figures.items())
        parts += [found.table, Note(note), *charts]
    figures = setting_figures(context.table, logarithmic_settings(context.study), linked_settings(context.study))
    if figures:
        note = (
            "One point per trial; click a point to open its trial. Pruned trials are shown at their best rung, an "
            "early one."
        )
        shown = (Chart(figure, path) for path, figure in figures.items())
        parts.append(Fold("Trials over each setting", (Note(note), *shown)))
    return ReportSection("mattered", "What mattered", tuple(parts), _frames(found))


def _frames(found: ImportanceSummary) -> dict[str, pd.DataFrame]:
    """Return unrounded shares and effects."""
    if not found.shares:
        return {}
    shares = [
        {
            "setting": one.path,
            "trials": one.trials,
            "share": one.overall.value,
            "share_low": one.overall.low,
            "share_high": one.overall.high,
            "share_where_active": one.where_active.value,
            "share_where_active_low": one.where_active.low,
            "share_where_active_high": one.where_active.high,
            "is_clear": one.is_clear,
        }
        for one in found.shares
    ]
    curves = [
        {
            "setting": effect.label,
            "kind": effect.kind,
            "value": json.dumps(dict(zip(effect.tasks, value, strict=True))) if effect.tasks else value,
            "mean": mean,
            "low": low,
            "high": high,
        }
        for effect in found.effects
        for value, mean, low, high in zip(effect.values, effect.means, effect.lows, effect.highs, strict=True)
    ]
    return {"importance.csv": pd.DataFrame(shares), "effects.csv": pd.DataFrame(curves)}
