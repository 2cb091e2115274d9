"""Predictions as data frames."""

from __future__ import annotations

import numpy as np

from search.predict.predictions import TaskPredictions
from tests.search.predict.conftest import SPECS, TONE


def test_classes_have_a_column_for_each_probability() -> None:
    outputs = np.array([[0.25, 0.5, 0.25], [0.0, 0.0, 1.0]], dtype=np.float32)
    frame = TaskPredictions.of(TONE, outputs).to_frame()
    assert frame.columns.tolist() == ["prediction", *(f"probability_{name}" for name in TONE.classes)]
    assert frame["prediction"].tolist() == [TONE.classes[1], TONE.classes[2]]
    assert np.array_equal(frame.drop(columns="prediction").to_numpy(), outputs)


def test_scores_have_one_column() -> None:
    found = TaskPredictions.of(SPECS["sts"], np.array([1.1, 4.5], dtype=np.float32))
    assert found.to_frame().to_dict("list") == {"prediction": [np.float32(1.1), 4.5]}
    assert found.written == ["1.1", "4.5"]
    assert TaskPredictions.of(SPECS["sts"], np.array([1 / 3])).written == ["0.33333334"]  # of an ensemble
