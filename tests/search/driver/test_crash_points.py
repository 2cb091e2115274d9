"""A driver killed at any single write to its storage: the next one ends the study as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.trial import FrozenTrial
from stub_study import BASE, SPEC, changed

from core.run.evaluation import Evaluation
from search.driver.driver import Driver
from search.driver.events import Event, TrialStarted
from search.driver.retries import RETRIES
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.space.space import Space
from search.study.first_trials import FirstTrial
from search.study.spec import StudySpec
from search.trials.floors import Floor

optuna.logging.set_verbosity(optuna.logging.WARNING)
WRITES = (
    "create_new_study",
    "create_new_trial",
    "reopen_trial",
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


class FragileStorage(MemoryStorage):
    """Dies at the n-th write, before it is done; the end of a transaction counts as a write."""

    writes = 0
    last_write = -1

    def in_transaction(self, write: Callable[[], Any]) -> Any:
        def write_and_end() -> Any:
            result = write()
            self._count()
            return result

        return super().in_transaction(write_and_end)

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return self._counted(method) if name in WRITES else method

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            self._count()
            return method(*args, **kwargs)

        return write

    def _count(self) -> None:
        self.writes += 1
        if self.writes - 1 == self.last_write:
            raise KilledError


def attributes(trial: FrozenTrial) -> dict[str, Any]:
    """Return the attributes without those that record the kill itself."""
    return {name: value for name, value in trial.user_attrs.items() if name != RETRIES}


def outcome(storage: MemoryStorage) -> list[tuple[Any, ...]]:
    trials = optuna.load_study(study_name="stub", storage=storage).get_trials()
    return [
        (t.state.name, t.params, t.distributions, t.values, t.intermediate_values, attributes(t), t.system_attrs)
        for t in trials
    ]


FLAT = parse_space(
    {"sampler.alpha": {"low": 0.0, "high": 1.0, "step": 0.25}, "heads.sst.layers": {"low": 1, "high": 3}}, BASE
)
CONDITIONAL = SPEC.space
MARKING = PrunerChoice("optuna.pruners:SuccessiveHalvingPruner", {"min_resource": 20, "reduction_factor": 2})
"""Marks on a trial that it has judged a rung, and passes the trial when it is asked about this rung again."""
TINY = parse_space({"heads.sst.layers": {"low": 1, "high": 2}}, BASE)
"""Two runs: every further trial repeats one."""


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
        (SamplerChoice("random"), FLAT, MARKING, 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_write(
    tmp_path: Path, sampler: SamplerChoice, space: Space, pruner: str | PrunerChoice, every: int
) -> None:
    spec = changed(trials=5, pruner=pruner, sampler=sampler, space=space)
    whole = FragileStorage()
    Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run()
    assert whole.writes > 80
    for last_write in range(0, whole.writes, every):
        storage, _ = killed_and_resumed(spec, tmp_path / str(last_write), last_write)
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"


def killed_and_resumed(
    spec: StudySpec, folder: Path, last_write: int, workers: int = 1
) -> tuple[FragileStorage, list[dict[str, set[int]]]]:
    """Return the storage of a study whose driver was killed and started again, and what either of the two trained."""
    storage, checkpoints = FragileStorage(), dict[int, list[Evaluation]]()
    storage.last_write = last_write
    executors = [InlineExecutor(checkpoints, workers) for _ in range(2)]
    with pytest.raises(KilledError):
        Driver(spec, storage, executors[0], folder).run()
    assert Driver(spec, storage, executors[1], folder).run().finished
    return storage, [executor.trained for executor in executors]


def test_every_write_of_a_study_in_which_pruned_trials_continue(tmp_path: Path) -> None:
    choice = PrunerChoice("halving", {"revive": True, "reduction_factor": 2.0})
    spec = changed(trials=6, pruner=choice, sampler=SamplerChoice("random"), seed=8)
    whole, executor = FragileStorage(), InlineExecutor({})
    events: list[Event] = []
    Driver(spec, whole, executor, tmp_path / "whole").run([events.append])
    assert sum(isinstance(event, TrialStarted) and event.revived for event in events) >= 2
    for last_write in range(whole.writes // 3, whole.writes, 3):
        storage, _ = killed_and_resumed(spec, tmp_path / str(last_write), last_write)
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"


AGAIN = {"heads.sst.layers": 1}


@pytest.mark.parametrize(
    ("sampler", "pruner", "first", "workers", "every"),
    [
        (SamplerChoice("random"), "none", [], 1, 3),  # drawn again 40 times, in vain
        (SamplerChoice("grid"), "halving", [{"heads.sst.layers": 2}, AGAIN], 1, 1),
        (SamplerChoice("grid"), "none", [AGAIN, AGAIN], 2, 4),  # waiting for the running one
    ],
)
def test_every_write_of_a_repeat(
    tmp_path: Path, sampler: SamplerChoice, pruner: str, first: list[dict[str, Any]], workers: int, every: int
) -> None:
    spec = changed(trials=3, pruner=pruner, sampler=sampler, space=TINY, workers=workers)
    given = (FirstTrial(f"first {index}", params) for index, params in enumerate(first))
    spec = replace(spec, first_trials=(*spec.first_trials, *given))
    begun, whole = FragileStorage(), FragileStorage()
    Driver(replace(spec, trials=2), begun, InlineExecutor(), tmp_path / "begun").run()
    executor = InlineExecutor(workers=workers)
    Driver(spec, whole, executor, tmp_path / "whole").run()
    assert sum("repeat_of" in trial[5] for trial in outcome(whole)) == (2 if workers == 2 else 1)
    for last_write in range(0 if workers == 2 else begun.writes, whole.writes, every):
        storage, trained = killed_and_resumed(spec, tmp_path / str(last_write), last_write, workers)
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"
        for digest, numbers in executor.trained.items():
            assert trained[0].get(digest, numbers) | trained[1].get(digest, numbers) == numbers


def test_every_write_under_a_floor(tmp_path: Path) -> None:
    """A decision of a floor and its record as a constraint are the same after any kill."""
    spec = changed(trials=3, floors=(Floor("sst", 0.6, 40),))
    whole = FragileStorage()
    study = Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run().study
    assert "below its floor" in " ".join(trial.user_attrs["reason"] for trial in study.get_trials())
    for last_write in range(whole.writes // 3, whole.writes, 2):
        storage, _ = killed_and_resumed(spec, tmp_path / str(last_write), last_write)
        assert outcome(storage) == outcome(whole), f"killed at write {last_write}"
