"""The command: what it prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from core.model_files.model_folder import ENSEMBLE, save_model_folder
from data.task_files import builtin_tasks
from search.console.cli import make_app
from search.predict.__main__ import main
from search.predict.predictions import TaskPredictions
from tests.search.predict.conftest import MakeModel

SST, STS = (builtin_tasks()[name] for name in ("sst", "sts"))


def test_a_folder_or_task_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ENSEMBLE).write_text('{"shares": {"sst": {"trial-0001": 1.0}}}')
    for folder, words in [(tmp_path / "none", "no such folder"), (tmp_path, "the model has the tasks sst")]:
        ended = CliRunner().invoke(make_app(main), ["--model-dir", str(folder), "--task", "sts"], input="x\n")
        assert ended.exit_code == 2
        assert words in " ".join(ended.stderr.split())


@pytest.fixture
def predicted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose model is not loaded: it gives two fixed answers."""
    fixed = SimpleNamespace(predict=lambda _, task: TaskPredictions.of(builtin_tasks()[task], outputs[task]))
    config = SimpleNamespace(tasks={"sst": SimpleNamespace(spec=SST), "sts": SimpleNamespace(spec=STS)})
    outputs = {"sst": np.array([[0.1, 0.2, 0.5, 0.1, 0.1], [0, 0, 0, 0, 1.0]]), "sts": np.array([1.25, 4.5])}
    monkeypatch.setattr("search.predict.model.load_run_config", lambda _: config)
    monkeypatch.setattr("search.predict.model.Model", lambda *_, **__: fixed)
    (tmp_path / ENSEMBLE).write_text('{"shares": {"sst": {"m": 1.0}, "sts": {"m": 1.0}}}')
    return tmp_path


def test_classes_are_printed_by_name_and_scores_as_numbers(predicted: Path) -> None:
    def printed(*arguments: str, text: str) -> list[str]:
        done = CliRunner().invoke(make_app(main), ["--model-dir", str(predicted), *arguments], input=text)
        assert done.exit_code == 0, done.stderr
        return done.stdout.splitlines()

    assert printed("--task", "sst", text="a\nb\n") == [SST.classes[2], SST.classes[4]]
    assert printed("--task", "sst", "--probabilities", text="a\nb\n") == [
        "\t".join(["prediction", *SST.classes]),
        "\t".join([SST.classes[2], "0.1000", "0.2000", "0.5000", "0.1000", "0.1000"]),
        "\t".join([SST.classes[4], "0.0000", "0.0000", "0.0000", "0.0000", "1.0000"]),
    ]
    scores = printed("--task", "sts", "--probabilities", text="a\tb\nc\td\n")
    assert [float(line) for line in scores] == [1.25, 4.5]


def test_no_sentences_at_all(predicted: Path) -> None:
    ended = CliRunner().invoke(make_app(main), ["--model-dir", str(predicted), "--task", "sst"], input="")
    assert ended.exit_code == 2
    assert "standard input is empty; give one sentence per line" in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "sst", "--output", "y.csv"], "--output, --columns and --workers are for files: give --input FILE"),
        (["--task", "sst", "--columns", "a=b"], "--output, --columns and --workers are for files: give --input FILE"),
        (["--task", "sst", "--workers", "2"], "--output, --columns and --workers are for files: give --input FILE too"),
        (["--task", "sst", "--input", "x.csv"], "--input needs --output FILE, where the predictions are written"),
        (
            ["--task", "sst", "--input", "x.csv", "--output", "y.csv", "--workers", "2", "--device", "cuda"],
            "--workers 2: several processes predict on the CPU only, not on cuda",
        ),
        (["--task", "sst", "--task", "sts"], "standard input is predicted for one --task; for several, give --input"),
        ([], "which task? give --task NAME; the model has the tasks sst, sts"),
        (
            ["--task", "sst", "--task", "st"],
            "--task: no task 'st': the model has the tasks sst, sts; did you mean 'sts'?",
        ),
    ],
)
def test_options_that_do_not_fit(predicted: Path, arguments: list[str], message: str) -> None:
    ended = CliRunner().invoke(make_app(main), ["--model-dir", str(predicted), *arguments], input="x\n")
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())


def test_a_file_is_predicted_and_named(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,sentence\n7,a fine film\n8,\n")
    arguments = ["--model-dir", saved, "--task", "sst", "--input", tmp_path / "x.csv", "--output", tmp_path / "y.csv"]
    done = CliRunner().invoke(make_app(main), list(map(str, arguments)))
    assert done.exit_code == 0, done.stderr
    assert " ".join(done.stdout.split()) == f"2 rows: {tmp_path / 'y.csv'}"
    lines = (tmp_path / "y.csv").read_text().splitlines()
    assert lines[0] == ",".join(["id", "prediction", *(f"probability_{name}" for name in SST.classes)])
    assert [line.split(",")[0] for line in lines[1:]] == ["7", "8"]


def test_the_only_task_need_not_be_named(tmp_path: Path, make_model: MakeModel) -> None:
    save_model_folder(tmp_path, make_model("sts"), {})
    done = CliRunner().invoke(make_app(main), ["--model-dir", str(tmp_path)], input="a\tb\n\t\n")
    assert done.exit_code == 0, done.stderr
    assert len([float(line) for line in done.stdout.splitlines()]) == 2
