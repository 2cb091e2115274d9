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
from click.testing import Result
from typer.testing import CliRunner

from search.analysis.expected_score import estimate_best
from search.console.cli import make_app
from search.report.__main__ import main
from search.report.writing import write_report
from search.storage.open import open_storage
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord


@pytest.fixture
def copied(finished_study: Any, tmp_path: Path) -> tuple[optuna.Study, TrialFolders]:
    """Return the finished study with folders of its own, to be changed."""
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
    run = folders.run(number)
    named = (
        run.metrics.read_text().replace("/not duplicate", "/<script>alert(1)</script>").replace("/duplicate", "/a|b")
    )
    run.checksums.write({run.metrics: named.encode()})
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
    line = "Loss weights at the best rung (tapered): sst 0.125."
    assert f"<p>{line}</p>" in page.read_text()
    assert f"\n\n{line}\n\n### sst\n\n" in words.read_text()


def test_the_expected_score_is_next_to_that_of_the_best_trial(
    copied: tuple[optuna.Study, TrialFolders], tmp_path: Path
) -> None:
    study, folders = copied
    estimate, _ = estimate_best(study, folders)
    assert estimate is not None
    page, words, trials, *_ = write_report(study, folders, tmp_path / "report")
    overall = estimate.scores.overall
    for text in (page.read_text(), words.read_text()):
        assert f"{overall.expected:.3f}" in text
        assert f"(95 % interval {overall.low:.3f}\N{EN DASH}{overall.high:.3f}), trial {estimate.trial}" in text
        assert f"{overall.low:.4f} to {overall.high:.4f}" in text
        assert "by how much cannot be estimated" not in text
    rows = pd.read_csv(trials).set_index("trial")["expected"].dropna()
    assert rows.to_dict() == pytest.approx({estimate.trial: overall.expected})

    page, words, trials, *_ = write_report(study, TrialFolders(tmp_path / "elsewhere"), tmp_path / "report")
    reason = f"by how much cannot be estimated: trial {estimate.trial}&#39;s dev predictions are gone"
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
    assert f"(gap {gap:+.3f})" in words.read_text()


def test_the_command_groups_by_columns_and_refuses_those_that_are_nowhere(finished_study: Any, tmp_path: Path) -> None:
    study = optuna.load_study(study_name="tiny", storage=open_storage(None, finished_study.runs))
    config = TrialRecord.read(study.best_trial).config
    assert config is not None
    data = tmp_path / "data"
    shutil.copytree(config.data.directory, data)
    dev = data / config.tasks["sst"].spec.files.dev
    header, *rows = dev.read_text().splitlines()
    places = ["web" if number % 2 else "news" for number in range(len(rows))]
    dev.write_text("\n".join([f"{header}\tplace", *map("\t".join, zip(rows, places, strict=True))]) + "\n")

    def report(*columns: str) -> Result:
        words = [word for column in columns for word in ("--group-by", column)]
        where = ["--study", "tiny", "--runs-dir", finished_study.runs, "--data", data, "--out", tmp_path / "report"]
        return CliRunner().invoke(make_app(main), [*words, *map(str, where)])

    refused = report("place", "plcae")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "error: --group-by 'plcae': no dev file has this column; did you mean 'place'? Use the name in the header; "
        "there are 'id', 'sentence', 'sentiment', 'place', 'sentence1', 'sentence2', 'is_duplicate', 'similarity'\n"
    )
    assert not (tmp_path / "report").exists()
    done = report("place")
    assert done.exit_code == 0, done.output
    assert "groups-sst.csv\n" in done.stdout
    frame = pd.read_csv(tmp_path / "report" / "groups-sst.csv")
    assert dict(zip(frame["group"], frame["examples"], strict=True)) == {"news": len(rows) / 2, "web": len(rows) / 2}
    words = (tmp_path / "report" / "report.md").read_text()
    assert "\n## Scores by group\n" in words
    assert "Lowest accuracy by place: " in words
