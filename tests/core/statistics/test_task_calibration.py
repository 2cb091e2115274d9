"""What is kept of a task: the same numbers as calibration_of, and thresholds of confidences out of sample."""

from __future__ import annotations

import zlib

import numpy as np

from core.statistics import calibrate_task, calibration_of, confidence_curves
from data.task_files import builtin_tasks
from tests.core.statistics.test_temperature import drawn

SST = builtin_tasks()["sst"]


def test_it_is_the_calibration_of_the_report() -> None:
    probabilities, gold = drawn(400, 2.0, np.random.default_rng(0), classes=5)
    found = calibrate_task(SST, probabilities, gold)
    expected = calibration_of(probabilities, gold, np.random.default_rng(zlib.crc32(b"sst")))
    assert (found.temperature, found.no_temperature, found.examples) == (expected.fit.temperature, "", 400)
    assert (found.error_before, found.error_after) == (expected.error, expected.error_tempered)
    assert found.curves == confidence_curves(SST.classes, expected.fit.held_out, gold)
    assert found == calibrate_task(SST, probabilities, gold)
    thresholds = found.thresholds(0.3)
    assert set(thresholds.of_class) == set(SST.classes)
    assert thresholds.answered > 0


def test_too_few_examples_keep_their_probabilities() -> None:
    probabilities, gold = drawn(30, 2.0, np.random.default_rng(0), classes=5)
    found = calibrate_task(SST, probabilities, gold)
    assert (found.temperature, found.error_after) == (1.0, found.error_before)
    assert "too few" in found.no_temperature
    assert found.curves == confidence_curves(SST.classes, probabilities, gold)
