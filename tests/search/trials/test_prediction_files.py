"""The course's prediction format, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.task_files import builtin_tasks
from search.trials.prediction_files import prediction_values, write_predictions

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


def test_as_many_values_as_ids(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_predictions(tmp_path / "x.csv", SPECS["sst"], ["a"], ["1", "2"])
