"""Studies whose driver, of a version with write-ahead logs (commit ae3e954), was killed while a trial ran.

``recorded_with_logs/*.sql`` are the rows of their databases, without the dashboard's. That version stored the log of a
proposal as the attribute ``onebert:proposal`` and that of a pruning decision as ``onebert:pruned``.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.storages import BaseStorage
from quick_storage import empty_database
from stub_study import changed

from search.driver.driver import Driver
from search.driver.retries import RETRIES
from search.samplers.registry import SamplerChoice
from search.storage.open import open_storage
from search.trials.record import CONFIG

RECORDED = Path(__file__).parent / "recorded_with_logs"
SPEC = changed(trials=4, pruner="halving", sampler=SamplerChoice("tpe", {"n_startup_trials": 1}))


def outcome(storage: BaseStorage) -> list[tuple[Any, ...]]:
    return [
        (
            trial.state.name,
            trial.params,
            trial.values,
            trial.intermediate_values,
            {key: value for key, value in trial.user_attrs.items() if key not in (RETRIES, CONFIG)},
            {key: value for key, value in trial.system_attrs.items() if not key.startswith("onebert:")},
        )
        for trial in optuna.load_study(study_name="stub", storage=storage).trials
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    storage: Any = MemoryStorage()
    Driver(SPEC, storage, InlineExecutor(), tmp_path_factory.mktemp("undisturbed")).run()
    return outcome(storage)


@pytest.mark.parametrize(("moment", "running"), [("created", 3), ("proposed", 2), ("pruned", 1)])
def test_the_study_resumes_to_the_same_result(
    tmp_path: Path, moment: str, running: int, undisturbed: list[tuple[Any, ...]]
) -> None:
    file = tmp_path / "studies.db"
    file.write_bytes(empty_database())
    with sqlite3.connect(file) as connection:
        connection.executescript((RECORDED / f"{moment}.sql").read_text(encoding="utf-8"))
    storage = open_storage(None, tmp_path)
    left = storage.get_all_trials(1)[running]
    logs = {"created": set(), "proposed": {"onebert:proposal"}, "pruned": {"onebert:proposal", "onebert:pruned"}}
    assert left.state.name == "RUNNING"
    assert {key for key in left.system_attrs if key.startswith("onebert:")} == logs[moment]
    executor = InlineExecutor()
    assert Driver(SPEC, storage, executor, tmp_path / "stub").run().finished
    assert outcome(storage) == undisturbed
    assert running in set.union(*executor.trained.values())  # nothing before it is trained again
    assert min(set.union(*executor.trained.values())) == running
