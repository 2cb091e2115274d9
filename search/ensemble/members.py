"""The trials that an ensemble may consist of, with their dev predictions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.run.run_folder import RunFolder
from data.errors import UserError
from search.recorded.ranking import pick_trial, ranked_trials
from search.trials.artifacts import load_predictions, require_model, stored_config
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial, TrialRecord, TrialResult

__all__ = ["CandidateTrials", "Member"]

_SCORED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Member:
    """A trial at its best rung.

    Attributes:
        number: number of the trial.
        params: parameters that the search chose.
        folder: folder of the run.
        config: RunConfig, with the data folder and the device for new predictions.
        result: recorded scores.
        predictions: task -> predictions for the dev examples that trials are scored on: class probabilities (N, K) or
            scores (N,), float32.
    """

    number: int
    params: dict[str, Any]
    folder: RunFolder
    config: RunConfig
    result: TrialResult
    predictions: dict[str, np.ndarray]

    @property
    def overall(self) -> float:
        """Overall score at the best rung."""
        assert self.result.overall is not None, "a trial with a best rung has its score"
        return self.result.overall


@dataclass(frozen=True)
class CandidateTrials:
    """A study's scored trials: finished or pruned, with dev scores, each run once.

    Attributes:
        study: the study.
        folders: folders of its trials.
        data: folder of the tasks' files; None for that of the trials.
        device: device for predictions; None for that of the trials.
        needs_models: whether members need their models, as they do to predict anything new.
    """

    study: optuna.Study
    folders: TrialFolders
    data: Path | None
    device: str | None
    needs_models: bool

    @cached_property
    def scored(self) -> list[int]:
        """Numbers of the scored trials."""
        records = map(TrialRecord.read, self.study.get_trials(deepcopy=False, states=_SCORED))
        return [one.number for one in records if _is_scored(one) and one.repeat_of is None]

    @property
    def contenders(self) -> list[int]:
        """Numbers of the trials that can be the best one, in ascending order; the best of these keep their models."""
        return sorted(trial.number for trial in ranked_trials(self.study))

    @property
    def tasks(self) -> list[str]:
        """The study's tasks, in alphabetical order.

        Raises:
            UserError: if no trial has been scored.
        """
        if not self.scored:
            raise UserError(f"study '{self.study.study_name}' has no trial with dev scores yet")
        return sorted(FinishedTrial.read(pick_trial(self.study, self.scored[0])).config.tasks)

    def candidates(self) -> list[int]:
        """Return the trials to select from: the scored trials, or those that still have a model if models are needed.

        Raises:
            UserError: if there are fewer than two.
        """
        found, scored = self.scored, f"study '{self.study.study_name}' has {len(self.scored)} scored trial(s)"
        if self.needs_models:
            found = [number for number in found if self.folders.run(number).has_model]
            scored += f", {len(found)} of them still have a model (keep_models says how many do)"
        if len(found) < 2:
            raise UserError(f"{scored}: nothing to select from")
        return found

    def members(self, numbers: Iterable[int]) -> list[Member]:
        """Return the trials with these numbers, each once, by number.

        Raises:
            UserError: if there is no such trial, or it cannot be a member.
        """
        return [self._member(pick_trial(self.study, number)) for number in sorted(set(numbers))]

    def _member(self, trial: FrozenTrial) -> Member:
        record = TrialRecord.read(trial)
        if record.repeat_of is not None:
            raise UserError(f"trial {trial.number} is the same as trial {record.repeat_of}: name that one")
        if trial.number not in self.scored:
            unscored = "has no dev scores" if record.dev_share == 1.0 else "has no scores on all of dev"
            state = {TrialState.FAIL: "failed", **dict.fromkeys(_SCORED, unscored)}
            raise UserError(
                f"trial {trial.number} {state.get(trial.state, 'has not ended yet')}: it cannot be a member"
            )
        folder, result = self.folders.run(trial.number), record.result
        assert result.best_rung is not None, "that is what makes it a scored trial"
        if self.needs_models:
            require_model(folder, "; --dev-only averages stored dev predictions, without models")
        config = stored_config(trial, folder, self.data, self.device)
        predictions = {task: load_predictions(folder, trial.number, task, result.best_rung) for task in config.tasks}
        return Member(trial.number, trial.params, folder, config, result, predictions)


def _is_scored(record: TrialRecord) -> bool:
    """Return whether a trial has predictions for all dev examples (``eval.early_share``)."""
    return record.result.best_rung is not None and record.dev_share == 1.0
