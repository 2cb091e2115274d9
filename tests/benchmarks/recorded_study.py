"""Make a study of 15 settings with many recorded trials within seconds, and an executor that takes no time."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import func, insert, select

from core.config import RunConfig
from core.run.cost import Cost
from core.run.evaluation import Evaluation
from data.task_files import builtin_tasks
from search.executors.messages import Ended, Evaluated, Message, TrialJob
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.storage.rdb import DatabaseStorage
from search.study.first_trials import default_trial
from search.study.spec import StudySpec

TASKS = ("sst", "para", "sts")
BASE = RunConfig.model_validate({"tasks": {name: {"spec": builtin_tasks()[name]} for name in TASKS}})
SHARES = ("optim.warmup", "optim.layer_decay", "sampler.alpha")
HEADS = ("dropout", "label_smoothing")
RANGES = (
    {"optim.learning_rate": {"low": 1e-6, "high": 1e-3, "log": True}}
    | {"optim.weight_decay": {"low": 1e-4, "high": 1e-1, "log": True}, "optim.clip_norm": {"low": 0.1, "high": 5.0}}
    | {name: {"low": 0.01, "high": 0.99} for name in SHARES}
    | {f"heads.{task}.dropout": {"low": 0.0, "high": 0.5} for task in TASKS}
    | {f"heads.{task}.class_balance": {"low": 0.0, "high": 1.0} for task in ("sst", "para")}
    | {f"heads.{task}.label_smoothing": {"low": 0.0, "high": 0.3} for task in ("sst", "para")}
    | {f"r_drop.alpha.{task}": {"low": 0.01, "high": 5.0} for task in ("sst", "para")}
)
SPACE = parse_space(RANGES, BASE)


def spec(trials: int, sampler: str = "tpe", pruner: str = "hyperband") -> StudySpec:
    """Return the study as a study file would describe it, with 5 rungs."""
    return StudySpec(
        name="recorded",
        description="",
        base=BASE,
        space=SPACE,
        first_trials=default_trial(SPACE, BASE),
        notes=(),
        trials=trials,
        seed=0,
        sampler=SamplerChoice(sampler),
        pruner=PrunerChoice(pruner),
        workers=1,
        keep_models=1,
        synthetic=None,
        source=Path("recorded.toml"),
    )


class InstantExecutor:
    """An executor that trains nothing: trials pass their rungs at once, each scoring slightly below the one before.

    Args:
        bonus: added to all scores.
    """

    workers = 1

    def __init__(self, bonus: float = 0.0) -> None:
        self.bonus = bonus
        self.job: TrialJob | None = None
        self.passed: list[Evaluation] = []
        self.decision = True

    def device(self, worker: int) -> str:  # noqa: ARG002
        return ""

    @property
    def idle(self) -> int:
        return int(self.job is None)

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...
    def interrupt(self) -> None: ...

    def submit(self, job: TrialJob) -> int:
        self.job, self.passed, self.decision = job, [], True
        return 0

    def decide(self, number: int, go_on: bool) -> None:  # noqa: ARG002
        self.decision = go_on

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        assert self.job is not None
        number, rungs = self.job.number, self.job.config.rungs
        if not self.decision or len(self.passed) == len(rungs):
            self.job = None
            return [Ended(number, "finished" if self.decision else "pruned")]
        rung = rungs[len(self.passed)]
        overall = 0.8 + 0.1 * rung / rungs[-1] - number * 1e-7 + self.bonus
        cost = Cost(110_000_000, 110_000_000, 2 * rung, 2000.0)
        scores = dict.fromkeys(self.job.config.tasks, overall)
        self.passed.append(Evaluation(rung, rung, 0, overall, scores, {}, {}, rung / 100, 100.0, cost=cost))
        return [Evaluated(number, self.passed[-1])]


def copies(trial: FrozenTrial, count: int) -> list[FrozenTrial]:
    """Make ``count`` trials like this complete one, with random parameters and scores; two of three are pruned."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(1, count + 1):
        one = copy.copy(trial)
        one.number, one.state = number, TrialState.COMPLETE if number % 3 == 0 else TrialState.PRUNED
        one.distributions = SPACE_DISTRIBUTIONS
        one.params = {name: _draw(rng, distribution) for name, distribution in SPACE_DISTRIBUTIONS.items()}
        shift = rng.normal(0.0, 0.05)
        curve = [(step, value + shift) for step, value in sorted(trial.intermediate_values.items())]
        one.intermediate_values = dict(curve if one.state == TrialState.COMPLETE else curve[: rng.integers(1, 5)])
        one.value = one.intermediate_values[max(one.intermediate_values)]
        made.append(one)
    return made


