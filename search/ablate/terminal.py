"""Print the plan and the outcome of an ablation in a terminal."""

from __future__ import annotations

import math

from rich.console import Console
from rich.text import Text

from search.ablate.ablation_sentences import ablation_notes, ablation_sentences
from search.ablate.ablation_tables import overall_table, plan_table, task_gains_table, task_means_table
from search.ablate.outcome import AblationOutcome
from search.ablate.plan import AblationPlan
from search.console.plan import budget_line
from search.display.terminal_table import print_result, print_table
from search.display.values import duration
from search.study.spec import StudySpec

__all__ = ["show_outcome", "show_plan"]


def show_plan(console: Console, plan: AblationPlan, spec: StudySpec) -> None:
    """Print what would be trained, and how long it may take."""
    console.print(Text.assemble("study ", (spec.name, "bold"), f"  {spec.description}"), soft_wrap=True)
    print_table(console, plan_table(plan))
    console.print(budget_line(spec), soft_wrap=True)
    seeds, runs = ", ".join(map(str, plan.seeds)), len(plan.configs) * len(plan.seeds)
    console.print(
        f"runs:   {len(plan.rows)} and the winner's, each with seeds {seeds}. The winner's run took "
        f"{duration(plan.seconds)}; {runs} such runs on {spec.workers} worker(s) take about "
        f"{duration(plan.seconds * math.ceil(runs / spec.workers))}",
        soft_wrap=True,
    )


def show_outcome(console: Console, outcome: AblationOutcome) -> None:
    """Print each technique's contribution."""
    tables = overall_table(outcome), task_gains_table(outcome), task_means_table(outcome)
    print_result(console, tables, (*ablation_sentences(outcome), *ablation_notes(outcome)))
