"""An executor without processes or training: the learning rate decides the scores, and runs leave predictions."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import ClassVar

import numpy as np
from inline_executor import InlineExecutor

from core.config import RunConfig
from core.inputs.dev_gold import dev_gold
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run.speed import Speed
from core.statistics import overall_score, own_metric
from search.executors.messages import Checked, Evaluated, Message, TrialJob


@dataclass
class PredictingExecutor(InlineExecutor):
    """Score best at a learning rate of 1e-3; a factor of ten costs the share ``slope`` of the labels' signal.

    Attributes:
        slope: of all of these executors.
        dies_at: number of a trial; when it begins, this process kills itself.
    """

    slope: ClassVar[float] = 0.5
    dies_at: ClassVar[int | None] = None

    def measure(self, config: RunConfig) -> Speed:
        return Speed(float(config.budget.examples), 2.0, 3)

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        return Checked(len(configs), "")

    def submit(self, job: TrialJob) -> int:
        if job.number == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().submit(job)

    def _advance(self, one: "Job") -> Message:  # noqa: F821, UP037
        config, run = one.job.config, RunFolder(one.job.folder)
        done = self.checkpoints.setdefault(one.job.number, [])
        if one.decision is not False and one.reported == len(done) < len(config.rungs):
            run.make()
            done.append(predicted(config, config.rungs[one.reported], run, self.slope))
            run.write_metrics(done)
            run.best_model.write_text("weights")
        message = super()._advance(one)
        if isinstance(message, Evaluated):
            assert message.evaluation in done
        return message


def predicted(config: RunConfig, rung: int, run: RunFolder, slope: float) -> Evaluation:
    """Write predictions and return their evaluation, the same for equal configurations."""
    share = 0.8 + 0.2 * rung / config.budget.examples - slope * abs(log10(config.optim.learning_rate) + 3)
    scores, specs = {}, {name: task.spec for name, task in config.tasks.items()}
    rng = np.random.default_rng([int(config.digest[:8], 16), rung])
    for task, spec in specs.items():
        gold = dev_gold(config, task)
        if spec.kind.is_score:
            values = share * gold + rng.normal(size=len(gold))
        else:
            values = share * np.eye(len(spec.classes))[gold] + rng.dirichlet(np.ones(len(spec.classes)), len(gold))
        run.write_predictions(rung, {task: values.astype(np.float32)})
        scores[task] = own_metric(spec, values.astype(np.float32), gold)
    overall = overall_score(scores, specs, {name: task.score_weight for name, task in config.tasks.items()})
    return Evaluation(
        rung, rung, 1, float(overall), scores, {}, {}, rung / 100, 100.0, cost=Cost(1000, 100, rung, 50.0)
    )
