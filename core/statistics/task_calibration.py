"""What an exported model keeps to give calibrated probabilities of a task, and to abstain."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.statistics.abstention import ConfidenceCurve, Thresholds, confidence_curves, find_thresholds
from core.statistics.calibration import calibration_of
from core.statistics.interval import Interval
from data.tasks import TaskSpec

__all__ = ["TaskCalibration", "calibrate_task", "calibrate_tasks"]


@dataclass(frozen=True)
class TaskCalibration:
    """The calibration of one task's classes on dev.

    Attributes:
        temperature: what logits are divided by; 1 where none could be fitted.
        no_temperature: why none could be fitted; empty if one was.
        examples: of dev.
        error_before: expected calibration error (ECE) of the probabilities as the model gives them.
        error_after: ECE with temperatures that were fitted to other examples; ``error_before`` where there are none.
        curves: by class, how often it is right from which confidence on; the confidences are calibrated out of sample.
    """

    temperature: float
    no_temperature: str
    examples: int
    error_before: Interval
    error_after: Interval
    curves: dict[str, ConfidenceCurve]

    def thresholds(self, precision: float) -> Thresholds:
        """Find the least confidence of each class with which its predictions reach a precision, between 0 and 1."""
        return find_thresholds(self.curves, precision, self.examples)


def calibrate_task(spec: TaskSpec, probabilities: np.ndarray, gold: np.ndarray) -> TaskCalibration:
    """Calibrate a task on dev; the same predictions always give the same result.

    Args:
        spec: a task of classes.
        probabilities: of the classes, (N, K), N at least 1.
        gold: class indices, (N,).
    """
    found = calibration_of(probabilities, gold, np.random.default_rng(zlib.crc32(spec.name.encode())))
    curves = confidence_curves(spec.classes, found.fit.held_out, gold)
    return TaskCalibration(
        found.fit.temperature, found.fit.reason, len(gold), found.error, found.error_tempered, curves
    )


def calibrate_tasks(
    specs: Iterable[TaskSpec], probabilities: Mapping[str, np.ndarray], gold: Mapping[str, np.ndarray]
) -> dict[str, TaskCalibration]:
    """Calibrate those of several tasks that have classes; see :func:`calibrate_task`.

    Args:
        specs: the tasks.
        probabilities: by task, (N, K); those of scores are not looked at.
        gold: by task, (N,).
    """
    return {
        spec.name: calibrate_task(spec, probabilities[spec.name], gold[spec.name])
        for spec in specs
        if not spec.kind.is_score
    }
