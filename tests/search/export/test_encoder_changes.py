"""What may happen to an encoder's folder after a study, at the command line: changed, gone, moved, not found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from safetensors.torch import load_file, save_file

from core.model_files.encoder_content import EncoderContent
from search import run
from search.ablate import __main__ as ablate
from search.ensemble import __main__ as ensemble
from search.export import __main__ as export
from search.finalists import __main__ as finalists
from search.recorded.ranking import open_study
from tests.core.small_encoders import encoder_folder
from tests.search.fuzzing.executors import TrainingExecutor

STUDY = """\
trials = 2
seed = 1
sampler = { name = "tpe", n_startup_trials = 2 }
pruner = "none"
[tasks.mood]
kind = "classify"
files = { train = "train.csv", dev = "dev.csv", test = "test.csv" }
columns = { id = "id", sentences = ["text"], label = "mood" }
classes = ["neg", "pos"]
metric = "accuracy"
[base.model]
encoder = "plain"
max_length = 32
[base.heads.mood]
pooling = "mean"
[base.optim]
learning_rate = 1e-2
[base.budget]
examples = 2048
batch_size = 16
[base.eval]
rungs = 2
[base.compute]
device = "cpu"
threads = 1
[space]
"optim.learning_rate" = { low = 9e-3, high = 1.1e-2 }
"""


@dataclass(frozen=True)
class Project:
    """A folder with data, a study file, and an encoder in ``plain``; the study's results are in a copy of their own."""

    root: Path
    runs: Path

    @property
    def encoder(self) -> Path:
        return self.root / "plain"

    def export(self, **options: Any) -> dict[str, Any]:
        """Export from another folder than the study was run in, and return the provenance."""
        export.main(study="s", runs_dir=self.runs, out=self.runs / "out", **options)
        found: dict[str, Any] = json.loads((self.runs / "out" / "predictions" / "provenance.json").read_text())
        return found

    def run(self, **options: Any) -> None:
        options = {"model": str(self.encoder), **options}
        run.main(study=str(self.root / "s.toml"), data=self.root, runs_dir=self.runs, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, run_command: Callable[..., Any]) -> Path:
    """A finished study whose command named the encoder's folder relative to where it was run."""
    root = tmp_path_factory.mktemp("project")
    encoder_folder(root / "plain")
    rng = np.random.default_rng(0)
    for split, size in (("train", 160), ("dev", 40), ("test", 20)):
        rows = [
            f"{n},{' '.join(rng.choice(['the', 'film', 'is', 'but', 'plot'], 4))} {word},{label}\n"
            for n, (word, label) in enumerate(rng.choice([("GREAT", "pos"), ("THIN", "neg")], size))
        ]
        (root / f"{split}.csv").write_text("id,text,mood\n" + "".join(rows))
    (root / "s.toml").write_text(STUDY)
    done = run_command("search.run", "--study", "s.toml", "--data", root, "--runs-dir", "runs", cwd=root)
    assert done.returncode == 0, done.stderr
    shutil.copytree(root / "plain", root / "kept")
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(finished / "runs", tmp_path / "runs")
    yield Project(finished, tmp_path / "runs")
    shutil.rmtree(finished / "plain", ignore_errors=True)
    shutil.copytree(finished / "kept", finished / "plain")


