"""The report's sections, in their order: each makes a part of the report, or None where there is nothing to say.

May import what ``search.report`` may.
"""

from __future__ import annotations

from collections.abc import Callable

from search.report.context import ReportContext
from search.report.parts import ReportSection
from search.report.sections.ablation import ablation_section
from search.report.sections.answer import answer_section
from search.report.sections.best_trial import best_trial_section
from search.report.sections.comparison import comparison_section
from search.report.sections.cost import cost_section
from search.report.sections.damage import damage_section
from search.report.sections.ensemble import ensemble_section
from search.report.sections.finalists import finalists_section
from search.report.sections.groups import groups_section
from search.report.sections.importance import importance_section
from search.report.sections.mistakes import mistakes_section
from search.report.sections.progress import progress_section
from search.report.sections.tradeoffs import tradeoffs_section
from search.report.sections.train_dev import train_dev_section
from search.report.sections.trials import trials_section
from search.report.sections.winner import winner_section

__all__ = ["SECTIONS"]

SECTIONS: tuple[Callable[[ReportContext], ReportSection | None], ...] = (
    damage_section,
    answer_section,
    finalists_section,
    winner_section,
    comparison_section,
    progress_section,
    importance_section,
    ablation_section,
    tradeoffs_section,
    best_trial_section,
    train_dev_section,
    mistakes_section,
    groups_section,
    ensemble_section,
    cost_section,
    trials_section,
)
