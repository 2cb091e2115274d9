"""Collect the rephrasings that a study can need, and print what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import RephrasingPlan
from data.errors import UserError
from search.parsing.errors import StudyFileError, did_you_mean
from search.preflight.rephrasing_jobs import rephrasing_jobs
from search.study.error_location import error_in_study
from search.study.spec import StudySpec

__all__ = ["jobs_of", "show_plans"]


def jobs_of(spec: StudySpec, tasks: Sequence[str], answers: Path) -> dict[str, RephrasingJob]:
    """Return the rephrasing jobs of a study's tasks, by name, with the folder of the language models' answers.

    Raises:
        UserError: the study has no such task, or has nothing to rephrase for the tasks.
    """
    for name in tasks:
        if name not in spec.base.tasks:
            known = did_you_mean(name, spec.base.tasks) or f"; it has {', '.join(spec.base.tasks)}"
            raise UserError(f"study '{spec.name}' has no task '{name}'{known}")
    try:
        jobs = rephrasing_jobs(spec.space, spec.base, answers, tasks)
    except StudyFileError as error:
        raise error_in_study(error, spec) from None
    if not jobs:
        raise UserError(
            f"study '{spec.name}' has nothing to rephrase for {', '.join(tasks)}: no run of it has "
            "augmentation.TASK.rephrased with a model and a fraction above 0"
        )
    return jobs


def show_plans(console: Console, plans: dict[str, RephrasingPlan]) -> None:
    """Print the number of requests and their cost."""
    for name, plan in plans.items():
        console.print(f"{name}: {plan.describe()}")
    asked = [plan for plan in plans.values() if plan.requests]
    if not asked:
        console.print("nothing to request")
    elif len(asked) > 1:
        costs = [plan.cost for plan in asked if plan.cost is not None]
        cost = f", about {sum(costs):,.2f} at the given prices" if costs else ""
        console.print(f"total: {sum(plan.requests for plan in asked):,} requests{cost}; less if some are the same")
