"""Abstain from predictions that are not sure enough, and say what that costs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from core.statistics import Interval, Thresholds
from data.errors import UserError, did_you_mean, quoted
from data.tasks import TaskSpec
from search.display.table import Table
from search.display.terminal_table import print_table
from search.predict.model import find_thresholds
from search.predict.predictions import TaskPredictions

__all__ = ["Abstaining"]

_OPTION, _PRECISION = "--threshold-for", "precision"


@dataclass
class Abstaining:
    """What ``--threshold-for`` asks for, and the rows that it has left a prediction so far.

    Attributes:
        thresholds: of each task of classes; empty without the option.
        rows, answered: of each task.
    """

    thresholds: Mapping[str, Thresholds]
    rows: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    @classmethod
    def asked(cls, model_dir: Path, specs: Mapping[str, TaskSpec], target: str | None) -> Abstaining:
        """Find the thresholds of all tasks of classes.

        Args:
            model_dir: the ``model`` folder of an export.
            specs: the tasks that are predicted.
            target: ``precision=0.95``; None to abstain from nothing.

        Raises:
            UserError: the target is not of this form, no task has classes, or the export kept no calibration.
        """
        if target is None:
            return cls({})
        precision = _parse(target)
        of_classes = {name: spec for name, spec in specs.items() if not spec.kind.is_score}
        if not of_classes:
            raise UserError(f"{_OPTION} is for classes, and {' and '.join(specs)} has scores: leave it out")
        return cls({name: find_thresholds(model_dir, spec, precision) for name, spec in of_classes.items()})

    def restart(self) -> None:
        """Count from 0 again."""
        self.rows.clear()
        self.answered.clear()

    def apply(self, predictions: Mapping[str, TaskPredictions]) -> dict[str, TaskPredictions]:
        """Return the predictions without those that are not sure enough, and count them."""
        found = {
            task: one.abstain(self.thresholds[task]) if task in self.thresholds else one
            for task, one in predictions.items()
        }
        for task in self.thresholds:
            self.rows[task] += len(found[task])
            self.answered[task] += found[task].answered
        return found

    def show(self, console: Console) -> None:
        """Print the thresholds of each task, and the shares of dev and of these rows that are answered."""
        for task, thresholds in self.thresholds.items():
            print_table(console, _table(task, thresholds))
            for line in self._lines(task, thresholds):
                console.print(line, soft_wrap=True)

    def _lines(self, task: str, thresholds: Thresholds) -> list[str]:
        lines = []
        target = f"a precision of {thresholds.precision:g}"
        never = [name for name, least in thresholds.of_class.items() if least == math.inf]
        if never:
            those = "any class" if len(never) == len(thresholds.of_class) else ", ".join(map(quoted, never))
            lines.append(f"Task {task}: dev does not show {target} for {those}, so it is never predicted.")
        expected, right = thresholds.coverage, thresholds.right
        lines.append(
            f"Task {task}: {self._share(task)}; expected from dev: {_percent(expected)}"
            + (f", {100 * right / thresholds.answered:.1f} % of them right." if thresholds.answered else ".")
        )
        return lines

    def _share(self, task: str) -> str:
        rows, answered = self.rows[task], self.answered[task]
        share = f" ({100 * answered / rows:.1f} %)" if rows else ""
        return f"{answered:,} of {rows:,} row{'s' if rows != 1 else ''} predicted{share}, {rows - answered:,} abstained"


def _parse(target: str) -> float:
    name, sign, value = target.partition("=")
    if name != _PRECISION:
        what = "abstaining can only lower recall; " if name == "recall" else ""
        raise UserError(
            f"{_OPTION} {target}: {what}give precision=P, like precision=0.95{did_you_mean(name, [_PRECISION])}"
        )
    try:
        precision = float(value)
    except ValueError:
        precision = math.nan
    if not sign or not 0 < precision < 1:
        raise UserError(f"{_OPTION} {target}: the precision must be a number above 0 and below 1, like precision=0.95")
    return precision


def _table(task: str, thresholds: Thresholds) -> Table:
    rows = tuple(
        (name, "never" if least == math.inf else "always" if least == 0 else f"{least:.3f}")
        for name, least in thresholds.of_class.items()
    )
    return Table(f"task {task}, precision {thresholds.precision:g}", ("class", "predicted from probability"), rows)


def _percent(share: Interval) -> str:
    return f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
