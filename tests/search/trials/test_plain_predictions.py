"""Plain CSV of tasks of one's own: what pandas reads without options, and what search.score reads again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import UserError
from data.kinds import Kind
from data.metrics import find_metric
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from search.trials.plain_predictions import writes_plain_csv
from search.trials.prediction_files import check_written, prediction_path, read_predictions, write_split

SPECS = builtin_tasks()
MOOD = SPECS["sst"].model_copy(
    update={
        "name": "mood",
        "classes": ("sad, very", 'so "so"', "hap\npy", " x "),
        "prediction_column": "Prediction",
        "written_as": "name",
    }
)
LIKE = SPECS["sts"].model_copy(update={"name": "like", "prediction_column": "Prediction"})
OUTPUTS = np.array([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], [0, 0.25, 0.5, 0.25]], dtype=np.float32)
IDS = ["1", "a, b", 'c"\nd']


def test_the_courses_tasks_have_the_courses_format() -> None:
    assert not any(map(writes_plain_csv, SPECS.values()))
    assert writes_plain_csv(MOOD)
    assert not writes_plain_csv(MOOD.model_copy(update={"prediction_column": "Predicted_Mood"}))


def written(folder: Path, spec: TaskSpec, ids: list[str], outputs: np.ndarray) -> Path:
    write_split(folder, spec, "test", ids, outputs)
    return prediction_path(folder / "predictions", spec.name, "test")


def test_classes_by_name_with_the_probability_of_each(tmp_path: Path) -> None:
    path = written(tmp_path, MOOD, IDS, OUTPUTS)
    assert path.read_bytes() == (
        b'id,prediction,"probability_sad, very","probability_so ""so""","probability_hap\npy",probability_ x \n'
        b"1, x ,0.1,0.2,0.3,0.4\n"
        b'"a, b","sad, very",1.0,0.0,0.0,0.0\n'
        b'"c""\nd","hap\npy",0.0,0.25,0.5,0.25\n'
    )
    table = pd.read_csv(path)
    assert table["id"].tolist() == IDS
    assert table["prediction"].tolist() == [MOOD.classes[index] for index in (3, 0, 2)]
    assert np.array_equal(table.iloc[:, 2:].to_numpy().astype(np.float32), OUTPUTS)
    check_written(path)
    ids, values = read_predictions(path, MOOD)
    assert ids == IDS
    assert values.argmax(axis=1).tolist() == [3, 0, 2]


def test_scores(tmp_path: Path) -> None:
    path = written(tmp_path, LIKE, ["a", "b"], np.array([1 / 3, 4.5]))
    assert path.read_text() == "id,prediction\na,0.33333334\nb,4.5\n"
    ids, values = read_predictions(path, LIKE)
    assert ids == ["a", "b"]
    assert values.tolist() == [0.33333334, 4.5]


@pytest.mark.parametrize(("written_as", "cells"), [("index", ["3", "0", "2"]), ("float", ["3.0", "0.0", "2.0"])])
def test_classes_as_a_task_writes_them(tmp_path: Path, written_as: str, cells: list[str]) -> None:
    spec = MOOD.model_copy(update={"written_as": written_as})
    path = written(tmp_path, spec, IDS, OUTPUTS)
    assert pd.read_csv(path, dtype=str)["prediction"].tolist() == cells
    assert read_predictions(path, spec)[1].argmax(axis=1).tolist() == [3, 0, 2]


def test_a_metric_of_probabilities_has_its_file_too(tmp_path: Path) -> None:
    spec = SPECS["para"].model_copy(update={"prediction_column": "Prediction", "metric": find_metric("roc_auc")})
    written(tmp_path, spec, ["a"], np.array([[0.25, 0.75]]))
    assert sorted(path.name for path in (tmp_path / "predictions").glob("*.csv")) == [
        "para-test-output.csv",
        "para-test-probabilities.csv",
    ]


def test_files_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """Which wrote the course's format for all tasks, also in a file of another program with our header."""
    spec = MOOD.model_copy(update={"classes": ("sad", "happy, so")})
    for text in (
        'id \t Prediction \n1 , sad \n2 , "happy, so" \n',
        "id \t Prediction \n1 , sad \n2 , sad \n",
        "id,prediction\n1 , sad \n2 , sad \n",
        'id,prediction\r\n1,sad\r\n\r\n2,"happy, so"\r\n',
    ):
        (tmp_path / "x.csv").write_bytes(text.encode())
        ids, values = read_predictions(tmp_path / "x.csv", spec)
        assert ids == ["1", "2"]
        assert values.argmax(axis=1).tolist() == [0, int("happy" in text)]


@pytest.mark.parametrize(
    ("rows", "line"),
    [("1,sad\n2,glad\n", 3), ("1,sad\n2,sad,0.5\n", 3), ("1\n", 2), (",sad\n", 2), ('1,"sad\n2,sad\n', 3)],
)
def test_a_row_that_is_no_prediction_is_named(tmp_path: Path, rows: str, line: int) -> None:
    spec = MOOD.model_copy(update={"classes": ("sad", "happy")})
    (tmp_path / "x.csv").write_text("id,prediction\n" + rows)
    with pytest.raises(UserError, match=rf"x\.csv:{line}: not a line 'id , prediction' of task 'mood'") as refused:
        read_predictions(tmp_path / "x.csv", spec)
    assert "\n" not in str(refused.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
AWKWARD = st.sampled_from(["a, b", ' "a" ', ",", '"', "a\nb", "a\r\nb", "\r", " x", "\u2028", "\t", "'", "", "1", "NA"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists((TEXT | AWKWARD).map(str.strip).filter(bool), min_size=1, max_size=6, unique=True),
    classes=st.lists(TEXT | AWKWARD, min_size=2, max_size=5, unique=True),
    seed=st.integers(0, 99),
)
def test_what_is_written_is_read(tmp_path: Path, ids: list[str], classes: list[str], seed: int) -> None:
    spec = TaskSpec(
        name="mood",
        kind=Kind.CLASSIFY,
        files=MOOD.files,
        columns=MOOD.columns,
        classes=tuple(classes),
        metric="accuracy",
    )
    chosen = np.random.default_rng(seed).integers(len(classes), size=len(ids))
    path = written(tmp_path, spec, ids, np.eye(len(classes))[chosen])
    read, found = read_predictions(path, spec)
    assert read == ids
    assert found.argmax(axis=1).tolist() == chosen.tolist()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert table["id"].tolist() == ids
    assert table["prediction"].tolist() == [classes[index] for index in chosen]
