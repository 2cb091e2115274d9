"""Records of trials: with a configuration if they have a score."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from stub_study import BASE

from search.trials.record import CONFIG, REPEAT_OF, ROLE, FinishedTrial, TrialRecord, TrialResult


def test_a_finished_trial_is_its_record_with_a_configuration() -> None:
    attrs = {CONFIG: BASE.canonical_json(), ROLE: "default", REPEAT_OF: 0, "overall": 0.5, "scores": {"sst": 0.5}}
    trial = optuna.trial.create_trial(value=0.5, user_attrs=attrs)
    trial.number = 3
    record, finished = TrialRecord.read(trial), FinishedTrial.read(trial)
    assert finished == FinishedTrial.of(record) == FinishedTrial(3, "default", BASE, record.result, 0)
    assert (finished.config, finished.overall) == (BASE, 0.5)


def test_a_trial_without_a_configuration_is_not_finished() -> None:
    with pytest.raises(ValueError, match="trial 2 has no configuration, so it cannot have a score"):
        FinishedTrial.of(TrialRecord(2, "proposed", None, TrialResult()))


def test_data_may_have_moved(tmp_path: Path) -> None:
    finished = FinishedTrial(0, "proposed", BASE, TrialResult(overall=0.5))
    assert finished.config_with_data() is BASE
    assert finished.config_with_data(tmp_path).data.directory == str(tmp_path)
