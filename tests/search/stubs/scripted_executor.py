"""An executor that trains in the driver's thread: a function gives the scores, one rung per call of ``events``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from search.executors.messages import Ended, Evaluated, Message, TrialJob

Scores = Callable[[int, int], Mapping[str, float]]
"""Map a trial's number and a rung's index to each task's score. The overall score is their mean."""


class ScriptedExecutor:
    """Train with one worker; a resumed trial reports its earlier rungs again."""

    workers = 1

    def __init__(self, scores: Scores, tick: Callable[[], None] = lambda: None) -> None:
        self.scores = scores
        self.tick = tick  # called for every rung that is trained
        self.checkpoints: dict[int, int] = {}  # rungs trained
        self.job: TrialJob | None = None
        self.reported = 0
        self.go_on = True
        self.interrupted = False

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return int(self.job is None)

    def start(self) -> None:
        self.job, self.interrupted = None, False

    def stop(self) -> None: ...
    def wake(self) -> None: ...

    def interrupt(self) -> None:
        self.interrupted = True

    def submit(self, job: TrialJob) -> int:
        self.job, self.reported, self.go_on = job, 0, True
        return 0

    def decide(self, number: int, go_on: bool) -> None:  # noqa: ARG002
        self.go_on = go_on

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        assert self.job is not None
        job, rungs = self.job, self.job.config.rungs
        if not self.go_on or self.reported == len(rungs) or self.interrupted:
            self.job = None
            return [Ended(job.number, "interrupted" if self.interrupted else "finished" if self.go_on else "pruned")]
        if self.reported == self.checkpoints.get(job.number, 0):
            self.tick()
            self.checkpoints[job.number] = self.reported + 1
            model = RunFolder(job.folder).best_model
            model.parent.mkdir(exist_ok=True)
            model.touch()
        scores, rung = dict(self.scores(job.number, self.reported)), rungs[self.reported]
        self.reported += 1
        overall = sum(scores.values()) / len(scores)
        return [Evaluated(job.number, Evaluation(rung, rung, 0, overall, scores, {}, {}, rung / 100, 100.0))]
