"""A metric: one number that says how good the predictions for a task are."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from data.kinds import Kind

__all__ = ["CLASSES", "SCORES", "MeasuredTask", "Metric"]

CLASSES = frozenset({Kind.CLASSIFY, Kind.CLASSIFY_PAIR})
SCORES = frozenset({Kind.SCORE, Kind.SCORE_PAIR})

_PLAIN_COST = 500  # scikit-learn takes about a microsecond an example, and a sum two nanoseconds

Value = TypeVar("Value", float, np.ndarray)
"""One value of a metric, or an array of them."""


class MeasuredTask(Protocol):
    """What a metric needs to know of a task; :class:`data.tasks.TaskSpec` provides it."""

    @property
    def name(self) -> str:
        """For warnings."""

    @property
    def kind(self) -> Kind:
        """What is predicted."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the K classes in label order; empty for scores."""

    @property
    def score_range(self) -> tuple[float, float] | None:
        """Lowest and highest gold score; None for classes."""


def _accept(_task: MeasuredTask) -> str:
    return ""


def _always_defined(_task: MeasuredTask, _predictions: np.ndarray, _gold: np.ndarray) -> str:
    return ""


def _cost_of_plain(_task: MeasuredTask) -> int:
    return _PLAIN_COST


@dataclass(frozen=True, repr=False)
class Metric:
    """One metric.

    Attributes:
        name: as in study files, and the key in ``metrics.jsonl``.
        label: as in the report.
        kinds: the kinds of task that it suits.
        plain: compute it from a task, its predictions, (N, K) class probabilities or (N,) scores, and its gold labels,
            (N,) class indices or scores. The number is finite for finite predictions; where the definition gives none
            (0 / 0), it is a documented one, with a warning.
        aliases: other names in study files.
        bounds: lowest and highest possible value; an infinite end needs ``to_share``.
        larger_is_better: False for errors.
        reads_probabilities: whether the probabilities of classes matter, not only which is the largest.
        undefined: say in a phrase why there is no meaningful number for some predictions and gold labels, such as
            ``all gold scores are equal``; empty if there is one. ``plain`` and ``counted`` return a documented number
            even then, so that every run has a score.
        is_right: say which examples are right, (N,) bool, if the metric is the share of those; None for other metrics.
        requirement: say in a phrase what a task of the right kind lacks for this metric; empty if nothing.
        to_share: map values to 0 (worst) to 1 (best), monotonically, for the overall score. None: linearly from the
            bounds, so that a correlation r counts as (1 + r) / 2.
        counted: compute it on B resamples at once from how often each contains each example: a task, the predictions of
            R runs, the gold labels and counts, (B, N) float64 -> (B, R) float64. A NaN is replaced by the plain value
            of the resample. Fast, as it is asked for thousands of resamples. None: plain, resample by resample.
        cost: say how long ``counted`` takes for a task, in sums over the examples of a resample.
    """

    name: str
    label: str
    kinds: frozenset[Kind]
    plain: Callable[[MeasuredTask, np.ndarray, np.ndarray], float]
    aliases: tuple[str, ...] = ()
    bounds: tuple[float, float] = (0.0, 1.0)
    larger_is_better: bool = True
    reads_probabilities: bool = False
    undefined: Callable[[MeasuredTask, np.ndarray, np.ndarray], str] = _always_defined
    is_right: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    requirement: Callable[[MeasuredTask], str] = _accept
    to_share: Callable[[MeasuredTask, np.ndarray], np.ndarray] | None = None
    counted: Callable[[MeasuredTask, Sequence[np.ndarray], np.ndarray, np.ndarray], np.ndarray] | None = None
    cost: Callable[[MeasuredTask], int] = _cost_of_plain

    def __post_init__(self) -> None:
        if self.to_share is None and not all(map(math.isfinite, self.bounds)):
            raise ValueError(f"{self.name}: bounds {self.bounds} are not finite, so it needs to_share")
        if self.to_share is None and not self.larger_is_better:
            raise ValueError(f"{self.name}: smaller is better, so it needs to_share")

    def __repr__(self) -> str:
        return f"Metric({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def score(self, task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
        """Score predictions, (N, K) or (N,), by gold labels, (N,)."""
        return self.plain(task, predictions, gold)

    def counted_scores(
        self, task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
    ) -> np.ndarray:
        """Score R runs on B resamples of the examples, (B, R) float64, without warnings.

        Args:
            task: whose examples they are.
            predictions: of each run, (N, K) or (N,).
            gold: (N,).
            counts: how often each resample contains each example, (B, N) float64; at least one each.
        """
        if self.counted is None:
            found = np.full((len(counts), len(predictions)), np.nan)
        else:
            found = self.counted(task, predictions, gold, counts)
        for b, run in np.argwhere(np.isnan(found)):
            rows = np.repeat(np.arange(len(gold)), counts[b].astype(np.int64))
            with warnings.catch_warnings():  # a resample may well be constant where the predictions are not
                warnings.simplefilter("ignore")
                found[b, run] = self.plain(task, predictions[run][rows], gold[rows])
        return found

    def normalise(self, task: MeasuredTask, value: Value) -> Value:
        """Map values to the common scale of the overall score, 0 (worst) to 1 (best)."""
        if self.to_share is None:
            low, high = self.bounds
            share: Value = (value - low) / (high - low)
            return share
        found = self.to_share(task, np.asarray(value))
        return found if isinstance(value, np.ndarray) else float(found)

    def gain(self, value: Value, reference: Value) -> Value:
        """Return by how much a value is better than another, in the metric's own unit: negative if it is worse."""
        found: Value = value - reference if self.larger_is_better else reference - value
        return found
