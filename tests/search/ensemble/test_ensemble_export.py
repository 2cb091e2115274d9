"""search.export --ensemble: what is written, that it predicts what was exported, and what goes wrong."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import typer
from safetensors.torch import load_file
from scipy.special import softmax

from core.model_files.calibration_file import load_calibration
from core.model_files.model_folder import load_model_folder
from data.reading import read_split
from data.task_files import builtin_tasks
from search.ensemble.__main__ import main as ensemble_command
from search.ensemble.ensemble_export import BAGS
from search.ensemble.selection import GreedyOptions
from search.ensemble.selection_replay import SelectionReplay
from search.export import __main__ as export
from search.predict import __main__ as predict
from search.score import __main__ as score
from search.trials.folders import TrialFolders

TASKS = ("sst", "para", "sts")


@pytest.fixture(scope="module")
def folder(trials: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export")
    export.main(study="tiny", ensemble=3, out=out, runs_dir=trials.runs)
    return out


@pytest.fixture
def provenance(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "predictions" / "provenance.json").read_text()))


def values(folder: Path, task: str, split: str) -> list[str]:
    lines = (folder / "predictions" / f"{task}-{split}-output.csv").read_text().splitlines()[1:]
    return [line.split(" , ")[1].strip() for line in lines]


def test_it_is_what_the_ensemble_command_selects(folder: Path, provenance: Any, trials: Any, tmp_path: Path) -> None:
    ensemble_command(study="tiny", greedy=3, bags=BAGS, out=tmp_path, runs_dir=trials.runs)
    made = json.loads((tmp_path / "ensemble.json").read_text())
    for key in ("members", "dev", "gain", "dev_metrics", "tasks", "data_sha256", "code", "candidates", "scored_trials"):
        assert provenance[key] == made[key]
    for task in TASKS:
        for split in ("dev", "test"):
            assert values(folder, task, split) == values(tmp_path, task, split)
    assert [one["config_sha256"] for one in provenance["members"]] == [
        trials.config(one["trial"]).digest for one in provenance["members"]
    ]
    assert len(provenance["members"]) >= 2


def test_what_is_expected_is_the_replay_of_the_selection(provenance: Any, trials: Any) -> None:
    """Of all three trials with a model, which are the best of four."""
    options = GreedyOptions(3, bags=BAGS)
    folders = TrialFolders(trials.runs / "tiny")
    replay = SelectionReplay.stored(range(4), trials.with_model, options, trials.config(0), folders)
    replay.__dict__["resamples"] = provenance["expected"]["resamples"]  # the fixture made more than tests here do
    shares = {task: {m["trial"]: m["shares"][task] for m in provenance["members"]} for task in TASKS}
    assert replay.selected_on_all["sst"] == pytest.approx(shares["sst"])
    found = replay.expect(shares)
    assert provenance["expected"]["overall"] == pytest.approx(vars(found.overall))
    assert provenance["expected"]["sts"] == pytest.approx(vars(found.tasks["sts"]))
    assert provenance["expected"]["selected_from"] == {"trials": 4}
    assert provenance["expected"]["overall"]["dev"] == pytest.approx(provenance["dev"]["overall"])


def test_every_members_model_is_there_once(folder: Path, provenance: Any, trials: Any) -> None:
    members = {one["trial"]: one for one in provenance["members"]}
    names = {path.name: path for path in (folder / "model" / "members").iterdir()}
    assert set(names) == {f"trial-{number:04d}" for number in members}
    for number, record in members.items():
        model = names[f"trial-{number:04d}"]
        weights = load_model_folder(model).model.state_dict()
        stored = load_file(trials.folder(number).best_model)
        assert all(torch.equal(weights[name], weight) for name, weight in stored.items())
        own = json.loads((model / "provenance.json").read_text())
        assert record.items() <= own.items()
        assert (own["study"], own["data_sha256"]) == ("tiny", provenance["data_sha256"])
    record = json.loads((folder / "model" / "ensemble.json").read_text())
    for task in TASKS:
        shares = {f"trial-{number:04d}": one["shares"][task] for number, one in members.items()}
        assert record["shares"][task] == shares
        assert sum(shares.values()) == pytest.approx(1.0)


Predict = Callable[..., list[str]]


@pytest.fixture
def predicted(trials: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Return what search.predict prints for the dev sentences."""

    def run(model: Path, task: str, **options: Any) -> list[str]:
        sentences = read_split(builtin_tasks()[task], trials.runs / "tiny" / "corpus", "dev").sentences
        text = "".join("\t".join(one) + "\n" for one in sentences)
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
        capsys.readouterr()
        predict.main(model_dir=model, task=[task], **options)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("task", TASKS)
