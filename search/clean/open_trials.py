"""The runs that a study has yet to make, as far as they are known: of trials that are running or waiting."""

from __future__ import annotations

import json

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from data.errors import UserError
from search.recorded.space import stored_space
from search.recorded.study import IDENTITY
from search.space.random_draws import RandomDraws
from search.trials.record import CONFIG

__all__ = ["open_runs"]

_FIXED = "fixed_params"  # Optuna's name for the parameters of an enqueued trial


def open_runs(study: optuna.Study) -> list[RunConfig]:
    """A run for each open trial. What its sampler has yet to propose is that of the study's base.

    Raises:
        ValueError: the study was recorded by a version whose settings are not those of this one.
    """
    states = (TrialState.RUNNING, TrialState.WAITING)
    return [_run(study, trial) for trial in study.get_trials(deepcopy=False, states=states)]


def _run(study: optuna.Study, trial: FrozenTrial) -> RunConfig:
    if CONFIG in trial.user_attrs:
        return RunConfig.model_validate_json(trial.user_attrs[CONFIG])
    base = RunConfig.model_validate(json.loads(study.user_attrs[IDENTITY])["base"])
    space = stored_space(study, base)
    params = {**space.encode(base).params, **trial.system_attrs.get(_FIXED, {})}
    try:
        return space.suggest(RandomDraws(np.random.default_rng(0), params), base)
    except UserError:  # it will fail before it needs anything
        return base
