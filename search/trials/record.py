"""Read and write what a storage has of a trial besides Optuna's own fields, as user attributes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from optuna.trial import FrozenTrial, Trial

from core.config import DataConfig, RunConfig
from core.run.cost import Cost
from core.run.evaluation import Evaluation, best_evaluation
from search.storage.damage import reading_record

__all__ = ["CONFIG", "REPEAT_OF", "ROLE", "EndState", "FinishedTrial", "TrialRecord", "TrialResult", "stored_config"]

CONFIG = "config"
ROLE = "role"
REPEAT_OF = "repeat_of"

EndState = Literal["complete", "pruned", "failed"]
"""How events and tables call the state of an ended trial: Optuna's ``TrialState`` in lower-case words."""


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial.

    Attributes:
        overall: overall score of its best evaluation (:func:`core.run.evaluation.best_evaluation`); None without one.
            It equals the value of a complete trial in Optuna, but a pruned trial's value is its last report.
        scores: each task's metric at the best evaluation.
        best_rung: rung of that evaluation, in training examples.
        examples: training examples seen; 0 for a duplicate.
        seconds: training and evaluation, including those before interruptions; 0 for a duplicate.
        reason: why it was pruned or failed, why it cannot win although it is complete, or which trial it duplicates;
            else empty.
        cost: of the whole trial; None without an evaluation, for a duplicate, and in studies stored before costs were
            recorded.
    """

    overall: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    best_rung: int | None = None
    examples: int = 0
    seconds: float = 0.0
    reason: str = ""
    cost: Cost | None = None

    @classmethod
    def of(cls, evaluations: list[Evaluation], reason: str) -> Self:
        """Summarise evaluations with finite overall scores, given in the order of their rungs."""
        best = best_evaluation(evaluations)
        if best is None:
            return cls(reason=reason)
        last = evaluations[-1]
        return cls(best.overall, best.scores, best.rung, last.examples, last.seconds, reason, last.cost)

    def as_duplicate(self, original: int) -> TrialResult:
        """Return the result of a trial that was not trained, because it duplicates ``original``, which has this result.

        It has the scores but no costs, so that the cost of a study is the sum over its trials.
        """
        reason = f"same as trial {original}" + (f": {self.reason}" if self.reason else "")
        return replace(self, examples=0, seconds=0.0, reason=reason, cost=None)

    @classmethod
    def read(cls, attrs: dict[str, Any]) -> Self:
        """Read what :meth:`write` wrote; missing attributes get their defaults."""
        values = {name: attrs[name] for name in cls.__dataclass_fields__ if name in attrs}
        if values.get("cost") is not None:
            values["cost"] = Cost(**values["cost"])
        return cls(**values)

    def write(self, trial: Trial) -> None:
        """Set the user attributes of a trial that is still running: Optuna refuses them afterwards."""
        for name, value in asdict(self).items():
            trial.set_user_attr(name, value)


def stored_config(trial: FrozenTrial | Trial) -> RunConfig:
    """Return the configuration of a trial that has begun.

    Raises:
        StorageError: it cannot be read.
    """
    with reading_record(f"the configuration of trial {trial.number}"):
        return RunConfig.model_validate_json(trial.user_attrs[CONFIG])


@dataclass(frozen=True)
class TrialRecord:
    """A trial as it is stored, in any state.

    Attributes:
        role: ``default`` for the study's default configuration, which is always trained in full; ``first NAME`` and
            ``variant NAME, seed N`` for others that the study file names; ``from STUDY, trial N`` for one of another
            study; ``proposed`` for a sampler's.
        config: None for a trial that waits, or that a killed driver had just created.
        result: empty while it runs.
        repeat_of: number of the trial that trained this configuration before, and whose result this one has; None if
            this one was trained.
    """

    number: int
    role: str
    config: RunConfig | None
    result: TrialResult
    repeat_of: int | None = None

    @classmethod
    def read(cls, trial: FrozenTrial) -> TrialRecord:
        """Read the record of Optuna's trial."""
        attrs = trial.user_attrs
        with reading_record(f"the record of trial {trial.number}"):
            return TrialRecord(
                number=trial.number,
                role=attrs.get(ROLE, "proposed"),
                config=stored_config(trial) if CONFIG in attrs else None,
                result=TrialResult.read(attrs),
                repeat_of=attrs.get(REPEAT_OF),
            )

    @property
    def dev_share(self) -> float:
        """The share of the dev examples that its scores are of; below 1 only for a trial that was not trained in full.

        It is 1 for a trial without scores.
        """
        rung = self.result.best_rung
        return 1.0 if self.config is None or rung is None else self.config.dev_share(rung)


@dataclass(frozen=True)
class FinishedTrial(TrialRecord):
    """A trial with a score, complete or pruned: it has a configuration."""

    config: RunConfig

    @classmethod
    def read(cls, trial: FrozenTrial) -> FinishedTrial:
        """Read the record of a trial that has a score; raises like :meth:`of`."""
        return cls.of(TrialRecord.read(trial))

    @classmethod
    def of(cls, record: TrialRecord) -> FinishedTrial:
        """Return the record of a trial that has a score as what it is.

        Raises:
            ValueError: it has no configuration.
        """
        if record.config is None:
            raise ValueError(f"trial {record.number} has no configuration, so it cannot have a score")
        return cls(record.number, record.role, record.config, record.result, record.repeat_of)

    @property
    def overall(self) -> float:
        """The overall score of its best rung."""
        assert self.result.overall is not None, "a finished trial has a score"
        return self.result.overall

    def config_with_data(self, directory: Path | None = None) -> RunConfig:
        """Return its configuration, with the data in another folder if one is given."""
        if directory is None:
            return self.config
        return self.config.model_copy(update={"data": DataConfig(directory=str(directory))})
