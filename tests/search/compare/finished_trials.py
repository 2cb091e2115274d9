"""Trials of a finished study, to be compared."""

from __future__ import annotations

from typing import Any

import optuna

from search.analysis.trial_difference import OneTrial
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial


def trial_of(finished: Any, number: int) -> OneTrial:
    name = finished.name
    study = optuna.load_study(study_name=name, storage=open_storage(None, finished.runs))
    return OneTrial(f"{name}:{number}", FinishedTrial.read(study.trials[number]), TrialFolders(finished.runs / name))
