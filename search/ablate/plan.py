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
from search.parsing.errors import name_hint
from search.recorded.encoders import with_one_name
from search.recorded.ranking import pick_trial, recorded_choice
from search.recorded.second_start import SecondStart
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
    """The runs of an ablation.

    Attributes:
        study: name of the study whose winner is taken apart.
        trial: number of the winner in the study; None for the finalists' winner, which need not be one of its trials.
        winner: description of the winner, such as ``trial 7``.
        techniques: names of the techniques to take out; empty for all that are on.
        config: RunConfig of the winner.
        seconds: training time of the winner, without further pretraining.
        rows: the winner without each technique in turn.
        seeds: fresh seeds, the same for every row.
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
        """Return whether the plan takes out exactly these techniques (as for :func:`new_plan`); none match any plan."""
        known = _names_of(self.rows)
        asked = {name for one in techniques for name in known.get(one, ())}
        is_known = all(one in known for one in techniques)
        return not techniques or (is_known and all(asked & set(row.techniques) for row in self.rows))

    @property
    def configs(self) -> dict[str, RunConfig]:
        """Every run by the name of its row, the winner's first."""
        return {WINNER: self.config, **{row.row: row.config for row in self.rows}}

    def to_json(self) -> dict[str, Any]:
        """Return JSON data to record with the study that trains the plan; :meth:`from_json` reads it back."""
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
        """Read a plan from the data of :meth:`to_json`."""
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
        study: the study whose winner is taken apart.
        storage: storage of the study, and of its finalists if it has any.
        trial: number of the winner; None for the finalists' winner, or the best trial if there are no finalists.
        seeds: number of seeds.
        techniques: names of techniques to take out, or of their rows; empty for all that are on.

    Raises:
        UserError: the study compares variants, has no such finished trial, or the winner has nothing to take out.
    """
    name = study.study_name
    if IDENTITY not in study.user_attrs:
        raise UserError(f"--study {name}: it is a study of another program")
    if VARIANT in searched_settings(study):
        raise UserError(
            f"--study {name}: it compares ready configurations, which python -m search.report shows; name a study that "
            "has searched a [space]"
        )
    trial, winner, run, config = _winner(study, storage, trial)
    rows = ablations(config, with_one_name(default_configuration(study, config), study.user_attrs))
    names = _chosen_names(rows, techniques, f"{winner} of study '{name}'")
    used = [seed for one in (study, *_all_finalists(name, storage)) for seed in used_seeds(one)]
    return AblationPlan(
        study=name,
        trial=trial,
        winner=winner,
        techniques=names,
        config=config,
        seconds=run.result.seconds,
        rows=tuple(row for row in rows if not names or set(row.techniques) & set(names)),
        seeds=fresh_seeds(used, seeds),
    )


def recorded_plan(name: str, storage: BaseStorage) -> AblationPlan | None:
    """Return the plan that the study of this name trains; None if there is no such study yet.

    Raises:
        UserError: a study of this name exists, and is not an ablation.
    """
    attrs = recorded_attrs(name, storage)
    if ORIGIN in attrs:
        return AblationPlan.from_json(attrs[ORIGIN])
    if IDENTITY in attrs:
        raise UserError(f"there is a study '{name}' already, which is no ablation; choose another --name")
    return None


def _all_finalists(name: str, storage: BaseStorage) -> list[optuna.Study]:
    """Return all studies of finalists of the study ``name``."""
    found = [one for one in storage.get_all_studies() if IDENTITY in one.user_attrs and FINALISTS in one.user_attrs]
    names = [one.study_name for one in found if one.user_attrs[FINALISTS]["of"] == name]
    return [optuna.load_study(study_name=one, storage=storage) for one in names]


def _winner(
    study: optuna.Study, storage: BaseStorage, number: int | None
) -> tuple[int | None, str, FinishedTrial, RunConfig]:
    """Return the winner's number in the study, its description, its run and its config; of the finalists' winner, any.

    The config names the encoder as the study does; see :func:`search.recorded.encoders.with_one_name`.
    """
    finalists = finalists_study(study.study_name, storage) if number is None else None
    choice = None if finalists is None else recorded_choice(finalists)
    if finalists is not None and choice is not None:
        run = FinishedTrial.read(finalists.get_trials(deepcopy=False)[choice.trials[0]])
        config = with_one_name(run.config, study.user_attrs, finalists.user_attrs)
        return None, f"the finalists' winner ({choice.winner})", run, config
    trial = pick_trial(study, number)
    if trial.state != TrialState.COMPLETE:
        state = "failed" if trial.state == TrialState.FAIL else trial.state.name.lower()
        raise UserError(f"--trial {trial.number}: it is {state}, and only a finished trial can be taken apart")
    run = FinishedTrial.read(trial)
    return trial.number, f"trial {trial.number}", run, with_one_name(run.config, study.user_attrs)


def _chosen_names(rows: Sequence[Ablation], techniques: Sequence[str], whose: str) -> tuple[str, ...]:
    """Return the names of the techniques that the user asked for; empty for all."""
    if not rows:
        raise UserError(f"{whose} has no technique to take out, and no setting other than the default configuration")
    known = _names_of(rows)
    for wanted in techniques:
        if wanted not in known:
            hint = name_hint(wanted, known) or f"; it has {', '.join(name for row in rows for name in row.techniques)}"
            raise UserError(f"--technique '{wanted}': {whose} has no such technique{hint}")
    return tuple(dict.fromkeys(name for wanted in techniques for name in known[wanted]))


def _names_of(rows: Sequence[Ablation]) -> dict[str, tuple[str, ...]]:
    """Return techniques by the names that a user may give: their own, or that of a row for all in it."""
    return {row.row: row.techniques for row in rows} | {name: (name,) for row in rows for name in row.techniques}


def resumed_plan(
    name: str,
    study: str,
    storage: BaseStorage,
    trial: int | None,
    seeds: int,
    techniques: Sequence[str],
    start: SecondStart,
) -> AblationPlan | None:
    """Return the plan that the ablation of this name was started with; None at its first start, or if a new one begins.

    Args:
        name: of the ablation.
        study: name of the study whose winner is taken apart.
        storage: of both.
        trial: number of the winner; None for that of the plan.
        seeds: number of seeds.
        techniques: as for :func:`new_plan`.
        start: says whether an ablation that is recorded begins again.

    Raises:
        UserError: the ablation was started for another study, trial or number of seeds, or for other techniques.
    """
    plan = recorded_plan(name, storage)
    if plan is None or (start.restart and plan.study == study):
        return None
    asked = (study, plan.trial if trial is None else trial, seeds)
    if asked == (plan.study, plan.trial, len(plan.seeds)) and plan.is_of(techniques):
        return plan
    if plan.study == study and start.may_differ(name):
        return None
    only = f", of {', '.join(plan.techniques)} only" if plan.techniques else ""
    again = "--restart moves it aside and begins again, or " if plan.study == study else ""
    raise UserError(
        f"study '{name}' is an ablation of {plan.winner} of study '{plan.study}' with {len(plan.seeds)} "
        f"seeds{only}; {again}start another one with --name NEW"
    )


def ablation_spec(name: str, plan: AblationPlan, data: Path | None, workers: int, threads: int | None) -> StudySpec:
    """Return the study that trains the plan's runs.

    Args:
        name: name of the new study.
        plan: the plan.
        data: folder of the data; None for that of the winner.
        workers: number of workers.
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
    return replace(spec, keep_models=1)  # a model without one of its techniques is of no use
