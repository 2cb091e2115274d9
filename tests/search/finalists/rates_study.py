"""The study ``rates`` and its finalists, with stub training in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from predicting_executor import PredictingExecutor

from search.finalists.__main__ import main
from search.finalists.final_outcome import FinalOutcome, read_final
from search.storage.open import open_storage
from search.trials.folders import TrialFolders

RATES = """
[space]
"optim.learning_rate" = [1e-3, 9e-4, 1.2e-3, 1e-1]
"""


def stub_training(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("search.console.executor_choice.LocalExecutor", lambda *_, **__: PredictingExecutor())


def final(runs: Path, *, dies_at: int | None = None, **options: Any) -> None:
    """Run the command on the study ``rates``; kill this process when trial ``dies_at`` is started."""
    PredictingExecutor.dies_at = dies_at
    main("rates", **{"top": 3, "seeds": 3, "preset": ["siamese"], "runs_dir": runs, "quiet": True, **options})


def study_of(runs: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=open_storage(None, runs))


def read(runs: Path, name: str = "rates") -> FinalOutcome:
    found = read_final(study_of(runs, name), open_storage(None, runs), TrialFolders(runs / name))
    assert found is not None
    return found


def with_floor(runs: Path, floor: float) -> None:
    """Give the study ``rates`` a floor for sts."""
    study = study_of(runs, "rates")
    identity = json.loads(study.user_attrs["identity"])
    study.set_user_attr("identity", json.dumps({**identity, "floors": {"sts": {"score": floor, "from": 0}}}))
