"""What the settings did."""

from __future__ import annotations

from search.report.context import ReportContext
from search.report.figures import setting_figures
from search.report.parts import Chart, Fold, Note, Part, Section
from search.report.what_mattered import what_mattered
from search.stored_space import linked_settings, logarithmic_settings

__all__ = ["mattered_section"]


def mattered_section(context: ReportContext) -> Section:
    """Importance and effects with their uncertainty; folded, every trial over each setting."""
    found = what_mattered(context.study)
    parts: list[Part] = [*found.sentences]
    if found.table:
        note = (
            "Mean scores over the values of the settings with the largest shares, the doing of other settings taken "
            "out, with 95 % bands."
        )
        charts = (Chart(figure, caption) for caption, figure in found.figures.items())
        parts += [found.table, Note(note), *charts]
    figures = setting_figures(context.table, logarithmic_settings(context.study), linked_settings(context.study))
    if figures:
        note = "One point a trial; pruned trials stand at their best rung, which is an early one."
        parts.append(Fold("All trials over each setting", (Note(note), *map(Chart, figures.values()))))
    return Section("mattered", "What mattered", tuple(parts))
