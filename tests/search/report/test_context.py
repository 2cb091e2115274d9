"""What a report knows of a study: its trials, its best and default ones, and the studies that build on it."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from memory_storage import MemoryStorage

from data.errors import UserError
from search.recorded.study import IDENTITY
from search.report.context import ReportContext
from search.space.variants import VARIANT
from search.trials.folders import TrialFolders
from tests.search.made_study import make_study
from tests.search.reported import a_study


def context_of(study: optuna.Study, tmp_path: Path) -> ReportContext:
    return ReportContext(study, TrialFolders(tmp_path))


def test_the_best_trial_and_the_default(tmp_path: Path) -> None:
    context = context_of(a_study(0.5, 0.7, 0.6), tmp_path)
    assert context.best is not None
    assert context.default is not None
    assert (context.best.number, context.default.number) == (1, 0)
    assert context.winner_config == context.records[1].config  # without a final, the best trial's
    assert context.default_config == context.records[0].config
    assert context.states == dict.fromkeys(range(3), "complete")
    assert context.table["trial"].tolist() == [0, 1, 2]


def test_a_study_whose_default_was_not_trained(tmp_path: Path) -> None:
    context = context_of(a_study(0.5, 0.7, default=None), tmp_path)
    assert context.default is None
    assert context.default_config is None


def test_a_study_without_trials(tmp_path: Path) -> None:
    context = context_of(optuna.create_study(study_name="mine"), tmp_path)
    assert context.best is None
    assert context.winner_config is None
    assert context.best_evaluation is None
    with pytest.raises(UserError, match="study 'mine' has no trial yet"):
        _ = context.table


def test_the_evaluation_at_the_best_rung(tmp_path: Path) -> None:
    """Trial 0 knows most at its second rung."""
    made = make_study(tmp_path, [[0.2, 0.9, 0.1], [0.1, 0.2, 0.3]])
    made.study.set_user_attr(IDENTITY, json.dumps({"space": {"seed": {"choices": [0, 1]}}}))
    context = ReportContext(made.study, made.folders)
    assert {number: [one.rung for one in curve] for number, curve in context.curves.items()} == {
        number: [100, 200, 300] for number in range(2)
    }
    assert context.best_evaluation is not None
    assert context.best_evaluation.rung == 200
    assert context.best_evaluation.overall == made.study.best_value
    gone = ReportContext(made.study, TrialFolders(tmp_path / "nowhere"))
    assert gone.curves == {0: [], 1: []}
    assert gone.best_evaluation is None


def test_a_study_that_builds_on_this_one_is_found_by_its_name(tmp_path: Path) -> None:
    storage = MemoryStorage()
    study = optuna.create_study(study_name="mine", storage=storage)
    optuna.create_study(study_name="mine-finalists", storage=storage)
    context = ReportContext(study, TrialFolders(tmp_path / "mine"), storage=storage)
    found = context.sibling("finalists")
    assert found is not None
    assert found[0].study_name == "mine-finalists"
    assert found[1].root == tmp_path / "mine-finalists"
    assert context.sibling("ablation") is None
    assert context.ablation is None
    assert context.models == []
    assert ReportContext(study, TrialFolders(tmp_path / "mine")).sibling("finalists") is None  # no storage to look in


def test_variants_make_a_comparison(tmp_path: Path) -> None:
    study = a_study(0.5, 0.6)
    assert not context_of(study, tmp_path).is_comparison
    study.set_user_attr(IDENTITY, json.dumps({"space": {VARIANT: {"variants": {}}}}))
    assert context_of(study, tmp_path).is_comparison
