"""Labels that teach nothing are warned about, and a dev split that cannot rank trials is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import RunConfig
from data.errors import UserError
from search.preflight.data import check_data

CLASSES = {"kind": "classify", "classes": ["neg", "pos", "odd"], "metric": "accuracy"}
SCORES = {"kind": "score", "score_range": [0, 4]}


def warnings(folder: Path, task: dict[str, object], train: list[object], dev: list[object], **limits: int) -> list[str]:
    for split, labels in (("train", train), ("dev", dev)):
        rows = "".join(f"{n},{split} {n},{label}\n" for n, label in enumerate(labels))
        (folder / f"{split}.csv").write_text(f"id,text,mood\n{rows}")
    files = {"train": "train.csv", "dev": "dev.csv"}
    spec = {"name": "mood", "files": files, "columns": {"sentences": ["text"], "label": "mood"}, **task}
    config = {"tasks": {"mood": {"spec": spec, **limits}}, "data": {"directory": str(folder)}}
    return list(check_data(RunConfig.model_validate(config)).warnings)


def test_labels_of_all_kinds(tmp_path: Path) -> None:
    assert warnings(tmp_path, CLASSES, ["neg", "pos", "odd"], ["neg", "pos"]) == []
    assert warnings(tmp_path, {**SCORES, "metric": "pearson"}, [1, 2], [0, 4]) == []


def test_train_of_one_class(tmp_path: Path) -> None:
    assert warnings(tmp_path, CLASSES, ["pos"] * 3, ["neg", "pos"]) == [
        "mood: all 3 train examples are of the class 'pos'"
    ]


def test_train_of_one_score(tmp_path: Path) -> None:
    found = warnings(tmp_path, {**SCORES, "metric": "rmse"}, [2.5] * 3, [1, 2])
    assert found == ["mood: all 3 train examples have the score 2.5"]


def test_a_class_that_only_dev_has(tmp_path: Path) -> None:
    found = warnings(tmp_path, CLASSES, ["neg", "pos"], ["neg", "odd"])
    assert found == ["mood: dev has examples of 'odd', and train has none"]


@pytest.mark.parametrize("metric", ["accuracy", "f1", "mcc", "quadratic_kappa"])
def test_dev_of_one_class(tmp_path: Path, metric: str) -> None:
    with pytest.raises(UserError) as caught:
        warnings(tmp_path, {**CLASSES, "metric": metric}, ["neg", "pos"], ["pos"] * 4)
    assert str(caught.value) == (
        f"{tmp_path}/dev.csv: all 4 dev examples are of the class 'pos', so that {metric} cannot rank trials; "
        "use a dev file with different labels"
    )


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_a_correlation_with_equal_scores(tmp_path: Path, metric: str) -> None:
    with pytest.raises(UserError, match=f"all 4 dev examples have the score 2, so that {metric} cannot rank"):
        warnings(tmp_path, {**SCORES, "metric": metric}, [1, 2], [2.0] * 4)


@pytest.mark.parametrize("score", [0, 2, 4])
@pytest.mark.parametrize("metric", ["rmse", "mean_absolute_error"])
def test_an_error_ranks_even_then(tmp_path: Path, metric: str, score: int) -> None:
    found = warnings(tmp_path, {**SCORES, "metric": metric}, [1, 2], [score] * 4)
    assert found == [f"mood: all 4 dev examples have the score {score}"]


def test_the_examples_that_are_scored_count(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"all 2 dev examples that dev_limit selects are of the class 'neg', so"):
        warnings(tmp_path, CLASSES, ["neg", "pos"], ["neg"] * 500 + ["pos"], dev_limit=2)


def test_folds_without_a_class(tmp_path: Path) -> None:
    labels = ["neg"] * 8 + ["pos"] * 8 + ["odd"] * 3
    rows = "".join(f"{n},text{n} own{n},{label}\n" for n, label in enumerate(labels))
    (tmp_path / "train.csv").write_text(f"id,text,mood\n{rows}")
    columns = {"sentences": ["text"], "label": "mood"}
    spec = {"name": "mood", "files": {"train": "train.csv"}, "columns": columns, "split": {"folds": 5}, **CLASSES}
    report = check_data(
        RunConfig.model_validate({"tasks": {"mood": {"spec": spec}}, "data": {"directory": str(tmp_path)}})
    )
    assert report.warnings == (
        "mood: 2 of 5 folds have no example of 'odd', which has 3 in all; fewer folds may rank trials better",
    )
    assert report.describe("mood") == "19 train (in 5 folds), 19 dev (the same, each in its fold)"


def test_folds_of_a_single_label(tmp_path: Path) -> None:
    labels = ["neg"] * 8 + ["pos"] * 2
    rows = "".join(f"{n},text{n} own{n},{label}\n" for n, label in enumerate(labels))
    (tmp_path / "train.csv").write_text(f"id,text,mood\n{rows}")
    columns = {"sentences": ["text"], "label": "mood"}
    spec = {"name": "mood", "files": {"train": "train.csv"}, "columns": columns, "split": {"folds": 4}, **CLASSES}
    config = RunConfig.model_validate({"tasks": {"mood": {"spec": spec}}, "data": {"directory": str(tmp_path)}})
    assert (
        "mood: 2 of 4 folds have a single label, so that accuracy cannot rank trials on them; use fewer folds"
        in check_data(config).warnings
    )
