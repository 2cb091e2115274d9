"""Executors that train in this thread, really or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from predicting_executor import PredictingExecutor

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.precision_choice import PrecisionChoice
from core.run.speed import Speed
from core.run_observer import NullRunObserver
from core.trainer import train
from search.executors.messages import Checked, Ended, Evaluated, Message, TrialJob

__all__ = ["StubbornExecutor", "TrainingExecutor"]

_MOST_TRIALS = 4  # in one search, however many the study wants


class StubbornExecutor(PredictingExecutor):
    """An executor without training; after a few trials, it does as Ctrl-C does."""

    submitted = 0

    def submit(self, job: TrialJob) -> int:
        self.submitted += 1
        if self.submitted > _MOST_TRIALS:
            raise KeyboardInterrupt
        return super().submit(job)


class TrainingExecutor:
    """An executor that trains a trial to its end when it is submitted, whatever the driver decides later."""

    def __init__(self, folder: Path) -> None:
        self._resources = Resources(folder / "runs" / "cache")
        self._messages: list[Message] = []
        self.workers = 1

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return not self._messages

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...
    def interrupt(self) -> None: ...
    def decide(self, number: int, go_on: bool) -> None: ...

    def measure(self, config: RunConfig) -> Speed:
        return Speed(float(config.budget.examples), 2.0, 3)

    def choose_precision(self, config: RunConfig) -> PrecisionChoice:  # noqa: ARG002
        return PrecisionChoice("float32", "not measured")

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        return Checked(len(configs), "")

    def submit(self, job: TrialJob) -> int:
        seen: list[Evaluation] = []

        class Observer(NullRunObserver):
            def evaluated(self, evaluation: Evaluation) -> bool:
                seen.append(evaluation)
                return True

        train(job.config, job.folder, self._resources, Observer())
        self._messages = [*(Evaluated(job.number, one) for one in seen), Ended(job.number, "finished")]
        return 0

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        return [self._messages.pop(0)]
