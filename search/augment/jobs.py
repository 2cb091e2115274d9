"""Collect the rephrasings that a study can need, and print what they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.augmentation.rephrasing.job import RephrasingJob
from data.augmentation.rephrasing.plan import RephrasingPlan
from data.errors import UserError
from search.display.values import shown
from search.parsing.errors import StudyFileError, name_hint
from search.preflight.source_runs import source_runs
from search.space.space import Space
from search.study.spec import StudySpec

__all__ = ["jobs_of", "rephrasing_jobs", "show_plans"]


def jobs_of(spec: StudySpec, tasks: Sequence[str], answers: Path) -> dict[str, RephrasingJob]:
    """Return the rephrasing jobs of a study's tasks, by name, with the folder of the language models' answers.

    Raises:
        UserError: the study has no such task, or has nothing to rephrase for the tasks.
    """
    for name in tasks:
        if name not in spec.base.tasks:
            known = name_hint(name, spec.base.tasks) or f"; it has {', '.join(spec.base.tasks)}"
            raise UserError(f"study '{spec.name}' has no task '{name}'{known}")
    try:
        jobs = rephrasing_jobs(spec.space, spec.base, answers, tasks)
    except StudyFileError as error:
        raise spec.located_error(error) from None
    if not jobs:
        raise UserError(
            f"study '{spec.name}' has nothing to rephrase for {', '.join(tasks)}: no run of it has "
            "augmentation.TASK.rephrased with a model and a fraction above 0"
        )
    return jobs


def rephrasing_jobs(
    space: Space, base: RunConfig, answers_dir: Path, tasks: Collection[str]
) -> dict[str, RephrasingJob]:
    """Return the jobs of these tasks by a name for people: the task, with the settings in which its jobs differ.

    Runs that ask a model in the same way are one job over the examples of all of them.

    Raises:
        StudyFileError: if a language model would have to be asked for every number of a range.
        UserError: a training file is missing or malformed.
    """
    merged: dict[tuple[str, str], RephrasingJob] = {}
    for run in source_runs(space, base):
        if run.source == "rephrased" and run.task in tasks:
            job = TaskAugmentation(run.config, run.task, answers_dir).rephrasing_job()
            key = (run.task, job.settings.model_dump_json())
            merged[key] = _together(merged[key], job) if key in merged else job
    named: dict[str, RephrasingJob] = {}
    for task in tasks:
        jobs = [job for (of, _), job in merged.items() if of == task and job.chosen]
        every = [_flat(job) for job in jobs]
        for job, own in zip(jobs, every, strict=True):
            differing = [name for name in own if any(own[name] != other.get(name) for other in every)]
            named[" ".join([task, *(f"{name}={own[name]}" for name in differing)])] = job
    return named


def _together(one: RephrasingJob, other: RephrasingJob) -> RephrasingJob:
    return replace(one, positions=np.union1d(one.chosen, other.chosen).astype(np.int64))


def _flat(job: RephrasingJob) -> Mapping[str, str]:
    """Return the job's settings as text, those of tables one by one."""
    flat: dict[str, Any] = {}
    for name, value in job.settings.model_dump(mode="json").items():
        flat |= value if isinstance(value, dict) else {name: value}
    return {name: shown(value) for name, value in flat.items()}


def show_plans(console: Console, plans: dict[str, RephrasingPlan]) -> None:
    """Print the number of requests and their cost."""
    for name, plan in plans.items():
        console.print(f"{name}: {plan.describe()}", soft_wrap=True)
    asked = [plan for plan in plans.values() if plan.requests]
    if not asked:
        console.print("nothing to request")
    elif len(asked) > 1:
        costs = [plan.cost for plan in asked if plan.cost is not None]
        cost = f", about {sum(costs):,.2f} at the given prices" if costs else ""
        number = sum(plan.requests for plan in asked)
        console.print(f"total: {number:,} requests{cost}; less if some are the same", soft_wrap=True)
