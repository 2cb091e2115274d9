"""What the driver tells its observers: progress display, JSON-lines log, tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.run.evaluation import Evaluation
from search.trials.record import EndState

__all__ = [
    "Event",
    "Observer",
    "StudyEnded",
    "StudyStarted",
    "TrialAdvanced",
    "TrialEnded",
    "TrialEvaluated",
    "TrialRetried",
    "TrialStarted",
    "WorkerDied",
]


@dataclass(frozen=True)
class TrialStarted:
    """A trial was handed to a worker."""

    number: int
    params: dict[str, object]
    resumed: bool
    worker: int
    planned_examples: int


@dataclass(frozen=True)
class TrialAdvanced:
    """A running trial has seen this many training examples (sent about once a second)."""

    number: int
    examples: int


@dataclass(frozen=True)
class TrialEvaluated:
    """A running trial passed a rung."""

    number: int
    evaluation: Evaluation


@dataclass(frozen=True)
class TrialEnded:
    """A trial is over. ``value`` is what Optuna was told; ``best`` the trial's best evaluation so far.

    ``examples`` are those that it was trained on; ``feasible`` says whether it meets the study's floors; ``repeat_of``
    is the earlier trial of the same configuration, if there is one: this one was not trained.
    """

    number: int
    state: EndState
    value: float | None
    reason: str
    best: Evaluation | None
    seconds: float
    folder: Path
    examples: int = 0
    feasible: bool = True
    repeat_of: int | None = None


@dataclass(frozen=True)
class StudyStarted:
    """The driver begins; ``done`` of ``trials`` had ended before, the best of them ``best``; ``resumed`` ones go on.

    ``seconds_left`` and ``examples_left`` are what is left until no new trial is begun. None: without a limit.
    """

    study: str
    trials: int | None
    done: int
    resumed: tuple[int, ...]
    workers: int
    storage: str
    folder: Path
    tasks: tuple[str, ...]
    best: TrialEnded | None = None
    seconds_left: float | None = None
    examples_left: int | None = None


@dataclass(frozen=True)
class WorkerDied:
    """A worker process is gone; its trial is tried again when ``retried``."""

    worker: int
    number: int | None
    exit_code: int | None
    retried: bool


@dataclass(frozen=True)
class TrialRetried:
    """A run crashed for this reason, and is started again on a fresh worker, from its checkpoint."""

    number: int
    reason: str


@dataclass(frozen=True)
class StudyEnded:
    """The driver is done: the study is over, for a ``reason``, or it was interrupted."""

    study: str
    finished: bool
    counts: dict[EndState, int] = field(default_factory=dict)
    reason: str = ""


Event = (
    StudyStarted | TrialStarted | TrialAdvanced | TrialEvaluated | TrialEnded | TrialRetried | WorkerDied | StudyEnded
)
Observer = Callable[[Event], None]
