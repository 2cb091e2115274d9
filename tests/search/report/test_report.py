"""What a report says of costs and of the best trial, also where a study was stored before they were recorded."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from core.config import LossConfig
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from search.analysis.expected_score import estimate_best
from search.display.cost import cost_text
from search.driver.panels import trial_note
from search.recorded.trial_table import trial_table
from search.report.answer_text import cost_sentences
from search.report.best_trial_tables import loss_weight_sentence, task_tables
from search.report.search_cost import search_cost
from search.report.trial_listing import trial_listing
from search.report.writing import write_report
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord, TrialResult

COST = Cost(parameters=2000, trainable_parameters=50, forward_examples=3200, peak_memory_mib=812.4)
POINT = Evaluation(200, 208, 13, 0.6, {"sst": 0.5}, {}, {}, 8.0, 61.0, cost=COST)
LATER = replace(POINT, rung=400, examples=416, overall=0.4, cost=replace(COST, forward_examples=6400))


def stored(*results: TrialResult) -> optuna.Study:
    study = optuna.create_study()
    for result in results:
        trial = study.ask()
        result.write(trial)
        study.tell(trial, result.overall)
    return study


def test_a_results_cost_is_that_of_the_whole_trial_and_comes_back() -> None:
    result = TrialResult.of([POINT, LATER], "")
    assert result.best_rung == 200
    assert result.cost == LATER.cost  # what came after the best rung was paid for too
    assert TrialRecord.read(stored(result).trials[0]).result == result


def test_a_trial_stored_before_costs_were_recorded_is_read() -> None:
    study = stored(TrialResult.of([POINT], ""))
    attrs = {name: value for name, value in study.trials[0].user_attrs.items() if name != "cost"}
    assert TrialResult.read(attrs) == replace(TrialResult.of([POINT], ""), cost=None)


def test_the_table_has_costs_and_leaves_out_what_nobody_recorded() -> None:
    old = TrialResult(0.5, {"sst": 0.5}, 200, 208, 12345.6)
    both = trial_table(stored(TrialResult.of([POINT], ""), old))
    assert both["forward_examples"].tolist() == [3200, pd.NA]
    shown = trial_listing(both)
    assert shown["trainable %"].tolist() == ["2.5", ""]
    assert shown["forward examples"].tolist() == [3200, ""]
    assert shown["peak MiB"].tolist() == ["812.4", ""]
    assert shown["seconds"].tolist() == ["8", "12346"]
    only_old = trial_listing(trial_table(stored(old)))
    assert not {"trainable %", "forward examples", "peak MiB", "reason"} & set(only_old.columns)
    assert only_old.shape[0] == 1


def test_further_pretraining_is_shown_where_there_was_some() -> None:
    """As a part of the cost of every trial that has it; 0 was not recorded in older studies, and is not shown."""
    further = replace(COST, pretraining_examples=5000)
    result = TrialResult.of([replace(POINT, cost=further)], "")
    attrs = stored(result).trials[0].user_attrs
    old_cost = {name: value for name, value in attrs["cost"].items() if name != "pretraining_examples"}
    assert TrialResult.read({**attrs, "cost": old_cost}).cost == COST
    assert TrialResult.read(attrs).cost == further

    without = TrialResult.of([POINT], "")
    table = trial_table(stored(result, without))
    assert table["pretraining_examples"].tolist() == [5000, 0]
    assert trial_listing(table)["pretraining examples"].tolist() == [5000, 0]
    words = "Further pretraining comes on top, of up to 5,000 examples a trial; trials share its stages."
    assert cost_sentences(search_cost(table, {}), table).endswith(words)
    assert "3,200 forward examples after 5,000 examples of further pretraining; peak" in cost_text(further)

    plain = trial_table(stored(without, TrialResult(0.5, {"sst": 0.5}, 200, 208, 1.0)))
    assert "pretraining examples" not in trial_listing(plain).columns
    assert "pretraining" not in cost_sentences(search_cost(plain, {}), plain)


def test_a_running_trial_has_empty_cells() -> None:
    study = stored(TrialResult.of([POINT], ""))
    study.ask()
    row = trial_listing(trial_table(study)).iloc[1]
    assert (row["overall"], row["sst"], row["best_rung"], row["peak MiB"]) == ("", "", "", "")


def test_cost_in_words() -> None:
    words = "2,000 parameters, 2.5 % of them trained; 3,200 forward examples; peak memory 812 MiB"
    assert cost_text(COST) == words
    assert words in trial_note(TrialResult.of([POINT], ""), [POINT])
    assert "parameters" not in trial_note(TrialResult(), [replace(POINT, cost=None)])


def named(*classes: str) -> TaskSpec:
    return TaskSpec.model_validate({**builtin_tasks()["para"].model_dump(), "classes": classes})


def test_tables_of_a_task() -> None:
    metrics = {"accuracy": 0.75, "precision": 0.5, "precision/no": 0.25, "precision/yes": 0.75}
    gap = {"train_accuracy": 1.0, "train_dev_gap": 0.25}
    evaluation = replace(POINT, metrics={"para": metrics | gap})
    (task,) = task_tables(evaluation, {"para": named("no", "yes")})
    assert task.gap == "accuracy 0.750 on dev and 1.000 on training examples: a gap of +0.250"
    overview, by_class = task.tables
    assert overview.rows == (
        ("accuracy", "0.7500"),
        ("macro precision", "0.5000"),
        ("accuracy on training examples", "1.0000"),
        ("train-dev gap", "0.2500"),
    )
    assert (by_class.headings, by_class.rows) == (("class", "precision"), (("no", "0.250"), ("yes", "0.750")))


def test_metrics_written_before_they_grew_are_shown() -> None:
    evaluation = replace(POINT, metrics={"para": {"accuracy": 0.75, "f1": 0.5}})
    (task,) = task_tables(evaluation, {"para": named("no", "yes")})
    assert task.gap == ""
    assert [table.rows for table in task.tables] == [(("accuracy", "0.7500"), ("macro F1", "0.5000"))]


WEIGHED = replace(POINT, loss_weights={"sst": 0.31234, "para": 1.5})
CHANGED: dict[str, LossConfig] = {
    "learned": LossConfig(weighting="uncertainty"),
    "tapered": LossConfig(taper={"sst": "inverse", "para": "constant"}),
}


@pytest.mark.parametrize("how", list(CHANGED))
def test_loss_weights_that_changed_in_training_are_said(how: str) -> None:
    words = f"Loss weights at its best rung, {how}: sst 0.312, para 1.5."
    assert loss_weight_sentence(WEIGHED, CHANGED[how]) == words
    assert loss_weight_sentence(POINT, CHANGED[how]) == ""  # stored before weights were recorded


def test_loss_weights_that_a_setting_says_are_not_said_again() -> None:
    fixed = LossConfig(weights={"sst": 2.0}, taper={"sst": "constant", "para": "constant"})
    assert loss_weight_sentence(WEIGHED, fixed) == ""


@pytest.fixture
def copied(finished_study: Any, tmp_path: Path) -> tuple[optuna.Study, TrialFolders]:
    """The finished study with folders of its own, to be changed."""
    shutil.copytree(finished_study.runs / "tiny", tmp_path / "tiny")
    study = optuna.load_study(study_name="tiny", storage=open_storage(None, finished_study.runs))
    return study, TrialFolders(tmp_path / "tiny")


def test_names_of_classes_are_escaped(
    copied: tuple[optuna.Study, TrialFolders], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folders = copied
    read = TrialRecord.read.__func__  # type: ignore[attr-defined]

    def renamed(trial: optuna.trial.FrozenTrial) -> TrialRecord:
        record = read(TrialRecord, trial)
        task = record.config.tasks["para"]
        spec = task.spec.model_copy(update={"classes": ("<script>alert(1)</script>", "a|b")})
        tasks = {**record.config.tasks, "para": task.model_copy(update={"spec": spec})}
        return replace(record, config=record.config.model_copy(update={"tasks": tasks}))

    monkeypatch.setattr("search.report.context.TrialRecord.read", renamed)
    number = study.best_trial.number
    metrics = folders.run(number).metrics
    metrics.write_text(
        metrics.read_text().replace("/not duplicate", "/<script>alert(1)</script>").replace("/duplicate", "/a|b")
    )
    page, words, *_ = write_report(study, folders, tmp_path / "report")
    assert "<script>alert" not in page.read_text()
    assert "&lt;script&gt;alert(1)" in page.read_text()
    assert "a\\|b" in words.read_text()


def test_the_best_trials_changed_loss_weights_are_in_the_report(
    copied: tuple[optuna.Study, TrialFolders], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folders = copied
    page, words, *_ = write_report(study, folders, tmp_path / "report")
    assert "Loss weights at" not in page.read_text() + words.read_text()
    read = TrialRecord.read.__func__  # type: ignore[attr-defined]

    def tapered(trial: optuna.trial.FrozenTrial) -> TrialRecord:
        record = read(TrialRecord, trial)
        loss = record.config.loss.model_copy(
            update={"taper": {"sst": "inverse", "para": "constant", "sts": "constant"}}
        )
        return replace(record, config=record.config.model_copy(update={"loss": loss}))

    monkeypatch.setattr("search.report.context.TrialRecord.read", tapered)
    run = folders.run(study.best_trial.number)
    evaluations = run.read_metrics()
    best = max(evaluations, key=lambda evaluation: evaluation.overall)
    run.write_metrics([replace(e, loss_weights={"sst": 0.125 if e == best else 9.0}) for e in evaluations])
    page, words, *_ = write_report(study, folders, tmp_path / "report")
    line = "Loss weights at its best rung, tapered: sst 0.125."
    assert f"<p>{line}</p>" in page.read_text()
    assert f"\n\n{line}\n\n### sst\n\n" in words.read_text()


def test_what_the_best_trial_will_score_stands_beside_its_score(
    copied: tuple[optuna.Study, TrialFolders], tmp_path: Path
) -> None:
    study, folders = copied
    estimate, _ = estimate_best(study, folders)
    assert estimate is not None
    page, words, trials, *_ = write_report(study, folders, tmp_path / "report")
    overall = estimate.scores.overall
    for text in (page.read_text(), words.read_text()):
        assert f"{overall.expected:.3f}" in text
        assert f"between {overall.low:.3f} and {overall.high:.3f}, with 95 % confidence" in text
        assert f"{overall.low:.4f} to {overall.high:.4f}" in text
        assert "by how much cannot be said" not in text
    rows = pd.read_csv(trials).set_index("trial")["expected"].dropna()
    assert rows.to_dict() == pytest.approx({estimate.trial: overall.expected})

    page, words, trials, *_ = write_report(study, TrialFolders(tmp_path / "elsewhere"), tmp_path / "report")
    reason = f"by how much cannot be said: trial {estimate.trial}&#39;s dev predictions are gone"
    assert reason in page.read_text()
    assert reason.replace("&#39;", "'") in words.read_text()
    assert "expected" not in pd.read_csv(trials).columns


def test_a_report_without_the_folders_has_no_metrics(copied: tuple[optuna.Study, TrialFolders], tmp_path: Path) -> None:
    study, _ = copied
    page, words, *_ = write_report(study, TrialFolders(tmp_path / "elsewhere"), tmp_path / "report")
    assert "Metrics of the best trial" not in page.read_text()
    assert "Metrics of the best trial" not in words.read_text()


def test_the_best_trials_metrics_are_those_of_its_best_rung(
    copied: tuple[optuna.Study, TrialFolders], tmp_path: Path
) -> None:
    study, folders = copied
    _, words, *_ = write_report(study, folders, tmp_path / "report")
    evaluations = folders.run(study.best_trial.number).read_metrics()
    best = max(evaluations, key=lambda evaluation: evaluation.overall)
    assert f"| Pearson | {best.scores['sts']:.4f} |" in words.read_text()
    gap = best.metrics["sts"]["train_dev_gap"]
    assert math.isfinite(gap)
    assert f"a gap of {gap:+.3f}" in words.read_text()
