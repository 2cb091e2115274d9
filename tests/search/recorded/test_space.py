"""Spaces of recorded studies: those of today, with linked values, and those of before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.parsing.errors import StudyFileError
from search.recorded.space import linked_settings, stored_space
from search.recorded.study import IDENTITY
from search.recorded.trial_table import trial_table
from search.report.writing import write_report
from search.space.parsing import parse_space
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG, TrialResult

BASE = RunConfig.model_validate({"tasks": {name: {"spec": builtin_tasks()[name]} for name in ("sst", "para", "sts")}})
LINKED: dict[str, Any] = {
    "heads.sts.pair": ["cross", "siamese"],
    "heads.sts.combine": {"value": "cos", "when": {"heads.sts.pair": "siamese"}},
    "heads.sts.loss": {"value": "pearson", "when": {"heads.sts.pair": "siamese"}},
}
# As a storage holds it since before there were linked values.
OLD = """
{"heads.sts.pair": {"choices": ["cross", "siamese"]},
 "heads.sts.combine": {"choices": ["uv", "uv-diff"], "when": {"heads.sts.pair": ["siamese"]}},
 "heads.sst.layers": {"low": 1, "high": 3},
 "optim.clip_norm": {"choices": ["none", 1.0]},
 "optim.learning_rate": {"low": 1e-05, "high": 0.001, "log": true},
 "loss.weights": {"simplex": ["sst", "para", "sts"], "min": 0.0}}
"""


def study_of(space: dict[str, Any], *configs: RunConfig) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr(IDENTITY, json.dumps({"space": space}))
    for config in configs:
        trial = study.ask()
        trial.set_user_attr(CONFIG, config.canonical_json())
        TrialResult(0.5, {"sst": 0.5}, 200, 208, 8.0).write(trial)
        study.tell(trial, 0.5)
    return study


def designs() -> tuple[RunConfig, RunConfig]:
    space = parse_space(LINKED, BASE)
    cross, siamese = (space.suggest(FixedTrial({"heads.sts.pair": pair}), BASE) for pair in ("cross", "siamese"))
    return cross, siamese


def test_a_space_from_before_is_read_unchanged() -> None:
    table = json.loads(OLD)
    space = stored_space(study_of(table), BASE)
    assert space == parse_space(table, BASE)
    assert json.loads(json.dumps(space.to_json())) == table
    assert linked_settings(study_of(table)) == set()


def test_a_space_is_read_back_next_to_any_of_its_trials() -> None:
    """A trial's run is another base than the study's: tried out from there, ``cross`` with ``uv`` would be refused."""
    tree = BASE.model_dump()
    tree["heads"]["sts"] |= {"pair": "siamese", "combine": "uv"}
    trial = RunConfig.model_validate(tree)
    with pytest.raises(StudyFileError, match="needs pair = 'siamese'"):
        parse_space(json.loads(OLD), trial)
    table = trial_table(study_of(json.loads(OLD), trial))
    assert table.loc[0, "setting heads.sts.combine"] == "uv"


def test_linked_values_are_in_the_table_of_trials_where_they_hold() -> None:
    cross, siamese = designs()
    for configs in ((cross, siamese), (siamese, cross)):
        table = trial_table(study_of(parse_space(LINKED, BASE).to_json(), *configs))
        rows = table.set_index("setting heads.sts.pair")
        assert rows.loc["siamese", ["setting heads.sts.combine", "setting heads.sts.loss"]].tolist() == [
            "cos",
            "pearson",
        ]
        assert rows.loc["cross", ["setting heads.sts.combine", "setting heads.sts.loss"]].isna().all()


def test_linked_values_have_no_figure_in_the_report(tmp_path: Path) -> None:
    study = study_of(parse_space(LINKED, BASE).to_json(), *designs())
    assert linked_settings(study) == {"heads.sts.combine", "heads.sts.loss"}
    page, words, *_ = write_report(study, TrialFolders(tmp_path), tmp_path / "report")
    assert "heads.sts.combine" in words.read_text()
    html = page.read_text()
    drawn = [path for path in LINKED if f'"text":"{path}"' in html]  # titles of axes
    assert drawn == ["heads.sts.pair"]
