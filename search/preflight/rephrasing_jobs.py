"""Collect what a study's trials need from language models: the jobs to do before it starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.augmentation.rephrasing.job import RephrasingJob
from search.display.values import shown
from search.preflight.source_runs import source_runs
from search.space.space import Space

__all__ = ["rephrasing_jobs"]


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
