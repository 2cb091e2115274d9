"""The table of a study's trials: a row for each, in any state, and the columns that it has."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState, create_trial

from core.run.cost import Cost
from search.recorded.study import IDENTITY
from search.recorded.trial_columns import COUNTS, MEETS_FLOORS, PEAK_MEMORY, SETTING
from search.recorded.trial_table import is_missing, trial_table, winnable
from search.trials.record import REPEAT_OF, ROLE, TrialResult
from tests.search.planted import SPACE, runs

CONFIGS = runs(2)
COST = Cost(parameters=2000, trainable_parameters=50, forward_examples=3200, peak_memory_mib=812.5)


def add(study: optuna.Study, state: str, result: TrialResult | None = None, **attrs: Any) -> None:
    values = {} if result is None else asdict(result)
    value = result.overall if result is not None and state == "COMPLETE" else None
    study.add_trial(create_trial(state=TrialState[state], value=value, user_attrs={**attrs, **values}))


@pytest.fixture
def study() -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr(IDENTITY, json.dumps({"space": SPACE.to_json()}))
    result = TrialResult(0.5, {"sst": 0.25, "sts": 0.75}, 100, 208, 8.0, "", COST)
    add(study, "COMPLETE", result, config=CONFIGS[0].canonical_json(), **{ROLE: "default"})
    pruned = TrialResult(0.625, {"sst": 0.5, "sts": 0.75}, 100, 100, 4.0, "worse than others", None)
    add(study, "PRUNED", pruned, config=CONFIGS[1].canonical_json())
    add(study, "COMPLETE", result.as_duplicate(0), config=CONFIGS[0].canonical_json(), **{REPEAT_OF: 0})
    add(study, "RUNNING", config=CONFIGS[1].canonical_json())
    add(study, "WAITING")
    add(study, "FAIL", TrialResult(reason="loss is nan"))
    return study


def test_every_trial_has_a_row(study: optuna.Study) -> None:
    table = trial_table(study)
    assert table["trial"].tolist() == list(range(6))
    assert table["state"].tolist() == ["complete", "pruned", "complete", "running", "waiting", "failed"]
    assert table["role"].tolist()[:2] == ["default", "proposed"]
    assert table["overall"].tolist()[:3] == [0.5, 0.625, 0.5]
    assert table["overall"].isna().tolist() == [False, False, False, True, True, True]
    assert table["score sst"].tolist()[:2] == [0.25, 0.5]
    assert table["reason"].tolist() == ["", "worse than others", "same as trial 0", "", "", "loss is nan"]


def test_settings_are_those_that_were_searched(study: optuna.Study) -> None:
    table = trial_table(study)
    chosen = SPACE.chosen(CONFIGS[1])
    assert {name.removeprefix(SETTING) for name in table if name.startswith(SETTING)} >= set(chosen)
    for path, value in chosen.items():
        assert table[SETTING + path].tolist()[1] == value
    assert is_missing(table[SETTING + "optim.learning_rate"].tolist()[4])  # waits, without a configuration


def test_whole_numbers_stay_whole_where_some_are_missing(study: optuna.Study) -> None:
    table = trial_table(study)
    assert [str(table[name].dtype) for name in (REPEAT_OF, *COUNTS)] == ["Int64"] * (1 + len(COUNTS))
    assert table[REPEAT_OF].tolist()[2] == 0
    assert table["parameters"].tolist()[0] == 2000
    assert table["parameters"].isna().tolist() == [False, True, True, True, True, True]
    assert table[PEAK_MEMORY].tolist()[0] == 812.5


def test_what_is_missing() -> None:
    for value in (None, pd.NA, math.nan):
        assert is_missing(value)
    for value in (0, 0.0, "", False, (math.nan,)):
        assert not is_missing(value)


def test_only_a_study_with_floors_has_their_column(study: optuna.Study) -> None:
    assert MEETS_FLOORS not in trial_table(study)
    assert winnable(trial_table(study))["trial"].tolist() == [0, 2]
    table = pd.DataFrame({"trial": [0, 1, 2, 3], "state": ["complete", "complete", "pruned", "complete"]}).assign(
        **{MEETS_FLOORS: [True, False, True, None]}
    )
    assert winnable(table)["trial"].tolist() == [0]


def test_no_trials_make_an_empty_table() -> None:
    assert trial_table(optuna.create_study()).empty
