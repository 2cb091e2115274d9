"""Labels that are likely wrong are ranked first."""

from __future__ import annotations

import builtins
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from core.statistics import own_metric
from data.errors import UserError
from data.reading import read_split
from search.audit.label_errors import label_errors_topic, suspect_classes, suspect_scores
from search.trials.folders import TrialFolders
from search.trials.record import TrialResult
from tests.core.fold_cases import write_rows
from tests.search.made_study import SPECS, TASKS, make_study

Run = Callable[..., subprocess.CompletedProcess[str]]

FOLDS_STUDY = """
trials = 2
folds = 3
[tasks.mood]
kind = "classify"
classes = ["a", "b"]
metric = "accuracy"
files = { train = "rows.csv" }
columns = { sentences = ["text"], label = "label" }
[base.model]
encoder = "scratch"
scratch = { vocab_size = 500, hidden_size = 16, intermediate_size = 32 }
[base.heads.mood]
pooling = "mean"
[base.budget]
examples = 800
batch_size = 20
[base.compute]
device = "cpu"
threads = 1
[space]
"optim.learning_rate" = { low = 5e-3, high = 1e-2, log = true }
"""

N, CLASSES, FLIPPED = 400, 3, 20  # 5 % of the labels


def separable(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and out-of-sample probabilities of a classifier of points in three clouds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    labels = rng.integers(0, CLASSES, N)
    points = 3.0 * np.eye(CLASSES)[labels] + rng.normal(size=(N, CLASSES))
    flipped = rng.choice(N, FLIPPED, replace=False)
    given = labels.copy()
    given[flipped] = (given[flipped] + rng.integers(1, CLASSES, FLIPPED)) % CLASSES
    probabilities = cross_val_predict(LogisticRegression(), points, given, cv=5, method="predict_proba")
    return np.column_stack([given, given != labels]), probabilities


@pytest.mark.parametrize("seed", range(3))
def test_flipped_classes_are_ranked_on_top(seed: int) -> None:
    found, probabilities = separable(np.random.default_rng(seed))
    labels, is_flipped = found[:, 0], found[:, 1].astype(bool)
    suspects = suspect_classes(probabilities, labels)
    assert is_flipped[suspects.positions[:FLIPPED]].mean() >= 0.75  # by chance: 0.05
    assert is_flipped[suspects.positions].sum() >= 0.7 * FLIPPED
    rows = np.arange(N)
    others = probabilities.copy()
    others[rows, labels] = 0.0
    margins = probabilities[rows, labels] - others.max(axis=1)
    assert np.allclose(suspects.margins, margins[suspects.positions])
    assert np.all(np.diff(suspects.margins) >= 0)


def test_changed_scores_are_ranked_on_top() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 5, N)
    changed = rng.choice(N, FLIPPED, replace=False)
    gold = true.copy()
    gold[changed] = (true[changed] + 2.5) % 5
    suspects = suspect_scores(0.6 * true + 1.0 + rng.normal(0, 0.1, N), gold)
    assert np.isin(suspects.positions[:FLIPPED], changed).mean() >= 0.75
    assert np.all(np.diff(suspects.margins) <= 0)
    assert suspects.margins.min() > 2.0


def test_predictions_that_say_nothing_are_refused() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    constant = np.tile([0.6, 0.4], (5, 1))
    with pytest.raises(UserError, match="no more often than the most frequent class"):
        suspect_classes(constant, labels)
    with pytest.raises(UserError, match="not all numbers"):
        suspect_classes(np.full((5, 2), np.nan), labels)
    with pytest.raises(UserError, match="do not rise"):
        suspect_scores(-labels.astype(float), labels.astype(np.float32))


def test_without_cleanlab_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("cleanlab"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UserError) as refused:
        suspect_classes(np.eye(2), np.array([0, 1]))
    assert str(refused.value) == "this needs cleanlab: pip install -c constraints.txt -e '.[audit]'"


def test_the_best_trials_contradict_labels_of_dev(tmp_path: Path) -> None:
    """Labels of the dev file are exchanged before the trials' predictions, which know the true ones, are scored."""
    made = make_study(tmp_path, [[3.0], [2.5], [2.0]])
    topic = label_errors_topic(made.study, made.folders, made.data)
    assert not [one for one in topic.findings if one.task == "sst"]  # the models know all labels
    path = made.data / "ids-sst-dev.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    wrong = [3, 10, 41]
    for place in wrong:
        cells = lines[place].split("\t")
        cells[-1] = str((int(float(cells[-1])) + 2) % 5)
        lines[place] = "\t".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _score_again(made.study, made.folders, made.data)
    topic = label_errors_topic(made.study, made.folders, made.data)
    found = [one for one in topic.findings if one.task == "sst"]
    assert len(found) >= 2  # confident learning estimates how many are wrong
    assert {one.line for one in found} <= {place + 1 for place in wrong}
    assert all(one.split == "dev" and one.id and one.file == str(path) for one in found)
    assert "labelled '" in found[0].detail


def _score_again(study: optuna.Study, folders: TrialFolders, data: Path) -> None:
    """Record the scores that the stored predictions have with the labels as they are now."""
    gold = {task: read_split(SPECS[task], data, "dev").labels for task in TASKS}
    for trial in study.get_trials(deepcopy=False):
        result = TrialResult.read(trial.user_attrs)
        for task in TASKS:
            stored = np.load(folders.run(trial.number).predictions(task, result.best_rung or 0))
            labels = gold[task]
            assert labels is not None
            result.scores[task] = own_metric(SPECS[task], stored, labels)


def test_in_folds_labels_of_train_are_contradicted(tmp_path: Path, run_command: Run) -> None:
    """Every row of the training file is predicted by models that were not trained on it."""
    data, wrong = tmp_path / "data", [4, 31, 77, 101]
    write_rows(data, 120)
    lines = (data / "rows.csv").read_text().splitlines()
    for place in wrong:
        name, text, label, score = lines[place].split(",")
        lines[place] = f"{name},{text},{'ab'[label == 'a']},{score}"
    (data / "rows.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "small.toml").write_text(FOLDS_STUDY)
    places = ("--study", tmp_path / "small.toml", "--data", data, "--runs-dir", tmp_path / "runs")
    for command in ("search.run", "search.audit"):
        done = run_command(command, *places)
        assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "runs" / "small" / "audit" / "findings.csv")
    likely = found[found["reason"] == "likely wrong label"]
    assert set(likely["split"]) == {"train"}

    assert {place + 1 for place in wrong} <= set(likely["line"])
    assert len(likely) <= 24  # of 120: by chance, all four would be among them in one of 600 audits


def test_a_study_that_has_not_run() -> None:
    topic = label_errors_topic(None, None, None)
    assert topic.findings == ()
    assert "run the study" in str(topic.section.parts[0])
