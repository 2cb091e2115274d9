"""The finished study's trials, what single ones of them export, and the command run in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import train
from search.ensemble.__main__ import main
from search.ensemble.members import Member
from search.export import __main__ as export
from search.recorded.ranking import open_study, pick_trial
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord, TrialResult

TASKS = ("sst", "para", "sts")


@dataclass(frozen=True)
class Trials:
    """The tiny study's four trials; three of them have a model."""

    runs: Path

    def folder(self, number: int) -> RunFolder:
        return TrialFolders(self.runs / "tiny").run(number)

    def record(self, number: int) -> TrialRecord:
        return TrialRecord.read(pick_trial(open_study("tiny", None, self.runs), number))

    def overall(self, number: int) -> float:
        overall = self.record(number).result.overall
        assert overall is not None
        return overall

    def config(self, number: int) -> RunConfig:
        return RunConfig.model_validate_json(self.folder(number).config.read_text())

    def stored(self, number: int, task: str) -> np.ndarray:
        rung = self.record(number).result.best_rung
        assert rung is not None
        return np.asarray(np.load(self.folder(number).predictions(task, rung)))

    def gold(self, task: str) -> np.ndarray:
        return np.asarray(self.resources.scored_dev(self.config(0), task).labels)

    @property
    def resources(self) -> Resources:
        return Resources(self.runs / "cache")

    @property
    def with_model(self) -> list[int]:
        """Return the trials that have a model, the best first."""
        found = [number for number in range(4) if self.folder(number).best_model.exists()]
        return sorted(found, key=lambda number: -self.overall(number))

    @property
    def without_model(self) -> int:
        (number,) = set(range(4)) - set(self.with_model)
        return number


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use few resamples to estimate the score on new data, which these tests do not check."""
    monkeypatch.setattr("search.ensemble.selection_replay._MOST", 20)


@pytest.fixture(scope="session")
def trials(finished_study: Any) -> Trials:
    return Trials(Path(finished_study.runs))


@pytest.fixture(scope="session")
def exported(trials: Trials, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Export the two best trials, and return what was written, the best first."""
    found = {}
    for number in trials.with_model[:2]:
        found[number] = tmp_path_factory.mktemp(f"export-{number}")
        export.main(study="tiny", trial=number, out=found[number], runs_dir=trials.runs)
    return found


@pytest.fixture
def train_members(trials: Trials, tmp_path: Path) -> Callable[..., tuple[list[Member], Resources]]:
    """Train two runs of sst and sts, scored on 20 of the 60 dev examples of sst; sections are those of each run."""

    def make(*sections: dict[str, Any]) -> tuple[list[Member], Resources]:
        members, resources, tasks = [], Resources(tmp_path / "cache"), ("sst", "sts")
        first = trials.config(0).model_dump(include={"model", "data", "tasks", "heads", "compute"})
        first["tasks"] = {task: first["tasks"][task] for task in tasks}
        first["heads"] = {task: first["heads"][task] for task in tasks}
        first["tasks"]["sst"]["dev_limit"] = 20
        first |= {"budget": {"examples": 400, "batch_size": 20}, "eval": {"rungs": 1}}
        for number, own in enumerate(
            sections or ({"optim": {"learning_rate": 1e-3}}, {"optim": {"learning_rate": 5e-3}})
        ):
            config, folder = RunConfig.model_validate(first | own), RunFolder(tmp_path / str(number))
            train(config, folder.path, resources, NullRunObserver())
            result = TrialResult.of(folder.read_metrics(), "")
            predictions = {task: np.load(folder.predictions(task, 400)) for task in tasks}
            members.append(Member(number, {}, folder, config, result, predictions))
        return members, resources

    return make


@dataclass(frozen=True)
class Made:
    """What the command left in its folder and printed."""

    folder: Path
    record: dict[str, Any]
    printed: str

    def lines(self, task: str, split: str) -> bytes:
        return (self.folder / "predictions" / f"{task}-{split}-output.csv").read_bytes()

    @property
    def shares(self) -> dict[str, dict[int, float]]:
        """Return task -> trial -> share."""
        return {task: {m["trial"]: m["shares"][task] for m in self.record["members"]} for task in TASKS}


@pytest.fixture
def make(trials: Trials, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Made]:
    """Run the command on the tiny study, or on a copy in ``runs_dir``."""

    def run(**options: Any) -> Made:
        out = options.pop("out", tmp_path / "ensemble")
        main(study="tiny", out=out, **{"runs_dir": trials.runs, **options})
        return Made(out, json.loads((out / "ensemble.json").read_text()), capsys.readouterr().out)

    return run


@pytest.fixture
def refused(trials: Trials, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command, which must end with exit code 2, one line, and nothing written; returns the line."""

    def run(**options: Any) -> str:
        with pytest.raises(typer.Exit) as ended:
            main(**{"study": "tiny", "out": tmp_path / "refused", "runs_dir": trials.runs, **options})
        assert ended.value.exit_code == 2
        assert not (tmp_path / "refused").exists()
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return run
