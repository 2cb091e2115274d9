"""A trial between its proposal and its end, as the driver sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from optuna.samplers import BaseSampler
from optuna.trial import Trial

from core.config import RunConfig
from core.run.evaluation import Evaluation, best_evaluation
from search.driver.retries import RetryCounter
from search.storage import optuna_internals
from search.study.first_trials import DEFAULT
from search.trials.floors import Floor, constrain, why_no_winner, why_pruned
from search.trials.record import ROLE, TrialResult

__all__ = ["RunningTrial"]


@dataclass
class RunningTrial:
    """Judge a trial's evaluations and keep them.

    Attributes:
        sampler: made for this trial's number.
        folder: of its results.
        url: of the study, at which its runs save their files; None: in ``folder``.
        resumed: whether it was started before, by an earlier driver or on a worker that died.
        revived: whether it was pruned before, and continues.
        defect: why it fails although none of its runs raised an error; empty for a sound trial.
        retries: counts how often it was interrupted.
        pruned_because: why it is pruned; empty as long as it continues.
    """

    trial: Trial
    sampler: BaseSampler
    config: RunConfig
    folder: Path
    url: str | None = None
    resumed: bool = False
    revived: bool = False
    defect: str = ""
    floors: tuple[Floor, ...] = ()
    pruned_because: str = ""
    retries: RetryCounter = field(init=False)
    _evaluations: dict[int, Evaluation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.retries = RetryCounter(self.trial)

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    @property
    def evaluations(self) -> list[Evaluation]:
        """The evaluations so far, by rung; those that a resumed run repeats count once."""
        return [self._evaluations[rung] for rung in sorted(self._evaluations)]

    @property
    def last_rung(self) -> int:
        """The last rung that any run of the trial reached and reported; 0 before the first."""
        return max(optuna_internals.reported_steps(self.trial) | self._evaluations.keys(), default=0)

    @property
    def best(self) -> Evaluation | None:
        """The evaluation whose weights are kept; see :func:`core.run.evaluation.best_evaluation`."""
        return best_evaluation(self.evaluations)

    def result(self, reason: str) -> TrialResult:
        """Return the trial's result so far."""
        return TrialResult.of(self.evaluations, reason)

    def knows(self, evaluation: Evaluation) -> bool:
        """Return whether this driver has judged the rung before."""
        return evaluation.rung in self._evaluations

    def judge(self, evaluation: Evaluation) -> bool:
        """Report an evaluation to Optuna, once, and decide whether the run continues."""
        rung = evaluation.rung
        if not math.isfinite(evaluation.overall):
            self.defect = f"overall score is {evaluation.overall} at {rung} examples"  # never reaches Optuna
            return False
        self._evaluations[rung] = evaluation
        if rung >= self.config.rungs[-1]:
            return True  # no training is left to save; the report is stored with the trial's end, which follows at once
        return optuna_internals.trial_transaction(self.trial, lambda: self._report(evaluation))

    def report_all(self) -> None:
        """Report the evaluations that Optuna does not have yet."""
        for evaluation in self.evaluations:
            if evaluation.rung not in optuna_internals.reported_steps(self.trial):
                self.trial.report(evaluation.overall, evaluation.rung)

    def _report(self, evaluation: Evaluation) -> bool:
        rung, reported = evaluation.rung, optuna_internals.reported_steps(self.trial)
        self.report_all()
        if rung < max(reported, default=0):
            return True  # it continued from this rung before it was interrupted
        if self.trial.user_attrs.get(ROLE) != DEFAULT:  # the default is never pruned: others are compared with it
            # The pruner does not see a run that a floor ends: it would compare others with it.
            self.pruned_because = why_pruned(self.floors, evaluation) or self._pruner_reason(rung, rung in reported)
        return not self.pruned_because

    def _pruner_reason(self, rung: int, is_decided: bool) -> str:
        if rung < self.config.warmup_examples:
            return ""  # it has hardly been trained yet: its score says nothing about later ones
        return f"pruned at {rung} examples" if optuna_internals.should_prune(self.trial, is_decided) else ""

    @property
    def no_winner_because(self) -> str:
        """Why it cannot win with the weights that are kept; empty if it can."""
        return why_no_winner(self.floors, self.best) if self.best is not None else ""

    def constrain(self, *, complete: bool) -> None:
        """Record the distances to the study's floors; see :func:`search.trials.floors.constrain`."""
        judged = self.best if complete else next(reversed(self.evaluations), None)
        if judged is not None:
            constrain(self.trial, self.floors, judged, complete=complete)