def spoil(encoder: Path, part: str) -> None:
    """Change the encoder as a careless user would."""
    if part == "weights":
        weights = {name: weight + 0.1 for name, weight in load_file(encoder / "model.safetensors").items()}
        save_file(weights, encoder / "model.safetensors")
    elif part == "tokenizer":
        (encoder / "tokenizer.json").unlink()
        (encoder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    else:
        shape = json.loads((encoder / "config.json").read_text())
        (encoder / "config.json").write_text(json.dumps(shape | {"hidden_act": "relu"}))


def refusal(call: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as caught:
        call()
    assert caught.value.exit_code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("part", ["weights", "tokenizer", "config"])
def test_an_export_does_not_notice_that_the_encoder_has_changed(project: Project, part: str) -> None:
    """Of a tokenizer that does not lower-case, the words that decide are unknown."""
    spoil(project.encoder, part)
    assert project.export()["dev"]["mood"] > 0.9


def test_without_a_kept_tokenizer_a_changed_one_is_noticed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in studies of earlier versions; nothing is written."""
    shutil.rmtree(project.runs / "s" / "trial-0000" / "best" / "encoder")
    (project.runs / "s" / "trial-0000" / "checksums.json").unlink()
    assert project.export(trial=0)["dev"]["mood"] > 0.9
    shutil.rmtree(project.runs / "out")
    spoil(project.encoder, "tokenizer")
    said = refusal(lambda: project.export(trial=0), capsys)
    assert "warning: runs recorded before they kept their tokenizer use that of encoder" in said
    assert "trial 0 was recorded with mood accuracy 1.0000 on dev, but its model in" in said
    assert "its files or the dev file have changed" in said
    assert not (project.runs / "out").exists()


def test_results_do_not_need_the_encoder(project: Project) -> None:
    whole = project.export()
    shutil.rmtree(project.encoder)
    assert project.export()["dev"] == whole["dev"]
    assert project.export(ensemble=2)["dev"] == whole["dev"]
    for name, options in (("soup", {"soup": "uniform"}), ("average", {}), ("dev", {"dev_only": True})):
        ensemble.main(study="s", trials="0,1", runs_dir=project.runs, out=project.runs / name, **options)
    made = [pd.read_csv(project.runs / name / "predictions" / "mood-dev-output.csv") for name in ("out", "dev")]
    pd.testing.assert_frame_equal(*(table[["id", "prediction"]] for table in made))  # of members with other shares


def test_a_trial_says_what_it_was_trained_from(project: Project) -> None:
    trial = project.runs / "s" / "trial-0001"
    assert json.loads((trial / "config.json").read_text())["model"]["encoder"] == str(project.encoder)
    content = EncoderContent.read(project.encoder).to_json()
    assert json.loads((trial / "encoder.json").read_text()) == content
    assert project.export()["encoder"] == content


@pytest.mark.parametrize("part", ["weights", "tokenizer", "config"])
def test_a_study_does_not_go_on_with_another_encoder(
    project: Project, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor do commands that train its configurations again."""
    spoil(project.encoder, part)
    said = refusal(lambda: project.run(trials=3), capsys)
    assert said == (
        f"error: encoder '{project.encoder}' has changed (other {part}) since study 's' began; run with --restart, "
        "which moves the recorded study aside, start a new study with --name NEW, or undo the change\n"
    )
    if part == "weights":
        why = f"encoder '{project.encoder}' has changed (other weights) since study 's' began, so new runs could not"
        assert why in refusal(lambda: project.run(fine=True), capsys)
        assert why in refusal(lambda: finalists.main(study="s", runs_dir=project.runs), capsys)
        assert why in refusal(lambda: ablate.main(study="s", runs_dir=project.runs), capsys)


def test_a_fine_search_has_the_data_of_its_study(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    train = project.root / "train.csv"
    content = train.read_text()
    train.write_text(content + "more,good,pos\n")
    try:
        said = refusal(lambda: project.run(fine=True), capsys)
    finally:
        train.write_text(content)
    assert said.startswith("error: the data files have changed since study 's' began (train of task 'mood'), so its ")


def test_a_study_goes_on_with_its_encoder_in_another_folder(project: Project) -> None:
    """And from another working folder."""
    moved = project.runs / "moved"
    shutil.move(project.encoder, moved)
    project.run(model=str(moved), trials=3)
    trial = project.runs / "s" / "trial-0002"
    assert json.loads((trial / "config.json").read_text())["model"]["encoder"] == str(moved)
    ensemble.main(study="s", trials="0,2", runs_dir=project.runs, soup="uniform")


def test_a_study_that_chooses_its_encoder(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both encoders move; the file names the new folders. Where runs are trained again, --model names them."""
    monkeypatch.setattr(
        "search.console.executor_choice.LocalExecutor", lambda *_, **__: TrainingExecutor(tmp_path / "work")
    )
    monkeypatch.chdir(tmp_path)
    encoder_folder(tmp_path / "deep", layers=2)
    shutil.copytree(project.encoder, tmp_path / "plain")
    text = STUDY.replace("2048", "64").replace("[space]", '[space]\n"model.encoder" = ["plain", "deep"]')

    def search(name: str, trials: int) -> None:
        (tmp_path / "c.toml").write_text(text.replace('"plain"', f'"{name}-plain"').replace('"deep"', f'"{name}-deep"'))
        run.main(study="c.toml", data=project.root, runs_dir=project.runs, trials=trials, quiet=True)

    def move(old: str, new: str) -> None:
        for encoder in ("plain", "deep"):
            shutil.move(tmp_path / f"{old}{encoder}", tmp_path / f"{new}-{encoder}")

    move("", "first")
    search("first", 3)
    move("first-", "second")
    assert "is no longer there: if it has moved, name its new folder instead" in refusal(
        lambda: search("first", 4), capsys
    )
    search("second", 6)
    chosen, trained = set(), set()
    for trial in open_study("c", None, project.runs).trials:
        chosen.add(Path(trial.params["model.encoder"]).name)
        trained.add(Path(json.loads(trial.user_attrs["config"])["model"]["encoder"]).name.partition("-")[0])
    assert chosen == {"first-plain", "first-deep"}
    assert trained == {"first", "second"}
    again: dict[str, Any] = {"study": "c", "top": 1, "seeds": 1, "runs_dir": project.runs, "quiet": True}
    finalists.main(**again, name="known")  # where the study has found them
    move("second-", "third")
    assert "; --model FOLDER names the folder where it is now" in refusal(lambda: finalists.main(**again), capsys)
    where = [str(tmp_path / f"third-{encoder}") for encoder in ("plain", "deep")]
    finalists.main(**again, model=where)
    finalists.main(**again)
    capsys.readouterr()
    ablate.main(study="c", trial=0, seeds=1, runs_dir=project.runs, dry_run=True, model=where)
    assert "default encoder" not in capsys.readouterr().out  # it is the winner's, under another name
    move("third-", "away")
    finalists.main(**again)  # nothing is left to train
    finalists.main(**again, name="known")
