"""Say how well a model's probabilities are calibrated, before and after a temperature."""

from __future__ import annotations

from collections.abc import Mapping

from core.statistics import Interval, TaskCalibration

__all__ = ["calibration_lines", "error_text"]


def calibration_lines(tasks: Mapping[str, TaskCalibration]) -> list[str]:
    """Return a line for each task: its ECE before and after, out of sample, or why no temperature is kept."""
    return [_line(task, found) for task, found in tasks.items()]


def error_text(error: Interval) -> str:
    """Write an ECE with its interval: ``0.123 [0.101, 0.144]``."""
    return f"{error.value:.3f} [{error.low:.3f}, {error.high:.3f}]"


def _line(task: str, found: TaskCalibration) -> str:
    before = f"Calibration of {task}: ECE {error_text(found.error_before)}"
    if found.no_temperature:
        return f"{before}. No temperature is kept: {found.no_temperature}."
    return (
        f"{before} → {error_text(found.error_after)} with temperature {found.temperature:.2f} "
        f"({found.examples:,} dev examples, each left out when its temperature was fitted)."
    )