SPACE_DISTRIBUTIONS: dict[str, FloatDistribution] = {
    name: FloatDistribution(limits["low"], limits["high"], log=limits.get("log", False))
    for name, limits in RANGES.items()
}


def _draw(rng: np.random.Generator, distribution: FloatDistribution) -> float:
    if distribution.log:
        return float(np.exp(rng.uniform(np.log(distribution.low), np.log(distribution.high))))
    return float(rng.uniform(distribution.low, distribution.high))


def add(storage: DatabaseStorage, study_id: int, trials: Sequence[FrozenTrial]) -> None:
    """Record ended trials, with one statement per table."""
    with storage.engine.begin() as connection:
        last = connection.execute(select(func.max(models.TrialModel.trial_id))).scalar_one()
        for model, rows in _rows(study_id, last + 1, trials).items():
            connection.execute(insert(model), rows)


def _rows(study_id: int, first: int, trials: Sequence[FrozenTrial]) -> dict[type, list[dict[str, object]]]:
    ids = list(enumerate(trials, first))
    now, finite = datetime.now(), models.TrialValueModel.TrialValueType.FINITE
    reported = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    texts = {name: distribution_to_json(one) for name, one in SPACE_DISTRIBUTIONS.items()}
    encode = optuna.storages._rdb.storage.json.dumps
    return {
        models.TrialModel: [
            {
                "trial_id": i,
                "number": trial.number,
                "study_id": study_id,
                "state": trial.state,
                "datetime_start": now,
                "datetime_complete": now,
            }
            for i, trial in ids
        ],
        models.TrialValueModel: [
            {"trial_id": i, "objective": 0, "value": trial.value, "value_type": finite} for i, trial in ids
        ],
        models.TrialParamModel: [
            {"trial_id": i, "param_name": name, "param_value": value, "distribution_json": texts[name]}
            for i, trial in ids
            for name, value in trial.params.items()
        ],
        models.TrialIntermediateValueModel: [
            {"trial_id": i, "step": step, "intermediate_value": value, "intermediate_value_type": reported}
            for i, trial in ids
            for step, value in trial.intermediate_values.items()
        ],
        models.TrialUserAttributeModel: [
            {"trial_id": i, "key": key, "value_json": encode(value)}
            for i, trial in ids
            for key, value in trial.user_attrs.items()
        ],
        models.TrialSystemAttributeModel: [
            {"trial_id": i, "key": key, "value_json": encode(value)}
            for i, trial in ids
            for key, value in trial.system_attrs.items()
        ],
        models.StudySystemAttributeModel: [
            {"study_id": study_id, "key": f"dashboard:{i}:{key}", "value_json": encode(value)}
            for i, _ in ids
            for key, value in (("note_ver", 1), ("note_str:0", "| examples | overall |\n" * 20))
        ],
    }


def recorded(storage: DatabaseStorage, folder: Path, count: int, sampler: str = "tpe") -> None:
    """Make a study with ``count`` ended trials: one trained by a driver, and copies of it."""
    from search.driver.driver import Driver

    study = Driver(spec(1, sampler), storage, InstantExecutor(), folder).run().study
    add(storage, study._study_id, copies(study.trials[0], count - 1))
