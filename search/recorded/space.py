"""Read the space of a recorded study, and its default configuration, back from the storage."""

from __future__ import annotations

from typing import Any

import optuna
from pydantic import ValidationError

from core.config import RunConfig
from data.errors import UserError
from search.recorded.study import recorded_identity
from search.space.parsing import read_space
from search.space.space import Space
from search.storage.damage import reading_record
from search.study.first_trials import DEFAULT
from search.trials.record import TrialRecord

__all__ = [
    "default_configuration",
    "default_trial_of",
    "linked_settings",
    "logarithmic_settings",
    "searched_settings",
    "stored_space",
]


def stored_space(study: optuna.Study, config: RunConfig) -> Space:
    """Return the space that the study searches; ``config`` is that of any of its trials."""
    return read_space(_table(study), config)


def searched_settings(study: optuna.Study) -> set[str]:
    """Return the paths of all settings of the space; shares of tasks are one setting, ``loss.weights``."""
    return set(_table(study))


def logarithmic_settings(study: optuna.Study) -> set[str]:
    """Return the paths of the settings that are searched on a logarithmic scale."""
    return {path for path, dimension in _table(study).items() if dimension.get("log")}


def linked_settings(study: optuna.Study) -> set[str]:
    """Return the paths of the settings that are linked to others, and are not searched themselves."""
    return {path for path, dimension in _table(study).items() if "value" in dimension}


def default_trial_of(study: optuna.Study) -> TrialRecord | None:
    """Return the trial of the default configuration; None if it lies outside the space or has not begun."""
    records = (TrialRecord.read(trial) for trial in study.get_trials(deepcopy=False))
    return next((one for one in records if one.role == DEFAULT and one.config is not None), None)


def default_configuration(study: optuna.Study, like: RunConfig) -> RunConfig:
    """Return the default configuration, whether or not a trial has trained it.

    Args:
        like: a run of the study, which says where the data is and how runs are computed if no trial of the default
            configuration does.

    Raises:
        UserError: this version cannot read what was recorded.
    """
    trial = default_trial_of(study)
    if trial is not None and trial.config is not None:
        return trial.config
    identity = recorded_identity(study)
    with reading_record(f"the settings of study '{study.study_name}'"):
        tree = identity["base"]
        tree["tasks"] = {name: tree["tasks"][name] for name in identity.get("task_order", tree["tasks"])}
    whole = like.model_dump(mode="json")
    tree["compute"] = whole["compute"]
    tree["data"] = {**tree.get("data", {}), "directory": whole["data"]["directory"]}
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        raise UserError(
            f"study '{study.study_name}': its default configuration cannot be read: {' '.join(str(error).split())}"
        ) from error


def _table(study: optuna.Study) -> dict[str, dict[str, Any]]:
    with reading_record(f"the space of study '{study.study_name}'"):
        table: dict[str, dict[str, Any]] = recorded_identity(study)["space"]
        return table
