"""List the runs that a study has yet to train, as far as they are known: its running and waiting trials."""

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
    """Return a run for each open trial; settings that the sampler has yet to propose are those of the base.

    Raises:
        ValueError: the study was recorded by a version with other settings.
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
    except UserError:  # the trial will fail before it needs any file
        return base
