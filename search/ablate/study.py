"""Make the study that an ablation trains, or resume it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optuna.storages import BaseStorage

from data.errors import UserError
from search.ablate.plan import ORIGIN, AblationPlan, recorded_plan
from search.finalists.replication import replication_spec, same_compute
from search.study.spec import StudySpec

__all__ = ["ablation_spec", "resumed_plan"]


def resumed_plan(
    name: str, study: str, storage: BaseStorage, trial: int | None, seeds: int, techniques: Sequence[str]
) -> AblationPlan | None:
    """Return the plan that the ablation of this name was started with; None if there is none yet.

    Raises:
        UserError: it was started for another study, trial, number of seeds, or other techniques.
    """
    plan = recorded_plan(name, storage)
    if plan is None:
        return None
    asked = (study, plan.trial if trial is None else trial, seeds)
    if asked != (plan.study, plan.trial, len(plan.seeds)) or not plan.is_of(techniques):
        only = f", of {', '.join(plan.techniques)} only" if plan.techniques else ""
        raise UserError(
            f"study '{name}' is an ablation of {plan.winner} of study '{plan.study}' with {len(plan.seeds)} "
            f"seeds{only}; start another one with --name NEW"
        )
    return plan


def ablation_spec(name: str, plan: AblationPlan, data: Path | None, workers: int, threads: int | None) -> StudySpec:
    """Return the study that trains the plan's runs.

    Args:
        name: of the study.
        plan: what to train.
        data: folder with the tasks' files; None for the one of the search.
        workers: runs to train at the same time.
        threads: CPU threads of each run; None for those of the search.
    """
    spec = replication_spec(
        name,
        same_compute(plan.configs, data=data, threads=threads),
        plan.seeds,
        description=f"what the techniques of {plan.winner} of {plan.study} bring",
        origin={ORIGIN: plan.to_json()},
        workers=workers,
    )
    return replace(spec, keep_models=1)  # nobody needs a model without one of its techniques