def test_new_text_gets_the_same_predictions(folder: Path, predicted: Predict, task: str) -> None:
    """Of the ensemble: no member alone predicts all of them."""
    spec, written = builtin_tasks()[task], values(folder, task, "dev")

    def same(model: Path) -> bool:
        printed = predicted(model, task)
        if spec.kind.is_score:
            return np.allclose(np.array(printed, float), np.array(written, float), atol=1e-4)
        return printed == [spec.classes[int(float(value))] for value in written]

    assert same(folder / "model")
    if task == "sts":
        assert not any(same(member) for member in (folder / "model" / "members").iterdir())


def test_probabilities_are_averaged(folder: Path, provenance: Any, predicted: Predict, trials: Any) -> None:
    """The softmax of the mean logarithms, which are then divided by the temperature of the whole."""
    shares = {one["trial"]: one["shares"]["sst"] for one in provenance["members"]}
    logs = sum(share * np.log(trials.stored(number, "sst").astype(float)) for number, share in shares.items())
    temperature = load_calibration(folder / "model")["sst"].temperature
    expected = softmax(logs / temperature, axis=1)
    rows = [line.split("\t")[1:] for line in predicted(folder / "model", "sst", probabilities=True)[1:]]
    assert np.allclose(np.array(rows, float), expected, atol=2e-4)


