"""Three configurations that are trained again with stub training, in this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inline_executor import InlineExecutor
from stub_study import BASE

from core.config import RunConfig
from search.console.session import StudySession
from search.driver.driver import StudyResult
from search.executors.messages import Checked, TrialJob
from search.finalists.replication import Drop, replicate, replication_spec
from search.preflight.data import DataReport
from search.study.spec import StudySpec

SEEDS = (1, 2, 3)
REPORT = DataReport({}, (), "data", "splits")


def at_rate(learning_rate: float, **changes: Any) -> RunConfig:
    """Return a configuration with this learning rate; stub training scores best at 1e-4."""
    return BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": learning_rate}), **changes})


CONFIGS = {"good": at_rate(1e-4), "fair": at_rate(2e-4), "poor": at_rate(1e-2)}


@dataclass
class MortalExecutor(InlineExecutor):
    """Kill this process when a trial is started.

    Attributes:
        dies_at: its number; None: never.
    """

    dies_at: int | None = None

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        return Checked(len(configs), "")

    def submit(self, job: TrialJob) -> int:
        if job.number == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().submit(job)


def spec_of(name: str = "again") -> StudySpec:
    return replication_spec(name, CONFIGS, SEEDS)


def replicating(root: Path, drop: Drop | None, dies_at: int | None = None) -> StudyResult:
    run = StudySession(root, quiet=True, make_executor=lambda *_: MortalExecutor(dies_at=dies_at))
    return replicate(run, spec_of(), REPORT, drop)
