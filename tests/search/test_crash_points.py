"""A driver killed at any single write to its storage: the next one ends the study as if nothing had happened."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from stub_study import BASE, SPEC, changed
from stub_training import overall

from core.evaluation import Evaluation
from search.driver import Driver
from search.executors.messages import Ended, Evaluated, Message, TrialJob
from search.floors import Floor
from search.samplers import SamplerChoice
from search.space import Space
from search.space_parsing import parse_space

optuna.logging.set_verbosity(optuna.logging.WARNING)
WRITES = (
    "create_new_study",
    "create_new_trial",
    "set_study_system_attr",
    "set_study_user_attr",
    "set_trial_intermediate_value",
    "set_trial_param",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
)


class KilledError(BaseException):
    """What SIGKILL is to a driver: nothing after it is done."""


class FragileStorage(InMemoryStorage):
    """Dies at the n-th write, before it is done."""

    writes = 0
    last_write = -1

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return self._counted(method) if name in WRITES else method

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            self.writes += 1
            if self.writes - 1 == self.last_write:
                raise KilledError
            return method(*args, **kwargs)

        return write


class InlineExecutor:
    """Trains in the driver's own thread, one rung per call of ``events``; checkpoints outlive it."""

    workers = 1

    def __init__(self, checkpoints: dict[int, list[Evaluation]]) -> None:
        self.checkpoints = checkpoints
        self.job: TrialJob | None = None
        self.replay = 0
        self.decision: bool | None = None

    @property
    def idle(self) -> int:
        return int(self.job is None)

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def wake(self) -> None: ...
    def interrupt(self) -> None: ...

    def submit(self, job: TrialJob) -> int:
        self.job, self.replay, self.decision = job, 0, None
        return 0

    def decide(self, number: int, go_on: bool) -> None:  # noqa: ARG002
        self.decision = go_on

    def events(self, timeout: float | None) -> Sequence[Message]:  # noqa: ARG002
        assert self.job is not None
        job, config = self.job, self.job.config
        done = self.checkpoints.setdefault(job.number, [])
        if self.decision is False:
            self.job = None
            return [Ended(job.number, "pruned")]
        if self.replay == len(config.rungs):
            self.job = None
            return [Ended(job.number, "finished")]
        if self.replay == len(done):
            rung = config.rungs[self.replay]
            score = overall(config, rung, config.digest)
            done.append(Evaluation(rung, rung, 0, score, {"sst": score}, {}, {}, 1.0, 1.0))
        self.replay += 1
        return [Evaluated(job.number, done[self.replay - 1])]


def outcome(storage: InMemoryStorage) -> list[tuple[Any, ...]]:
    trials = optuna.load_study(study_name="stub", storage=storage).get_trials()
    return [
        (t.state.name, t.params, t.distributions, t.values, t.intermediate_values, t.user_attrs, t.system_attrs)
        for t in trials
    ]


FLAT = parse_space(
    {"sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.25}, "heads.sst.layers": {"low": 1, "high": 3}}, BASE
)
CONDITIONAL = SPEC.space


@pytest.mark.parametrize(
    ("sampler", "space", "pruner", "every"),
    [
        (SamplerChoice("tpe", {"n_startup_trials": 2, "n_ei_candidates": 4}), CONDITIONAL, "halving", 1),
        (SamplerChoice("tpe", {"n_startup_trials": 2, "n_ei_candidates": 4}), CONDITIONAL, "hyperband", 3),
        (SamplerChoice("random"), CONDITIONAL, "hyperband", 3),
        (SamplerChoice("qmc"), FLAT, "median", 3),
        (SamplerChoice("grid"), FLAT, "none", 3),
        (SamplerChoice("nsgaii", {"population_size": 2}), FLAT, "halving", 3),
        (SamplerChoice("gp", {"n_startup_trials": 2}), FLAT, "halving", 11),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_write(tmp_path: Path, sampler: SamplerChoice, space: Space, pruner: str, every: int) -> None:
    spec = changed(trials=5, pruner=pruner, sampler=sampler, space=space)
    whole = FragileStorage()
    Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run()
    assert whole.writes > 80
    for last_write in range(0, whole.writes, every):
        storage, checkpoints = FragileStorage(), dict[int, list[Evaluation]]()
        storage.last_write = last_write
        folder = tmp_path / str(last_write)
        with pytest.raises(KilledError):
            Driver(spec, storage, InlineExecutor(checkpoints), folder).run()
        assert Driver(spec, storage, InlineExecutor(checkpoints), folder).run().finished
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"


def test_every_write_under_a_floor(tmp_path: Path) -> None:
    """A decision of a floor and its record as a constraint are the same after any kill."""
    spec = changed(trials=3, floors=(Floor("sst", 0.6, 40),))
    whole = FragileStorage()
    study = Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run().study
    assert "below its floor" in " ".join(trial.user_attrs["reason"] for trial in study.get_trials())
    for last_write in range(whole.writes // 3, whole.writes, 2):
        storage, checkpoints = FragileStorage(), dict[int, list[Evaluation]]()
        storage.last_write = last_write
        folder = tmp_path / str(last_write)
        with pytest.raises(KilledError):
            Driver(spec, storage, InlineExecutor(checkpoints), folder).run()
        assert Driver(spec, storage, InlineExecutor(checkpoints), folder).run().finished
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"
