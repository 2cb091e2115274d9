"""Events that a driver sends to its observers: the progress display, the JSON-lines log, tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.run.evaluation import Evaluation
from search.trials.record import EndState

__all__ = [
    "DeviceLost",
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
    """A trial was handed to a worker.

    Attributes:
        resumed: whether it was started before.
        revived: whether it had ended as pruned, and continues.
        device: that the worker is pinned to, such as ``cuda:1``; empty if it is not.
    """

    number: int
    params: dict[str, object]
    resumed: bool
    worker: int
    planned_examples: int
    revived: bool = False
    device: str = ""


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
    """A trial has ended.

    Attributes:
        state: how it ended.
        value: its value as Optuna has it.
        reason: why it was pruned or failed, why it cannot win, or which trial it duplicates; else empty.
        seconds: training and evaluation; 0 for a duplicate.
        examples: training examples; 0 for a duplicate.
        feasible: whether it meets the study's floors.
        repeat_of: number of the earlier trial of the same configuration; None for a trial that was trained.
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
    """The driver has started.

    Attributes:
        trials: that it may have; None: no limit.
        done: trials that had ended before.
        resumed: numbers of trials that are resumed.
        workers: number of trials that run at the same time.
        storage: name of the storage.
        best: the best of the trials that had ended before.
        seconds_left: time left for starting new trials; None: no limit.
        examples_left: training examples left for starting new trials; None: no limit.
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
class DeviceLost:
    """A device has failed, and is used no longer; its trial continues on another one.

    Attributes:
        device: such as ``cuda:1``.
        number: the trial; None if it had none.
        reason: in one line.
        workers: those that are left.
    """

    device: str
    number: int | None
    reason: str
    workers: int


@dataclass(frozen=True)
class WorkerDied:
    """A worker process died; ``retried`` says whether its trial is started again."""

    worker: int
    number: int | None
    exit_code: int | None
    retried: bool


@dataclass(frozen=True)
class TrialRetried:
    """A run crashed for this reason; the trial is started again on a new worker, from its checkpoint."""

    number: int
    reason: str


@dataclass(frozen=True)
class StudyEnded:
    """The driver returns: the study is finished, for a ``reason``, or it was interrupted."""

    study: str
    finished: bool
    counts: dict[EndState, int] = field(default_factory=dict)
    reason: str = ""


Event = (
    StudyStarted
    | TrialStarted
    | TrialAdvanced
    | TrialEvaluated
    | TrialEnded
    | TrialRetried
    | DeviceLost
    | WorkerDied
    | StudyEnded
)
Observer = Callable[[Event], None]
