"""The plan of an ablation: a winner, the same run with each technique off in turn, and the seeds of all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from core.config import RunConfig
from data.errors import UserError
from search.ablate.ablations import Ablation, ablations
from search.finalists.final_outcome import finalists_study
from search.finalists.finalists_request import ORIGIN as FINALISTS
from search.finalists.replication import fresh_seeds, replication_spec, same_compute, used_seeds
from search.parsing.errors import did_you_mean
from search.recorded.ranking import pick_trial, recorded_choice
from search.recorded.space import default_configuration, searched_settings
from search.recorded.study import IDENTITY, recorded_attrs
from search.space.variants import VARIANT
from search.study.spec import StudySpec
from search.trials.record import FinishedTrial

__all__ = ["ORIGIN", "WINNER", "AblationPlan", "ablation_spec", "new_plan", "recorded_plan", "resumed_plan"]

ORIGIN = "ablation"
"""The study attribute that holds a plan."""

WINNER = "winner"
"""The row of the winner itself."""


@dataclass(frozen=True)
class AblationPlan:
    """What is trained.

    Attributes:
        study: the name of the one whose winner it is.
        trial: the winner's number there; None: the finalists' winner, which need not be a trial of the study.
        winner: which run it is, in words: ``trial 7``.
        techniques: names of those that the user asked for; empty: all that are on.
        config: the winner's run.
        seconds: that it took, without further pretraining.
        rows: the others.
        seeds: of every row, fresh ones.
    """

    study: str
    trial: int | None
    winner: str
    techniques: tuple[str, ...]
    config: RunConfig
    seconds: float
    rows: tuple[Ablation, ...]
    seeds: tuple[int, ...]

    def is_of(self, techniques: Sequence[str]) -> bool:
        """Return whether the plan takes out exactly these, named as for :func:`new_plan`; none match any plan."""
        known = _names_of(self.rows)
        asked = {name for one in techniques for name in known.get(one, ())}
        is_known = all(one in known for one in techniques)
        return not techniques or (is_known and all(asked & set(row.techniques) for row in self.rows))

    @property
    def configs(self) -> dict[str, RunConfig]:
        """All runs by the names of their rows, the winner's first."""
        return {WINNER: self.config, **{row.row: row.config for row in self.rows}}

    def to_json(self) -> dict[str, Any]:
        """Return what is recorded with the study that trains the plan; :meth:`from_json` reads it back."""
        return {
            "study": self.study,
            "trial": self.trial,
            "winner": self.winner,
            "techniques": list(self.techniques),
            "config": self.config.model_dump_json(),
            "seconds": self.seconds,
            "rows": [row.to_json() for row in self.rows],
            "seeds": list(self.seeds),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> AblationPlan:
        """The inverse of :meth:`to_json`."""
        config = RunConfig.model_validate_json(table["config"])
        rows = tuple(Ablation.from_json(row, config) for row in table["rows"])
        return cls(
            study=table["study"],
            trial=table["trial"],
            winner=table["winner"],
            techniques=tuple(table["techniques"]),
            config=config,
            seconds=table["seconds"],
            rows=rows,
            seeds=tuple(table["seeds"]),
        )


def new_plan(
    study: optuna.Study, storage: BaseStorage, trial: int | None, seeds: int, techniques: Sequence[str] = ()
) -> AblationPlan:
    """Make the plan for a study's winner.

    Args:
        storage: where its finalists are too, if there are any.
        trial: the number of the winner; None: that of the finalists, else the best trial.
        techniques: names of those to take out, or of their rows; none: all that are on.

    Raises:
        UserError: the study compares variants, has no such finished trial, or there is nothing to take out of it.
    """
    name = study.study_name
    if IDENTITY not in study.user_attrs:
        raise UserError(f"--study {name}: it is a study of another program")
    if VARIANT in searched_settings(study):
        raise UserError(
            f"--study {name}: it compares ready configurations, which python -m search.report shows; name a study that "
            "has searched a [space]"
        )
    trial, winner, run = _winner(study, storage, trial)
    rows = ablations(run.config, default_configuration(study, run.config))
    names = _chosen_names(rows, techniques, f"{winner} of study '{name}'")
    used = [seed for one in (study, *_all_finalists(name, storage)) for seed in used_seeds(one)]
    return AblationPlan(
        study=name,
        trial=trial,
        winner=winner,
        techniques=names,
        config=run.config,
        seconds=run.result.seconds,
        rows=tuple(row for row in rows if not names or set(row.techniques) & set(names)),
        seeds=fresh_seeds(used, seeds),
    )


def recorded_plan(name: str, storage: BaseStorage) -> AblationPlan | None:
    """Return the plan that the study of this name trains; None if there is no such study yet.

    Raises:
        UserError: the name is that of another kind of study.
    """
    attrs = recorded_attrs(name, storage)
    if ORIGIN in attrs:
        return AblationPlan.from_json(attrs[ORIGIN])
    if IDENTITY in attrs:
        raise UserError(f"there is a study '{name}' already, which is no ablation; choose another --name")
    return None


def _all_finalists(name: str, storage: BaseStorage) -> list[optuna.Study]:
    """Find all finalists' studies of the study ``name``, whatever their names."""
    found = [one for one in storage.get_all_studies() if IDENTITY in one.user_attrs and FINALISTS in one.user_attrs]
    names = [one.study_name for one in found if one.user_attrs[FINALISTS]["of"] == name]
    return [optuna.load_study(study_name=one, storage=storage) for one in names]


def _winner(study: optuna.Study, storage: BaseStorage, number: int | None) -> tuple[int | None, str, FinishedTrial]:
    """Return the winner's number in the study, its name and its run; of the finalists' winner, any of its runs."""
    finalists = finalists_study(study.study_name, storage) if number is None else None
    choice = None if finalists is None else recorded_choice(finalists)
    if finalists is not None and choice is not None:
        run = finalists.get_trials(deepcopy=False)[choice.trials[0]]
        return None, f"the finalists' winner ({choice.winner})", FinishedTrial.read(run)
    trial = pick_trial(study, number)
    if trial.state != TrialState.COMPLETE:
        state = "failed" if trial.state == TrialState.FAIL else trial.state.name.lower()
        raise UserError(f"--trial {trial.number}: it is {state}, and only a finished trial can be taken apart")
    return trial.number, f"trial {trial.number}", FinishedTrial.read(trial)


def _chosen_names(rows: Sequence[Ablation], techniques: Sequence[str], whose: str) -> tuple[str, ...]:
    """Return the names of the techniques that the user asked for; empty for all."""
    if not rows:
        raise UserError(f"{whose} has no technique to take out, and no setting other than the default configuration")
    known = _names_of(rows)
    for wanted in techniques:
        if wanted not in known:
            hint = (
                did_you_mean(wanted, known) or f"; it has {', '.join(name for row in rows for name in row.techniques)}"
            )
            raise UserError(f"--technique '{wanted}': {whose} has no such technique{hint}")
    return tuple(dict.fromkeys(name for wanted in techniques for name in known[wanted]))


def _names_of(rows: Sequence[Ablation]) -> dict[str, tuple[str, ...]]:
    """Techniques by what a user may call them: themselves, or a row with all that it holds."""
    return {row.row: row.techniques for row in rows} | {name: (name,) for row in rows for name in row.techniques}


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
