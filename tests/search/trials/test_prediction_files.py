"""The course's prediction format, byte for byte."""

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
from search.trials.prediction_files import (
    check_written,
    prediction_values,
    probabilities_path,
    read_predictions,
    read_probabilities,
    remove_predictions,
    write_predictions,
    write_split,
)

SPECS = builtin_tasks()


@pytest.mark.parametrize(
    ("task", "predictions", "expected"),
    [
        ("sst", np.eye(5, dtype=np.float32)[[3, 0]], b"id \t Predicted_Sentiment \na1 , 3 \nb2 , 0 \n"),
        (
            "para",
            np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32),
            b"id \t Predicted_Is_Paraphrase \na1 , 0.0 \nb2 , 1.0 \n",
        ),
        (
            "sts",
            np.array([2.5, 4.731828], dtype=np.float32),
            b"id \t Predicted_Similiary \na1 , 2.5 \nb2 , 4.731828 \n",
        ),
        ("cfimdb", np.array([[0.1, 0.9], [0.6, 0.4]]), b"id \t Predicted_Sentiment \na1 , 1 \nb2 , 0 \n"),
    ],
)
def test_each_course_task(tmp_path: Path, task: str, predictions: np.ndarray, expected: bytes) -> None:
    path = tmp_path / "predictions" / "out.csv"
    write_predictions(path, SPECS[task], ["a1", "b2"], prediction_values(SPECS[task], predictions))
    assert path.read_bytes() == expected


def test_user_tasks_are_written_by_class_name() -> None:
    spec = SPECS["cfimdb"].model_copy(update={"written_as": "name"})
    assert prediction_values(spec, np.eye(2)[[1, 0]]) == ["positive", "negative"]


# Whatever a file of the user may have as an id, without blanks at its ends, and a study file as the name of a class.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
AWKWARD = st.sampled_from(
    [
        "fröhlich, sehr",
        ' "a" ',
        ",",
        '"',
        '""',
        "a\nb",
        "a\r\nb",
        "\r",
        " x",
        "x ",
        "x",
        "\u2028",
        "\t",
        "'",
        "",
        "1",
        "1.0",
        "NA",
    ]
)
IDS = st.lists((TEXT | AWKWARD).map(str.strip).filter(bool), min_size=1, max_size=6, unique=True)
CLASSES = st.lists(TEXT | AWKWARD, min_size=2, max_size=5, unique=True)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=IDS, classes=CLASSES, seed=st.integers(0, 99))
def test_what_is_written_is_read(tmp_path: Path, ids: list[str], classes: list[str], seed: int) -> None:
    """By search.score, by pandas, and where the metric needs probabilities."""
    spec = TaskSpec(
        name="mood",
        kind=Kind.CLASSIFY,
        files=SPECS["sst"].files,
        columns=SPECS["sst"].columns,
        classes=tuple(classes),
        metric="accuracy",
    )
    chosen = np.random.default_rng(seed).integers(len(classes), size=len(ids))
    predictions = np.eye(len(classes))[chosen]
    path = tmp_path / "mood-test-output.csv"
    write_predictions(path, spec, ids, prediction_values(spec, predictions))
    read, found = read_predictions(path, spec)
    assert read == ids
    assert np.array_equal(found, predictions)
    table = pd.read_csv(
        path, skiprows=1, names=["id", "class"], skipinitialspace=True, dtype=str, keep_default_na=False
    )
    assert table["id"].str.strip().tolist() == ids
    assert table["class"].str.removesuffix(" ").tolist() == [classes[index] for index in chosen]
    by_auc = spec.model_copy(update={"metric": find_metric("average_precision")})
    assert by_auc.metric.reads_probabilities
    write_split(tmp_path, by_auc, "dev", ids, predictions)
    read, found = read_probabilities(probabilities_path(tmp_path / "predictions", "mood", "dev"), by_auc)
    assert read == ids
    assert np.array_equal(found, predictions)


def test_a_changed_file_is_noticed_and_one_of_another_program_is_not(tmp_path: Path) -> None:
    write_predictions(tmp_path / "a.csv", SPECS["sst"], ["a"], ["1"])
    (tmp_path / "b.csv").write_text("id \t P \na , 1 \n")
    check_written(tmp_path / "a.csv")
    check_written(tmp_path / "b.csv")
    (tmp_path / "a.csv").write_text("id \t P \na , 2 \n")
    with pytest.raises(UserError, match=r"a\.csv: the file is damaged .*; export again, or delete checksums\.json "):
        check_written(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["fröhlich", ' "a" ', "x "])
