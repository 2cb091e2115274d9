"""A run over folds: every row is predicted once, by a model that has not seen it, and no interruption changes that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.inputs.best_model import load_best_model, model_runs
from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.scoring import predict
from core.statistics import own_metric
from core.trainer import RunOutcome, train
from data.errors import UnavailableError
from tests.core.fold_cases import FOLDS, ROWS, folds_config, write_rows
from tests.core.test_trainer import KilledError, Watcher, timeless

Trained = tuple[RunConfig, Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, resources: Resources) -> Trained:
    """Return an undisturbed run over folds of a task of classes and one of scores."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("folds")
    write_rows(root / "data")
    config = folds_config(root / "data", score=True)
    assert train(config, root / "run", resources, NullRunObserver()) == RunOutcome.FINISHED
    return config, root / "run"


def curve(folder: Path) -> list[Evaluation]:
    return timeless(RunFolder(folder).read_metrics())


def outputs(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("predictions/*.npy"), *folder.glob("fold-*/best/model.safetensors")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_models_follow_one_another(trained: Trained) -> None:
    config, folder = trained
    assert config.rungs == (80, 160, 240, 320, 400, 480)
    assert config.examples == 480
    found = curve(folder)
    assert [one.rung for one in found] == [80, 160, 240, 320, 400, 480]
    assert [one.dev_share for one in found] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    assert not any(RunFolder(folder).disposable_files[place].exists() for place in range(FOLDS))
    assert RunFolder(folder).has_model


def test_the_score_is_the_mean_over_the_folds(trained: Trained) -> None:
    config, folder = trained
    last = curve(folder)[-1]
    assert RunFolder(folder).read_best_evaluation().overall == last.overall
    for task in config.tasks:
        spec, dev = config.tasks[task].spec, dev_examples(config, task)
        stored = np.load(RunFolder(folder).predictions(task, 480))
        labels = np.asarray(dev.labels)
        by_hand = []
        for fold in range(FOLDS):
            rows = [place for place in range(ROWS) if dev.folds is not None and dev.folds[place] == fold]
            if spec.kind.is_score:
                by_hand.append(float(np.corrcoef(stored[rows], labels[rows])[0, 1]))
            else:
                by_hand.append(sum(stored[row].argmax() == labels[row] for row in rows) / len(rows))
        assert last.scores[task] == pytest.approx(sum(by_hand) / FOLDS, abs=1e-6)
        assert own_metric(spec, stored, labels, dev.folds) == pytest.approx(last.scores[task], abs=1e-9)
    assert last.overall == pytest.approx((last.scores["mood"] + (1 + last.scores["warmth"]) / 2) / 2)


def test_between_ends_the_mean_is_of_the_finished_folds_and_the_present_one(trained: Trained) -> None:
    _, folder = trained
    folds = [curve(folder / f"fold-{fold}") for fold in range(FOLDS)]
    joined = curve(folder)
    for fold in range(FOLDS):
        for place in range(2):
            of_folds = [*(one[-1].overall for one in folds[:fold]), folds[fold][place].overall]
            assert joined[2 * fold + place].overall == pytest.approx(fmean(of_folds))


def test_each_row_is_predicted_by_the_model_that_has_not_seen_it(trained: Trained, resources: Resources) -> None:
    config, folder = trained
    for task in config.tasks:
        dev = dev_examples(config, task)
        assert dev.folds is not None
        stored = np.load(RunFolder(folder).predictions(task, 480))
        assert len(stored) == len(dev) == ROWS
        seen_as_dev: list[str] = []
        for fold, (run, own) in enumerate(model_runs(RunFolder(folder), config)):
            data = resources.task_data(own)[task]
            assert not set(data.train.ids) & set(data.dev.ids)
            assert sorted([*data.train.ids, *data.dev.ids]) == sorted(dev.ids)
            assert data.dev.ids == [name for name, of in zip(dev.ids, dev.folds, strict=True) if of == fold]
            model = load_best_model(run, own, resources)
            again = predict(model.model, own, data.dev, model.layout, torch.device("cpu"))
            assert np.allclose(again, stored[dev.folds == fold], atol=1e-6)
            seen_as_dev += data.dev.ids
        assert sorted(seen_as_dev) == sorted(dev.ids)


def test_labels_that_can_only_be_memorised_are_not_predicted(tmp_path: Path, resources: Resources) -> None:
    """If a model saw the rows that it is scored on, it would be right about them too."""
    write_rows(tmp_path / "data", rows=40, seed=3, teaches=False)
    config = folds_config(tmp_path / "data", 2, budget={"examples": 800}, optim={"learning_rate": 1e-2})
    assert train(config, tmp_path / "run", resources, NullRunObserver()) == RunOutcome.FINISHED
    last = RunFolder(tmp_path / "run").read_metrics()[-1].metrics["mood"]
    assert last["train_accuracy"] > 0.9
    assert last["accuracy"] < 0.75


@pytest.mark.parametrize("steps", [3, 8, 9, 13, 23])
def test_an_interrupted_run_equals_an_undisturbed_one(
    trained: Trained, resources: Resources, tmp_path: Path, steps: int
) -> None:
    config, folder = trained
    assert train(config, tmp_path / "run", resources, Watcher(stop_after_steps=steps)) == RunOutcome.INTERRUPTED
    again = Watcher()
    assert train(config, tmp_path / "run", Resources(tmp_path / "other cache"), again) == RunOutcome.FINISHED
    assert timeless(again.seen) == curve(folder)
    assert curve(tmp_path / "run") == curve(folder)
    assert outputs(tmp_path / "run") == outputs(folder)


@pytest.mark.parametrize("rung", [80, 160, 240, 480])
def test_a_run_killed_at_a_rung_equals_an_undisturbed_one(
    trained: Trained, resources: Resources, tmp_path: Path, rung: int
) -> None:
    config, folder = trained
    with pytest.raises(KilledError):
        train(config, tmp_path / "run", resources, Watcher(kill_at=rung))
    again = Watcher()
    assert train(config, tmp_path / "run", resources, again) == RunOutcome.FINISHED
    assert timeless(again.seen) == curve(folder)
    assert outputs(tmp_path / "run") == outputs(folder)


@pytest.mark.parametrize("rung", [160, 240])
def test_pruned_at_the_end_of_a_fold_or_within_it(
    trained: Trained, resources: Resources, tmp_path: Path, rung: int
) -> None:
    config, folder = trained
    run = RunFolder(tmp_path / "run")
    assert train(config, run.path, resources, Watcher(prune_at=rung)) == RunOutcome.PRUNED
    assert [one.rung for one in run.read_metrics()] == [at for at in config.rungs if at <= rung]
    assert len(run.folds) == (1 if rung == 160 else 2)
    assert run.has_checkpoint
    assert not run.has_model
    assert not list(run.path.glob("predictions/*"))
    pruned_again = Watcher(prune_at=rung)
    assert train(config, run.path, resources, pruned_again) == RunOutcome.PRUNED
    assert pruned_again.steps == 0
    assert train(config, run.path, resources, NullRunObserver()) == RunOutcome.FINISHED  # as a revived trial
    assert curve(run.path) == curve(folder)
    assert outputs(run.path) == outputs(folder)


def test_the_observer_counts_the_examples_of_all_folds(trained: Trained, resources: Resources, tmp_path: Path) -> None:
    config, _ = trained
    seen: list[int] = []

    @dataclass
    class Counter(Watcher):
        counts: list[int] = field(default_factory=list)

        def stepped(self, examples: int) -> bool:
            seen.append(examples)
            return True

    train(config, tmp_path, resources, Counter())
    assert seen == sorted(set(seen))
    assert seen[-1] == curve(tmp_path)[-1].examples >= 480


def _delete_model(folder: Path) -> None:
    (folder / "best" / "model.safetensors").unlink()


def _damage_metrics(folder: Path) -> None:
    (folder / "metrics.jsonl").write_text("{")


@pytest.mark.parametrize("spoil", [shutil.rmtree, _delete_model, _damage_metrics])
def test_a_fold_whose_files_are_lost_is_trained_again(
    trained: Trained, resources: Resources, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    config, folder = trained
    shutil.copytree(folder, tmp_path / "run")
    spoil(tmp_path / "run" / "fold-1")
    assert train(config, tmp_path / "run", resources, NullRunObserver()) == RunOutcome.FINISHED
    assert curve(tmp_path / "run") == curve(folder)
    assert outputs(tmp_path / "run") == outputs(folder)


def test_other_folds_than_the_study_began_with_are_refused(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a later version might assign them."""
    write_rows(tmp_path / "data")
    config = folds_config(tmp_path / "data")
    run = RunFolder(tmp_path / "run")
    digest = dev_examples(config, "mood").digest
    run.write_data({"rows": {"mood": {"train": digest, "dev": digest}}, "files": {}})
    with pytest.raises(KilledError):
        train(config, run.path, resources, Watcher(kill_at=80))
    monkeypatch.setattr("data.reading.assign_folds", lambda sentences, *_: np.arange(len(sentences)) % FOLDS)
    with pytest.raises(
        UnavailableError, match="the data have changed since the study began: train of task 'mood', dev"
    ):
        train(config, run.path, Resources(tmp_path / "other cache"), NullRunObserver())
