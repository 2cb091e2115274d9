"""Two trials compared: numbers against the stored predictions, what changed, and what cannot be paired."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.statistics import bootstrap_scores
from data.errors import UserError
from data.metrics import find_metric
from data.reading import RawSplit, read_split
from data.task_files import builtin_tasks
from search.analysis.dev_bootstrap import REPLICATES
from search.analysis.trial_difference import OneTrial, task_changes, trial_difference
from tests.search.compare.finished_trials import trial_of


def dev_of(trial: OneTrial, task: str) -> RawSplit:
    return read_split(builtin_tasks()[task], Path(trial.config.data.directory), "dev")


def predictions(trial: OneTrial, task: str) -> np.ndarray:
    found: np.ndarray = np.load(
        trial.folders.run(trial.record.number).predictions(task, trial.record.result.best_rung or 0)
    )
    return found


def test_scores_are_the_recorded_ones_and_differences_are_paired(finished_study: Any) -> None:
    a, b = trial_of(finished_study, 0), trial_of(finished_study, 1)
    found = trial_difference(a, b)
    assert [one.name for one in found.scores] == ["sst", "para", "sts", "overall"]
    for one in found.scores[:3]:
        assert (one.a, one.b) == (a.record.result.scores[one.name], b.record.result.scores[one.name])
        drawn = bootstrap_scores(
            builtin_tasks()[one.name],
            [predictions(trial, one.name) for trial in (a, b)],
            dev_of(a, one.name).labels,  # type: ignore[arg-type]
            REPLICATES,
            np.random.default_rng(1),
        )
        spread = np.std(drawn[:, 1] - drawn[:, 0])
        assert (one.high - one.low) / 3.92 == pytest.approx(spread, rel=0.15, abs=1e-9)
        assert one.low <= one.b - one.a <= one.high
    overall = found.scores[3]
    assert (overall.a, overall.b) == (a.record.result.overall, b.record.result.overall)
    # The other way round everything has the other sign.
    back = trial_difference(b, a)
    for one, other in zip(found.scores, back.scores, strict=True):
        assert [one.low, one.high] == pytest.approx([-other.high, -other.low])
    assert [(one.won, one.lost) for one in back.changes.values()] == [(c.lost, c.won) for c in found.changes.values()]


def test_settings_that_differ_are_listed(finished_study: Any) -> None:
    a, b = trial_of(finished_study, 0), trial_of(finished_study, 1)
    found = {change.path: (change.a, change.b) for change in trial_difference(a, b).settings}
    assert set(found) == {"optim.learning_rate", *(f"loss.weights.{task}" for task in ("sst", "para", "sts"))}
    assert found["optim.learning_rate"] == (a.config.optim.learning_rate, b.config.optim.learning_rate)


def test_trials_of_two_studies_on_the_same_data(finished_study: Any, study_of_seeds: Any) -> None:
    """Both generate the same corpus."""
    found = trial_difference(trial_of(finished_study, 0), trial_of(study_of_seeds, 1))
    assert (found.a, found.b) == ("tiny:0", "seeds:1")
    assert "budget.examples" in {change.path for change in found.settings}


def split_of(labels: list[float], dtype: type) -> RawSplit:
    ids = [str(index) for index in range(len(labels))]
    return RawSplit(ids, [(f"sentence {one}",) for one in ids], np.array(labels, dtype), [], Path("dev.csv"))


def test_changed_classes() -> None:
    right, unsure, wrong = [0.1, 0.9], [0.6, 0.4], [0.9, 0.1]
    # of class 1: won clearly, won narrowly, lost, still right, still wrong
    a = np.array([wrong, unsure, right, right, wrong])
    b = np.array([right, right, unsure, right, unsure])
    found = task_changes(builtin_tasks()["para"], split_of([1, 1, 1, 1, 1], np.int64), a, b)
    assert (found.total, found.won, found.lost) == (5, 2, 1)
    assert found.p_value == pytest.approx(1.0)  # 2 of 3 heads: every outcome is as far from the middle, or further
    assert [one.id for one in found.examples] == ["0", "1", "2"]
    assert [one.gain for one in found.examples] == pytest.approx([0.8, 0.5, -0.5])
    first = found.examples[0]
    assert (first.gold, first.a, first.b, first.sentences) == (
        "duplicate",
        "not duplicate",
        "duplicate",
        ("sentence 0",),
    )


def test_mcnemar_counts_examples_that_only_one_has_right() -> None:
    labels = split_of([1] * 40, np.int64)
    a, b = np.tile([0.1, 0.9], (40, 1)), np.tile([0.1, 0.9], (40, 1))
    a[:12], b[12:15] = [0.9, 0.1], [0.9, 0.1]
    found = task_changes(builtin_tasks()["para"], labels, a, b)
    assert (found.won, found.lost) == (12, 3)
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(3, 15, 0.5))
    assert task_changes(builtin_tasks()["para"], labels, a, a).p_value == 1.0


def test_changed_scores() -> None:
    a, b = np.array([1.0, 3.0, 2.0, 2.0]), np.array([4.5, 2.5, 2.0, 3.0])
    found = task_changes(builtin_tasks()["sts"], split_of([5.0, 3.0, 1.0, 2.5], np.float32), a, b)
    assert [(one.id, one.gain) for one in found.examples] == [("0", 3.5), ("1", -0.5), ("3", 0.0)]
    assert (found.won, found.lost, found.p_value) == (1, 1, None)
    assert (found.examples[0].gold, found.examples[0].a, found.examples[0].b) == ("5.00", "1.00", "4.50")


def moved(trial: OneTrial, folder: Path) -> OneTrial:
    """Return the trial with a copy of its data, to be changed."""
    shutil.copytree(trial.config.data.directory, folder)
    data = trial.config.data.model_copy(update={"directory": str(folder)})
    return replace(trial, record=replace(trial.record, config=trial.config.model_copy(update={"data": data})))


def test_other_dev_data_is_refused(finished_study: Any, tmp_path: Path) -> None:
    a, b = trial_of(finished_study, 0), moved(trial_of(finished_study, 1), tmp_path / "data")
    trial_difference(a, b)  # elsewhere, but the same
    dev = tmp_path / "data" / builtin_tasks()["sst"].files.dev
    dev.write_text("".join(dev.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(
        UserError, match="tiny:0 and tiny:1 were scored on other dev examples of sst: nothing is paired"
    ):
        trial_difference(a, b)


def test_other_tasks_are_refused(finished_study: Any) -> None:
    a, b = trial_of(finished_study, 0), trial_of(finished_study, 1)

    def changed(tasks: dict[str, Any]) -> OneTrial:
        return replace(b, record=replace(b.record, config=b.config.model_copy(update={"tasks": tasks})))

    tasks = dict(b.config.tasks)
    with pytest.raises(UserError, match="tiny:0 has the tasks sst, para, sts, and tiny:1 has para, sst"):
        trial_difference(a, changed({name: tasks[name] for name in ("para", "sst")}))
    weighed = tasks["sst"].model_copy(update={"score_weight": 2.0})
    with pytest.raises(UserError, match="give 'sst' other weights in overall"):
        trial_difference(a, changed({**tasks, "sst": weighed}))
    measured = tasks["sst"].model_copy(
        update={"spec": tasks["sst"].spec.model_copy(update={"metric": find_metric("f1")})}
    )
    with pytest.raises(UserError, match="have tasks 'sst' of another metric"):
        trial_difference(a, changed({**tasks, "sst": measured}))