def test_a_better_trial_may_have_lost_its_model(
    trials: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, out = tmp_path / "runs", tmp_path / "out"
    shutil.copytree(trials.runs, copy)
    best, second, third = trials.with_model
    type(trials)(copy).folder(second).best_model.unlink()
    export.main(study="tiny", ensemble=2, out=out, runs_dir=copy)
    record = json.loads((out / "predictions" / "provenance.json").read_text())
    assert {one["trial"] for one in record["members"]} <= {best, third}
    assert record["expected"]["selected_from"] == {"trials": 3}
    assert "Selecting an ensemble from 3 trials" in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def labels(folder: Path, tmp_path: Path) -> Path:
    """Write made-up labels of the test files."""
    made = tmp_path / "labels"
    made.mkdir()
    for task in TASKS:
        lines = (folder / "predictions" / f"{task}-test-output.csv").read_text().splitlines()[1:]
        rows = [line.rsplit(",", 1)[0].strip() + f",{place % 2}" for place, line in enumerate(lines)]
        (made / f"{task}-labels.csv").write_text("id,label\n" + "\n".join(rows) + "\n")
    return made


def test_test_labels_score_it(folder: Path, labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score.main(labels=labels, predictions=folder)
    expected = json.loads((folder / "predictions" / "provenance.json").read_text())["expected"]["overall"]
    assert f"on dev {expected['dev']:.4f}, expected {expected['expected']:.4f}" in (capsys.readouterr().out)


def test_one_export_replaces_another(folder: Path, trials: Any, tmp_path: Path, predicted: Predict) -> None:
    """An ensemble's models do not remain next to a single model, and vice versa."""
    out, mine = tmp_path / "export", tmp_path / "export" / "model" / "notes.txt"
    shutil.copytree(folder, out)
    mine.write_text("dear diary")
    best = trials.with_model[0]
    export.main(study="tiny", out=out, runs_dir=trials.runs)
    assert not (out / "model" / "ensemble.json").exists()
    assert not (out / "model" / "members").exists()
    assert np.allclose(np.array(predicted(out / "model", "sts"), float), trials.stored(best, "sts"), atol=1e-4)
    export.main(study="tiny", ensemble=2, out=out, runs_dir=trials.runs)
    assert not any(
        (out / "model" / name).exists() for name in ("model.safetensors", "heads.safetensors", "config.json")
    )
    assert len(json.loads((out / "predictions" / "provenance.json").read_text())["members"]) <= 2
    ensemble_command(study="tiny", trials=str(best), dev_only=True, out=out, runs_dir=trials.runs)
    files = {path.name for path in (out / "predictions").iterdir()}
    assert files == {"checksums.json", *(f"{task}-dev-output.csv" for task in TASKS)}
    assert [path.name for path in (out / "model").iterdir()] == ["notes.txt"]
    export.main(study="tiny", out=out, runs_dir=trials.runs)
    assert not (out / "ensemble.json").exists()
    assert mine.read_text() == "dear diary"


class Killed(BaseException):
    """No code handles it."""


@pytest.mark.parametrize(
    ("command", "options", "step"),
    [
        (export.main, {}, "search.export.trial.save_model_folder"),
        (export.main, {"ensemble": 2}, "search.ensemble.ensemble_export.save_ensemble_folder"),
        (ensemble_command, {"soup": "uniform"}, "search.ensemble.result.save_model_folder"),
        (ensemble_command, {"greedy": 2}, "search.ensemble.result.write_provenance"),
    ],
)
def test_new_predictions_never_have_the_record_of_old_ones(
    folder: Path,
    labels: Path,
    trials: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[..., None],
    options: dict[str, Any],
    step: str,
) -> None:
    """Killed after the predictions were written: what was expected of others is not said of these."""
    out = tmp_path / "export"
    shutil.copytree(folder, out)
    shutil.copyfile(folder / "predictions" / "provenance.json", out / "ensemble.json")

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(step, killed)
    with pytest.raises(Killed):
        command(study="tiny", out=out, runs_dir=trials.runs, **options)
    assert (out / "predictions" / "sst-test-output.csv").exists()
    capsys.readouterr()
    score.main(study="tiny", labels=labels, predictions=out, runs_dir=trials.runs)
    printed = " ".join(capsys.readouterr().out.split())
    assert ", expected " not in printed
    assert "has no record of the trial that made these predictions; export it again" in printed


def test_what_cannot_be_exported(trials: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(command: Callable[..., None], **options: Any) -> str:
        with pytest.raises(typer.Exit) as ended:
            command(**options)
        assert ended.value.exit_code == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        return message

    out = tmp_path / "out"
    both = refused(export.main, study="tiny", ensemble=3, trial=1, out=out, runs_dir=trials.runs)
    assert both == "error: --ensemble selects several trials, --trial names one: give only one of them\n"
    both = refused(export.main, study="tiny", ensemble=3, formats=["transformers"], out=out, runs_dir=trials.runs)
    expected = "which is several models; leave out one of them, or average weights: onebert ensemble --soup"
    assert both == f"error: --format cannot write an ensemble, {expected}\n"
    copy = tmp_path / "runs"
    shutil.copytree(trials.runs, copy)
    for number in trials.with_model[1:]:
        type(trials)(copy).folder(number).best_model.unlink()
    message = refused(export.main, study="tiny", ensemble=3, out=out, runs_dir=copy)
    assert "1 of them still have a model (keep_models says how many do): nothing to select from" in message
    assert "without --ensemble the best trial is exported" in message
    assert not out.exists()
    (tmp_path / "ensemble.json").write_text("{}")
    assert "ensemble.json: cannot read the ensemble" in refused(predict.main, model_dir=tmp_path, task=["sst"])
    (tmp_path / "ensemble.json").write_text('{"shares": {"sst": {"trial-0001": 1.0}}}')
    assert "trial-0001: no run_config.json" in refused(predict.main, model_dir=tmp_path, task=["sst"])