def test_files_of_earlier_versions_are_read(tmp_path: Path, name: str) -> None:
    """They were not quoted: an id may have commas, and a class quotes."""
    spec = SPECS["cfimdb"].model_copy(update={"written_as": "name", "classes": (name.strip(), "b")})
    (tmp_path / "x.csv").write_text(f'id \t P \na,b , {name} \n"c , b\n', encoding="utf-8")
    read, found = read_predictions(tmp_path / "x.csv", spec)
    assert read == ["a,b", '"c']
    assert found.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "line"), [("a , c ", "a , c"), ("a , positive , x ", "a , positive , x"), ("positive", "positive")]
)
def test_a_line_that_is_no_prediction_is_named(tmp_path: Path, text: str, line: str) -> None:
    spec = SPECS["cfimdb"].model_copy(update={"written_as": "name"})
    (tmp_path / "x.csv").write_text(f"id \t P \nb , negative \n{text}\n")
    with pytest.raises(UserError, match=rf"x\.csv:3: not a line 'id , prediction' of task 'cfimdb': '{line}'"):
        read_predictions(tmp_path / "x.csv", spec)


def test_as_many_values_as_ids(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_predictions(tmp_path / "x.csv", SPECS["sst"], ["a"], ["1", "2"])


BY_AUC = SPECS["para"].model_copy(update={"metric": find_metric("roc_auc")})
CHANCES = np.array([[0.9, 0.1], [0.25, 0.75]], dtype=np.float32)


def test_probabilities_are_written_for_a_metric_of_them_and_read_to_the_bit(tmp_path: Path) -> None:
    write_split(tmp_path, BY_AUC, "dev", ["a", "b, c"], CHANCES)
    path = probabilities_path(tmp_path / "predictions", "para", "dev")
    assert path.read_text().splitlines()[0] == "id,not duplicate,duplicate"
    ids, found = read_probabilities(path, BY_AUC)
    assert ids == ["a", "b, c"]
    assert np.array_equal(found.astype(np.float32), CHANCES)
    assert (tmp_path / "predictions" / "para-dev-output.csv").is_file()
    remove_predictions(tmp_path, ["para"])
    assert list((tmp_path / "predictions").iterdir()) == []


@pytest.mark.parametrize("name", ["para-test-output.csv", "para-dev-probabilities.csv"])
def test_files_that_were_not_exported_are_not_removed(tmp_path: Path, name: str) -> None:
    own, folder = tmp_path / "predictions" / name, tmp_path / "predictions"
    folder.mkdir()
    own.write_text("mine")
    with pytest.raises(UserError, match=f"has a file '{name}' that was not exported; choose another folder with --out"):
        remove_predictions(tmp_path, ["sst", "para"])
    assert own.read_text() == "mine"
    own.rename(tmp_path / name)
    write_split(tmp_path, BY_AUC, "dev", ["a", "b"], CHANCES)  # an export that was interrupted
    remove_predictions(tmp_path, ["sst", "para"])
    assert list(folder.iterdir()) == []


def test_other_metrics_have_no_probabilities(tmp_path: Path) -> None:
    write_split(tmp_path, SPECS["para"], "dev", ["a", "b"], CHANCES)
    assert [path.name for path in (tmp_path / "predictions").glob("*.csv")] == ["para-dev-output.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,yes,no\n", r"p.csv:1: the columns must be id, not duplicate, duplicate"),
        ("id,not duplicate,duplicate\na,0.5\n", r"p.csv:2: expected a new id and 2 probabilities"),
        ("id,not duplicate,duplicate\na,1,0\na,0,1\n", r"p.csv:3: expected a new id and 2 probabilities"),
        ("id,not duplicate,duplicate\na,nan,0\n", r"p.csv:2: expected a new id and 2 probabilities"),
        ("id,not duplicate,duplicate\n", r"p.csv: no probabilities below the header"),
    ],
)
def test_a_file_of_probabilities_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_probabilities(tmp_path / "p.csv", BY_AUC)
    with pytest.raises(UserError, match=r"q.csv: class probabilities cannot be read"):
        read_probabilities(tmp_path / "q.csv", BY_AUC)
