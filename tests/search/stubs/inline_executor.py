"""An executor without processes: it trains in the driver's thread, one rung of one trial per call of ``events``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from stub_training import overall

from core.config import RunConfig
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from search.executors.messages import Ended, Evaluated, Failed, Message, TrialJob


@dataclass
class Job:
    """A job, and how many of its rungs have been reported since it was submitted."""

    job: TrialJob
    reported: int = 0
    decision: bool | None = None


@dataclass
class InlineExecutor:
    """Train trials of stub scores. Checkpoints outlive the executor; failing trials fail at their second rung.

    Attributes:
        checkpoints: evaluations by trial.
        workers: number of trials at the same time; which of them advances is drawn at random.
        failing: numbers of trials that raise.
        trained: numbers of the trials that were submitted, by what they train.
    """

    checkpoints: dict[int, list[Evaluation]] = field(default_factory=dict)
    workers: int = 1
    failing: frozenset[int] = frozenset()
    trained: dict[str, set[int]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    rng: Random = field(default_factory=lambda: Random(0))

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return self.workers - len(self.jobs)

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...
    def interrupt(self) -> None: ...

    def submit(self, job: TrialJob) -> int:
        self.trained.setdefault(job.config.digest, set()).add(job.number)
        self.jobs[job.number] = Job(job)
        return len(self.jobs) - 1

    def decide(self, number: int, go_on: bool) -> None:
        self.jobs[number].decision = go_on

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        number = self.rng.choice(list(self.jobs))
        message = self._advance(self.jobs[number])
        if not isinstance(message, Evaluated):
            del self.jobs[number]
        return [message]

    def _advance(self, one: Job) -> Message:
        number, config = one.job.number, one.job.config
        done = self.checkpoints.setdefault(number, [])
        if one.decision is False:
            return Ended(number, "pruned")
        if number in self.failing and one.reported == 1:
            return Failed(number, "ValueError: no reason")
        if one.reported == len(config.rungs):
            return Ended(number, "finished")
        if one.reported == len(done):
            done.append(evaluation(config, config.rungs[one.reported]))
            RunFolder(one.job.folder).metrics.write_text("".join(e.to_json() + "\n" for e in done))  # no fsync
            RunFolder(one.job.folder).checkpoint.touch()
        one.reported += 1
        return Evaluated(number, done[one.reported - 1])


def evaluation(config: RunConfig, rung: int) -> Evaluation:
    """Return an evaluation that is the same for equal configurations, wherever they are trained."""
    score = overall(config, rung, config.digest)
    return Evaluation(rung, rung, 0, score, {"sst": score}, {}, {}, 1.0, 1.0)
