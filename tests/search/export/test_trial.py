"""What an export writes, in which order, and that a model with other scores than recorded is refused."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, create_trial

from core.config import RunConfig
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import TaskCalibration
from data.errors import UserError
from data.task_files import builtin_tasks
from search.export.trial import export_trial, recorded_scores
from search.trials.prediction_files import read_predictions
from search.trials.record import TrialResult

SST, STS = (builtin_tasks()[name] for name in ("sst", "sts"))
CONFIG = RunConfig.model_validate({"tasks": {"sst": {"spec": SST}, "sts": {"spec": STS}}, "compute": {"device": "cpu"}})
GOLD = {"sst": np.array([0, 1, 2, 3]), "sts": np.array([0.0, 1.0, 2.0, 3.0], dtype=np.float32)}
BEST = Evaluation(100, 104, 6, 0.875, {"sst": 0.75, "sts": 1.0}, {}, {}, 1.0, 100.0)
OUTPUTS = {
    ("sst", "dev"): np.eye(5)[[0, 1, 2, 4]],  # accuracy 3/4
    ("sts", "dev"): GOLD["sts"],  # correlation 1
    ("sst", "test"): np.eye(5)[[4, 3]],
    ("sts", "test"): np.array([2.0, 5.0]),
}


@dataclass(frozen=True)
class Trained:
    """A model that is not one."""

    model: Any
    tokenizer: None = None
    layout: None = None


def trial_of(result: TrialResult | None) -> FrozenTrial:
    study = optuna.create_study(direction="maximize")
    attrs = {} if result is None else {"best_rung": result.best_rung, "scores": result.scores}
    study.add_trial(create_trial(value=0.875, user_attrs=attrs))
    return study.trials[0]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "trial-0000")
    folder.make()
    folder.best_evaluation.parent.mkdir(parents=True, exist_ok=True)
    folder.best_evaluation.write_text(json.dumps(asdict(BEST)))
    return folder


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the model folders that are written, by an export without a real model."""
    models: list[Path] = []
    trained = Trained(SimpleNamespace(cpu=lambda: "on the CPU"))

    def save(out: Path, saved: Trained, provenance: dict[str, Any], calibrations: dict[str, TaskCalibration]) -> None:
        assert saved.model == "on the CPU"
        assert not (out.parent / "predictions" / "provenance.json").exists(), "the record is written last"
        assert provenance["rung"] == 100
        assert {name: found.examples for name, found in calibrations.items()} == {"sst": 4}  # sts has scores
        models.append(out)

    def describe(out: Path, provenance: dict[str, Any], config: RunConfig, calibrations: dict[str, Any]) -> None:
        assert models == [out], "the card is written after the model"
        assert (provenance["trial"], set(config.tasks), set(calibrations)) == (0, {"sst", "sts"}, {"sst"})
        assert not (out.parent / "predictions" / "provenance.json").exists(), "the record is written last"

    module = "search.export.trial"
    monkeypatch.setattr(f"{module}.load_best_model", lambda *_: trained)
    monkeypatch.setattr(f"{module}.predict", lambda _model, _config, examples, *_: OUTPUTS[examples.key])
    monkeypatch.setattr(f"{module}.made_from", lambda _: {"code": "mine"})
    monkeypatch.setattr(f"{module}.save_model_folder", save)
    monkeypatch.setattr(f"{module}.write_model_card", describe)
    return models


def examples(_config: RunConfig, spec: Any, split: str, _tokenizer: None) -> Any:
    count = len(OUTPUTS[spec.name, split])
    ids = [f"{split}{number}" for number in range(count)]
    labels = GOLD[spec.name] if split == "dev" else None
    return SimpleNamespace(key=(spec.name, split), ids=ids, labels=labels, skipped=())


RESOURCES: Any = SimpleNamespace(examples=examples)


def test_predictions_model_and_record(folder: RunFolder, written: list[Path], tmp_path: Path) -> None:
    out, trial = tmp_path / "export", trial_of(TrialResult(0.875, BEST.scores, 100))
    found = export_trial("mine", trial, folder, CONFIG, RESOURCES, out, {"overall": {"expected": 0.8}})
    assert written == [out / "model"]
    assert json.loads((out / "predictions" / "provenance.json").read_text()) == found
    assert found["dev"] == {"overall": 0.875, "sst": 0.75, "sts": 1.0}
    assert (found["study"], found["trial"], found["rung"], found["code"]) == ("mine", 0, 100, "mine")
    assert found["expected"] == {"overall": {"expected": 0.8}}
    assert set(found["tasks"]) == {"sst", "sts"}
    for (task, split), outputs in OUTPUTS.items():
        spec = CONFIG.tasks[task].spec
        ids, values = read_predictions(out / "predictions" / f"{task}-{split}-output.csv", spec)
        assert ids == [f"{split}{number}" for number in range(len(outputs))]
        assert np.array_equal(values, outputs)


def test_without_an_estimate_the_record_has_none(folder: RunFolder, written: list[Path], tmp_path: Path) -> None:
    found = export_trial("mine", trial_of(None), folder, CONFIG, RESOURCES, tmp_path / "export")
    assert "expected" not in found
    assert len(written) == 1


def test_a_model_with_other_scores_is_refused_before_anything_is_written(
    folder: RunFolder, written: list[Path], tmp_path: Path
) -> None:
    trial = trial_of(TrialResult(0.9, {"sst": 0.75, "sts": 0.5}, 100))
    with pytest.raises(UserError, match=r"trial 0 was recorded with sts .* 0\.5000 on dev, but its model .* 1\.0000"):
        export_trial("mine", trial, folder, CONFIG, RESOURCES, tmp_path / "export")
    assert written == []
    assert not (tmp_path / "export").exists()


def test_a_test_row_that_cannot_be_read_is_refused_before_anything_is_written(
    folder: RunFolder, written: list[Path], tmp_path: Path
) -> None:
    def one_skipped(config: RunConfig, spec: Any, split: str, tokenizer: None) -> Any:
        found = examples(config, spec, split, tokenizer)
        found.skipped = (f"{split}.csv:7: no sentence",)
        return found

    resources: Any = SimpleNamespace(examples=one_skipped)
    with pytest.raises(UserError, match=r"task 'sst': a row of the test file cannot be read.*test\.csv:7: no sentence"):
        export_trial("mine", trial_of(None), folder, CONFIG, resources, tmp_path / "export")
    assert written == []
    assert not (tmp_path / "export").exists()


def test_scores_of_the_storage_come_before_those_of_the_folder(folder: RunFolder) -> None:
    """A study of an earlier version has none in the storage."""
    stored = recorded_scores(trial_of(TrialResult(0.5, {"sst": 0.5}, 50)), folder, CONFIG, BEST)
    assert (stored.rung, stored.scores) == (50, {"sst": 0.5})
    old = recorded_scores(trial_of(None), folder, CONFIG, replace(BEST, rung=200))
    assert (old.rung, old.scores) == (200, BEST.scores)
